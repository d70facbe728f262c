"""Endpoints of imports: bill imports and retries of kickouts (I1 and I2 of the documentation)."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter, Response

from eci_provider.sandbox import history, kickouts, profiles, tasks
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.reader import EXTENSIONS, extension
from eci_provider.sandbox.routes.call import Call, Create
from eci_provider.sandbox.validation import BILL_IMPORT, KICKOUT_IMPORT

router = APIRouter()


@router.post("/api/v3/import/bill")
async def bill_import_v3(call: Create) -> Response:
    request = call.content(BILL_IMPORT)
    file_name = request["fileName"]
    if extension(file_name) not in EXTENSIONS:
        raise ApiError(400, f"fileName must end in one of {', '.join(EXTENSIONS)}, not '{file_name}'.")
    # Assumption: an empty profile code counts as not given.
    code = request["profileCode"] or None
    mapping = profiles.mapping_of(call.env, code) if code else None
    upload = tasks.Upload(file_name, _decode(request["data"]), code, mapping)
    return _guid_response(call, tasks.submit(call.env, call.user, request, upload))


@router.post("/api/v202401/import/bill/task/{task_guid}/kickout")
async def import_bill_import_task_kickouts_v202401(task_guid: str, call: Create) -> Response:
    request = call.content(KICKOUT_IMPORT)
    source = tasks.find(call.env, task_guid)
    if source["outcome"] != "kickouts":
        raise ApiError(400, "Only a bill import task that completed with kickouts can be retried.")
    # Assumption: the retry uses the profile of its source, since the request cannot name one.
    name = kickouts.kickout_name(source["file_name"]).rpartition(".")[0] + ".zip"
    upload = tasks.Upload(name, kickouts.as_zip(call.env, source), source["profile_code"], source["mapping"])
    guid = tasks.submit(call.env, call.user, request, upload)
    history.retried(call.env, guid, source["task_id"])
    return _guid_response(call, guid)


def _decode(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(400, "data must be base64.") from None


def _guid_response(call: Call, guid: str) -> Response:
    call.record.created.append(guid)
    return call.answer({call.env.settings.guid_key: guid})
