"""Endpoints of batches: B1 to B7 of the documentation."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from eci_provider.sandbox import batches
from eci_provider.sandbox.filters import EQUALITY, SETS, Field, matching
from eci_provider.sandbox.routes.call import Create, Delete, View, no_content
from eci_provider.sandbox.validation import BATCH_CREATE, BATCH_EDIT, BATCH_STATUS

router = APIRouter()


def _property(name: str) -> Any:
    return lambda batch: batch[name]


# The list in GetBatchesV3 is cut off after runningTotal. Assumption: startDate and statementDate follow.
FILTERS = {
    "accountperiod": Field("text", _property("accountPeriodName")),
    "batchcode": Field("text", _property("batchCode")),
    "batchstatus": Field("text", _property("batchStatus"), (*EQUALITY, *SETS)),
    "billcount": Field("number", _property("billCount")),
    "controlcode": Field("text", _property("controlCode")),
    "duedate": Field("date", _property("dueDate")),
    "enddate": Field("date", _property("endDate")),
    "fullname": Field("text", lambda batch: batch["createdBy"]["fullName"]),
    "hasimportswithkickout": Field("boolean", _property("hasImportsWithKickout"), ("equals",)),
    "invoicenumber": Field("text", _property("invoiceNumber")),
    "isopen": Field("boolean", _property("isOpen"), ("equals",)),
    "nextreading": Field("date", _property("nextReading")),
    "runningtotal": Field("number", _property("runningTotal")),
    "startdate": Field("date", _property("startDate")),
    "statementdate": Field("date", _property("statementDate")),
}


@router.post("/api/v3/batch")
async def open_batch_v3(call: Create) -> Response:
    batch = batches.open_batch(call.env, call.user, call.content(BATCH_CREATE))
    call.record.created.append(str(batch["batchId"]))
    return call.answer(batch)


@router.get("/api/v3/batch")
async def get_batches_v3(call: View) -> Response:
    shown = batches.listed_batches(call.env)
    found = matching(shown, call.query.get("filter", ""), FILTERS, call.env.clock.now())
    return call.answer_page(found)


@router.get("/api/v3/batch/{batch_id}")
async def get_batch_v3(batch_id: int, call: View) -> Response:
    return call.answer(batches.read_one(call.env, batch_id))


@router.put("/api/v3/batch/{batch_id}")
async def edit_batch_v3(batch_id: int, call: Create) -> Response:
    return call.answer(batches.edit(call.env, call.user, batch_id, call.content(BATCH_EDIT)))


@router.delete("/api/v3/batch/{batch_id}")
async def delete_batch_v3(batch_id: int, call: Delete) -> Response:
    batches.delete(call.env, call.user, batch_id)
    return no_content()


@router.put("/api/v3/batch/close/{batch_id}")
async def close_batch_v3(batch_id: int, call: Create) -> Response:
    return call.answer(batches.close(call.env, call.user, batch_id))


@router.put("/api/v202206/batch/{batch_id}/status")
async def update_batch_status_v202206(batch_id: int, call: Create) -> Response:
    batches.update_status(call.env, call.user, batch_id, call.content(BATCH_STATUS))
    return no_content()
