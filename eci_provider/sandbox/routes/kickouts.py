"""Endpoints of kickout summaries and details: I3 to I6 of the documentation."""

from __future__ import annotations

from fastapi import APIRouter, Response

from eci_provider.sandbox import kickouts, tasks
from eci_provider.sandbox.routes.call import Call, View

router = APIRouter()
BASE = "/api/v202401/import/bill/task/{task_guid}/kickout"


@router.get(BASE + "/summary")
async def get_task_kickout_summary_v202401(task_guid: str, call: View) -> Response:
    return call.answer(kickouts.summary(call.env, tasks.read_one(call.env, task_guid), None))


@router.get(BASE + "/{filename}/summary")
async def get_task_kickout_summary_by_file_v202401(task_guid: str, filename: str, call: View) -> Response:
    return call.answer(kickouts.summary(call.env, tasks.read_one(call.env, task_guid), filename))


@router.get(BASE + "/detail")
async def get_bill_import_kickout_details_v202401(task_guid: str, call: View) -> Response:
    return _detail(call, task_guid, None)


@router.get(BASE + "/{filename}/detail")
async def get_bill_import_kickout_details_by_file_v202401(task_guid: str, filename: str, call: View) -> Response:
    return _detail(call, task_guid, filename)


def _detail(call: Call, task_guid: str, filename: str | None) -> Response:
    # Assumption: an empty kickoutMessage counts as not given.
    message = call.query.get("kickoutMessage") or None
    return call.answer(kickouts.detail(call.env, tasks.read_one(call.env, task_guid), filename, message))
