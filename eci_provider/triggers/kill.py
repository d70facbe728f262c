"""What a user's kill of a deferred task does to its import."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from eci_provider.batches.on_kill import kill
from eci_provider.hooks.eci import EciHook

#: How long a kill may take, in seconds; Airflow gives up after 30 unless configured otherwise.
KILL_SECONDS = 25.0


async def kill_import(action: str, eci_conn_id: str, task_guid: str, *, reattach: bool) -> None:
    """
    Handle an import after a kill, without blocking the event loop.

    :param action: ``detach`` or ``void_batch``.
    :param eci_conn_id: the Airflow connection; the client of the wait is closed by then.
    :param task_guid: the import.
    :param reattach: whether a later try of the task takes the import up again.
    """
    hook = EciHook(eci_conn_id)
    await sync_to_async(kill, thread_sensitive=False)(
        action, hook.get_conn, task_guid, seconds=KILL_SECONDS, reattach=reattach
    )
    hook.close()
