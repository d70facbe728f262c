"""Tasks of bill imports: their submission, their run when they are due, their answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from eci_provider.sandbox import batch_settings, batches, history, kickouts, read_lag
from eci_provider.sandbox.environment import Environment, User, user_child
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.importer import Import
from eci_provider.sandbox.reader import UnreadableFileError, read
from eci_provider.sandbox.store import Row

TASK_TYPE = {"taskTypeId": 11, "taskTypeCode": "BillImport", "taskTypeInfo": "Bill Import"}
OPTIONS = ("saveAsResolved", "comment", "suppressBillCaptureNotification", "batchSettings")

_TASKS = """
SELECT tasks.task_id, guid, user_id, file_name, profile_code, options, tasks.batch_id, tasks.note,
    begin_at, end_at, outcome, message, rows_read, batches.code AS batch_code,
    COUNT(bills.bill_id) AS bill_count,
    COALESCE(SUM(bills.analyzed_at > ?), 0) AS analyzing,
    COALESCE(SUM(bills.flagged AND bills.analyzed_at <= ?), 0) AS flags,
    (SELECT COUNT(*) FROM kickout_rows WHERE kickout_rows.task_id = tasks.task_id) AS kickout_count
FROM tasks LEFT JOIN batches USING (batch_id) LEFT JOIN bills ON bills.task_id = tasks.task_id
"""


@dataclass(frozen=True)
class Upload:
    """
    The file of an import, and the profile that describes its columns.

    :param mapping: the profile's column mapping; None for the Advanced format.
    """

    file_name: str
    data: bytes
    profile_code: str | None = None
    mapping: dict[str, Any] | None = None


def submit(
    env: Environment, user: User, request: dict[str, Any], upload: Upload, *, seconds: float | None = None
) -> str:
    """
    Accept an import. It runs when it is due.

    :param request: the properties of the request beside the file.
    :param seconds: how long the import takes; the setting ``delay`` if None.
    :return: the task's GUID.
    :raises ApiError: 400 for batch settings that do not fit.
    """
    with env.store.transaction():
        batch_id, self_contained = batch_settings.choose(env, user, request.get("batchSettings"))
        begin = env.clock.time()
        guid = str(uuid.uuid4())
        task_id = env.store.insert(
            "tasks",
            guid=guid,
            user_id=user.user_id,
            file_name=upload.file_name,
            profile_code=upload.profile_code,
            mapping=upload.mapping,
            options={name: request.get(name) for name in OPTIONS},
            batch_id=batch_id,
            self_contained=int(self_contained),
            note=request.get("importNote"),
            begin_at=begin,
            due_at=begin + (env.settings.delay if seconds is None else seconds),
            analysis=env.settings.analysis,
            forced_failure=env.next_failures.pop(0) if env.next_failures else None,
        )
        read_lag.created(env, read_lag.TASK, task_id)
        env.store.insert("uploads", task_id=task_id, data=upload.data)
        return guid


def run_due(env: Environment, until: float | None = None) -> None:
    """Run every import that is due now (or at ``until``), in the order of their times, each at its own time."""
    while True:
        with env.store.transaction():
            limit = env.clock.time() if until is None else until
            due = env.store.row(
                "SELECT * FROM tasks WHERE outcome IS NULL AND due_at <= ? ORDER BY due_at, task_id LIMIT 1",
                limit,
            )
            if due is None:
                return
            with env.clock.pinned(due["due_at"]):
                _run(env, due)


def _run(env: Environment, task: Row) -> None:
    batch = env.store.row("SELECT * FROM batches WHERE batch_id = ?", task["batch_id"])
    run = Import(task["task_id"], batch or {}, bool(task["options"]["saveAsResolved"]), env.store)
    data = env.store.blob("SELECT data FROM uploads WHERE task_id = ?", task["task_id"])
    env.store.execute("DELETE FROM uploads WHERE task_id = ?", task["task_id"])
    rows_read = 0
    try:
        if task["forced_failure"]:
            raise UnreadableFileError(task["forced_failure"])
        if batch is None or batch["status"] == batches.CLOSED:
            # Assumption: if its batch is closed or deleted meanwhile, the import fails.
            raise UnreadableFileError("The batch of the import is closed or was deleted.")
        files = read(task["file_name"], data)
        rows_read = sum(len(file.rows) for file in files)
        run.run(files, task["mapping"])
    except UnreadableFileError as failure:
        outcome, message = "failed", str(failure)
    else:
        kickouts.save(env, task["task_id"], run.kicked_out)
        history.replaced(env, task["task_id"], run.replaced)
        outcome = "kickouts" if run.kicked_out else "completed"
        message = f"{run.bills} bills imported, {len(run.kicked_out)} rows kicked out."
    env.store.update(
        "tasks",
        "task_id",
        task["task_id"],
        outcome=outcome,
        message=message,
        end_at=task["due_at"],
        rows_read=rows_read,
    )
    _spread_analysis(env, task)
    if batch is not None:
        _finish_batch(env, batch, outcome, self_contained=bool(task["self_contained"]))


def _spread_analysis(env: Environment, task: Row) -> None:
    """Spread the ends of the bills' analysis evenly, so that analyzingCount falls to 0 step by step."""
    bills = env.store.rows("SELECT bill_id FROM bills WHERE task_id = ? ORDER BY bill_id", task["task_id"])
    step = task["analysis"] / len(bills) if bills else 0.0
    env.store.execute_many(
        "UPDATE bills SET analyzed_at = ? WHERE bill_id = ?",
        ((task["due_at"] + step * number, bill["bill_id"]) for number, bill in enumerate(bills, start=1)),
    )


