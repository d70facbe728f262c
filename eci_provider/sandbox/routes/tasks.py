"""Endpoints of tasks: T1 to T4 of the documentation."""

from __future__ import annotations

from fastapi import APIRouter, Response

from eci_provider.sandbox import tasks
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.filters import Field, matching
from eci_provider.sandbox.routes.call import AnyKey
from eci_provider.sandbox.validation import TASK_EDIT

router = APIRouter()

TASK_TYPE_CODES = (
    "AuditGroup",
    "CostAvoidance",
    "Report",
    "Chargeback",
    "SetupSheet",
    "UnitsOfMeasure",
    "Accrual",
    "BillImport",
    "EnergyStar",
    "BillExport",
    "ReadingImport",
    "SummarizeReading",
    "BillUnexport",
    "V7CostAvoidance",
    "V7Accrual",
    "Budget",
    "CostUnitUpdate",
    "RecordImportPfl",
    "EsaReadingImpPfl",
    "RecordImport",
    "EsaReadingImport",
)

# The list in GetTasksV3 is cut off after fullName. Bill imports have no value for three of these fields.
FILTERS = {
    "batchcode": Field("text", lambda task: (task["batch"] or {}).get("batchCode")),
    "batchid": Field("number", lambda task: (task["batch"] or {}).get("batchId")),
    "begindate": Field("date", lambda task: task["beginDate"]),
    "budgetversionid": Field("number", lambda task: None),
    "exportfilename": Field("text", lambda task: None),
    "exportmode": Field("text", lambda task: None),
    "fullname": Field("text", lambda task: task["user"]["fullName"]),
}


@router.get("/api/v3/task")
async def get_tasks_v3(call: AnyKey) -> Response:
    """Assumption: an unknown taskTypeCode is answered with 400, and every user sees all tasks."""
    code = call.query.get("taskTypeCode") or "BillImport"
    if code not in TASK_TYPE_CODES:
        raise ApiError(400, f"Unknown taskTypeCode '{code}'.")
    shown = tasks.listed_tasks(call.env) if code == "BillImport" else []
    found = matching(shown, call.query.get("filter", ""), FILTERS, call.env.clock.now())
    return call.answer_page(found)


@router.get("/api/v3/task/{task_guid}")
async def get_task_v3(task_guid: str, call: AnyKey) -> Response:
    task = tasks.read_one(call.env, task_guid)
    return call.answer(tasks.shown_tasks(call.env, "tasks.task_id = ?", task["task_id"])[0])


@router.get("/api/v3/task/{task_guid}/errorOutput")
async def get_task_output_file(task_guid: str, call: AnyKey) -> Response:
    """Only reading imports have error output, and this sandbox has no reading imports."""
    raise ApiError(404, "Error output exists for reading imports only.")


@router.put("/api/v3/task/{task_id}")
async def edit_task_v3(task_id: int, call: AnyKey) -> Response:
    """Assumption: if ``echo_notes`` is off, an edited note is not shown either."""
    note = call.content(TASK_EDIT)["taskNote"]
    if not call.env.store.execute("UPDATE tasks SET note = ? WHERE task_id = ?", note, task_id):
        raise ApiError(404, f"Task {task_id} was not found.")
    return call.answer(tasks.shown_tasks(call.env, "tasks.task_id = ?", task_id)[0])
