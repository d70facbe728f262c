"""What a task remembers of its import from try to try, and when it forgets that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from eci_provider.runtime.context import own_xcom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: Under which name the record lies in Airflow's task state; a name once used stays, or running imports are lost.
RECORD_KEY = "eci_submission"
#: Under what a record names the imports that the task did before its last clear, and how many of them it keeps.
EARLIER = "earlier"
MOST_EARLIER = 20


def note_first_try(context: Context) -> None:
    """
    Record in a task's first try that there is a record, so that later ones can tell what it does not say.

    Should that fail nothing was sent, and a retry is free to.

    :param context: Airflow's context.
    """
    from eci_provider.runtime.compat import TaskMemory

    memory = TaskMemory(context, RECORD_KEY)
    if memory.lasts and context["ti"].try_number == 1 and not memory.read():
        memory.write({"generation": 0})


def forget_on_success(context: Context) -> None:
    """
    Let a task that is cleared after its success do its work again; Airflow calls it once the success is recorded.

    What stays is a generation number, which is part of the marker, and which imports were done, so that a search
    never takes one of them for the next.

    :param context: Airflow's context; its task says under which names it may have recorded imports.
    """
    from eci_provider.runtime.compat import TaskMemory

    for key in getattr(context.get("task"), "record_keys", (RECORD_KEY,)):
        memory = TaskMemory(context, key)
        record = memory.read()
        if record:
            # Where the import could not be recorded, its GUID is in XCom all the same.
            done = record.get("task_guid") or (record.get("marker") and own_xcom(context, "task_guid"))
            earlier = [*record.get(EARLIER, ()), done]
            memory.write(
                {
                    "generation": int(record.get("generation", 0)) + 1,
                    EARLIER: [guid for guid in earlier if guid][-MOST_EARLIER:],
                }
            )


def earlier_imports(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    Return the GUIDs of the imports that a task did before it was cleared.

    :param records: all that it has recorded.
    """
    return [guid for record in records for guid in record.get(EARLIER, ())]