def _finish_batch(env: Environment, batch: Row, outcome: str, *, self_contained: bool) -> None:
    if outcome == "kickouts" and env.settings.effective_error_handling == "MarkBatchPending":
        # Assumption: a self-contained batch with kickouts stays pending and is not closed.
        batches.set_status(env, batch["batch_id"], batches.PENDING)
    elif self_contained and batch["status"] == batches.OPEN:
        batches.set_status(env, batch["batch_id"], batches.CLOSED)


def find(env: Environment, guid: str) -> Row:
    """
    Return a task as stored. Assumption: GUIDs ignore case.

    :raises ApiError: 404 if there is none.
    """
    row = env.store.row("SELECT * FROM tasks WHERE guid = ?", guid.lower())
    if row is None:
        raise _not_found(guid)
    return row


def _not_found(guid: str) -> ApiError:
    return ApiError(404, f"Task {guid} was not found.")


def read_one(env: Environment, guid: str) -> Row:
    """
    Return a task as stored, for a request that reads it: the read may lag.

    :raises ApiError: 404 if there is none, or not yet for reads.
    """
    row = find(env, guid)
    if read_lag.misses(env, read_lag.TASK, row["task_id"], row["begin_at"]):
        raise _not_found(guid)
    return row


def listed_tasks(env: Environment) -> list[dict[str, Any]]:
    """Return the tasks of a list as TaskResponse; it may leave out new ones."""
    times = [(row["task_id"], row["begin_at"]) for row in env.store.rows("SELECT task_id, begin_at FROM tasks")]
    missing = read_lag.missing_in_lists(env, read_lag.TASK, times)
    return [task for task in shown_tasks(env) if task["taskId"] not in missing]


def shown_tasks(env: Environment, where: str = "1", *values: Any) -> list[dict[str, Any]]:
    """
    Return tasks as TaskResponse.

    Assumption: lists are sorted by id.

    :param where: SQL condition, a constant of this package.
    :param values: its values.
    """
    now = env.clock.time()
    found = env.store.rows(
        f"{_TASKS} WHERE {where} GROUP BY tasks.task_id ORDER BY tasks.task_id", now, now, *values
    )
    users = {row["user_id"]: user_child(env.store, row["user_id"]) for row in found}
    return [_shown(env, row, users[row["user_id"]]) for row in found]


def _shown(env: Environment, row: Row, user: dict[str, Any]) -> dict[str, Any]:
    settings = env.settings
    batch = {"batchId": row["batch_id"], "batchCode": row["batch_code"]}
    shows_note = settings.echo_notes and (settings.notes_visible == "at_once" or row["outcome"] is not None)
    visible = settings.batch_visible == "at_once" or row["outcome"] is not None
    return {
        "taskId": row["task_id"],
        settings.guid_key: row["guid"],
        "taskType": TASK_TYPE,
        "status": settings.statuses[row["outcome"] or "running"],
        "message": row["message"],
        "beginDate": env.shown_time(row["begin_at"]),
        "endDate": settings.running_end_date if row["outcome"] is None else env.shown_time(row["end_at"]),
        "output": _output(env, row),
        "settings": {"fileName": row["file_name"], "profileCode": row["profile_code"], **row["options"]},
        "taskNote": row["note"] if shows_note else None,
        "analyzingCount": row["analyzing"],
        "unresolvedFlagCount": row["flags"],
        "currentSuccessCount": row["bill_count"],
        "batch": batch if visible and row["batch_code"] is not None else None,
        "user": user,
        "hasAttachments": True,
    }


def _output(env: Environment, row: Row) -> dict[str, Any] | None:
    """Return ``output``. Assumption: its form is not documented; here it names the kickout files."""
    if row["outcome"] is None:
        return None
    files = env.store.rows(
        "SELECT DISTINCT file_name FROM kickout_files WHERE task_id = ? ORDER BY file_id", row["task_id"]
    )
    return {
        "rowsRead": row["rows_read"],
        "rowsKickedOut": row["kickout_count"],
        "kickoutFiles": [file["file_name"] for file in files],
        "filler": "x" * env.settings.output_bytes,
    }
