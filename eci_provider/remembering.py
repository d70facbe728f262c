"""What a task remembers of its import from try to try, and when it forgets that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: Under which name the record lies in Airflow's task state; a name once used stays, or running imports are lost.
RECORD_KEY = "eci_submission"


def forget_on_success(context: Context) -> None:
    """
    Let a task that is cleared after its success do its work again; Airflow calls it once the success is recorded.

    All that stays is a generation number, which is part of the marker.

    :param context: Airflow's context; its task says under which names it may have recorded imports.
    """
    from eci_provider.compat import TaskMemory

    for key in getattr(context.get("task"), "record_keys", (RECORD_KEY,)):
        memory = TaskMemory(context, key)
        record = memory.read()
        if record:
            memory.write({"generation": int(record.get("generation", 0)) + 1})
