"""The record of a task's import from attempt to attempt, in Airflow's task state, and when it is cleared."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.runtime.compat import NEVER_EXPIRE
from eci_provider.runtime.context import is_recorded_as_success, own_xcom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: The key of the record in Airflow's task state. A key that was used once stays, or running imports are orphaned.
RECORD_KEY = "eci_submission"
#: The entry of a record with the imports that the task did before its last clear, and how many of them it keeps.
EARLIER = "earlier"
MOST_EARLIER = 20


def record_key(round_number: int) -> str:
    """
    Return the key of a round's record in Airflow's task state; a first round has the one of every import.

    :param round_number: which round, counted from 1.
    """
    return RECORD_KEY if round_number == 1 else f"{RECORD_KEY}_round_{round_number}"


class TaskMemory:
    """
    A record of a task instance that outlives retries and clears (Airflow 3.3 and later).

    Below 3.3 there is no task state: what is written is lost with the process.

    :param context: Airflow's context.
    :param key: the key of the record.
    """

    def __init__(self, context: Context | Mapping[str, Any], key: str) -> None:
        self._store: Any = context.get("task_state_store")
        self._key = key

    @property
    def lasts(self) -> bool:
        """Return whether a later attempt can read what is written."""
        return self._store is not None

    def read(self) -> dict[str, Any]:
        """Return the record; an empty one if nothing was written."""
        record = self._store.get(self._key) if self._store is not None else None
        return dict(record) if isinstance(record, dict) else {}

    def write(self, record: Mapping[str, Any]) -> None:
        """
        Replace the record.

        :param record: plain JSON.
        """
        if self._store is not None:
            # It lives as long as the task instance: without it, a clear after a year would import again.
            self._store.set(self._key, dict(record), retention=NEVER_EXPIRE)


def note_first_try(context: Context, keys: Sequence[str] = (RECORD_KEY,)) -> None:
    """
    Create the records in a task's first try, so that later ones know that an empty one means "nothing sent".

    If that fails, nothing was sent, and a retry may send it.

    :param context: Airflow's context.
    :param keys: the keys of the records that the task may have, one for each piece of work.
    """
    if context["ti"].try_number != 1:
        return
    for memory in [TaskMemory(context, key) for key in keys]:
        if memory.lasts and not memory.read():
            memory.write({"generation": 0})


def forget_on_success(context: Context) -> None:
    """
    Let a task that is cleared after its success import again; Airflow calls this after a success.

    The record keeps a generation number, which is part of the marker, and the imports that were done, so that a
    search never takes one of them for the next. The number is that of the try that succeeded, or a higher one, so
    that no earlier try can have used it, whatever became of the record.

    :param context: Airflow's context; its task says which records it may have.
    """
    keys = getattr(context.get("task"), "record_keys", (RECORD_KEY,))
    memories = [TaskMemory(context, key) for key in keys]
    # The others say already that nothing was sent.
    records = {memory: record for memory in memories if (record := memory.read()) and _was_sent(record)}
    if not records:
        return
    if not is_recorded_as_success(context):
        log.warning(
            "Airflow has not recorded this try as a success, so a clear of the task imports nothing again."
        )
        return
    for memory, record in records.items():
        # An import that could not be recorded is in XCom all the same.
        done = record.get("task_guid") or own_xcom(context, "task_guid")
        earlier = [*record.get(EARLIER, ()), done]
        memory.write(
            {
                "generation": max(int(record.get("generation", 0)) + 1, context["ti"].try_number),
                EARLIER: [guid for guid in earlier if guid][-MOST_EARLIER:],
            }
        )


def _was_sent(record: Mapping[str, Any]) -> bool:
    """Return whether something was, or was about to be, sent since the last success."""
    return bool(record.get("task_guid") or record.get("marker"))


def earlier_imports(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    Return the GUIDs of the imports that a task did before it was cleared.

    :param records: all its records.
    """
    return [guid for record in records for guid in record.get(EARLIER, ())]
