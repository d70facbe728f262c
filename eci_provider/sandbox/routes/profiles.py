"""Endpoints of bill import profiles: I7 to I11 of the documentation."""

from __future__ import annotations

from fastapi import APIRouter, Response

from eci_provider.sandbox import profiles
from eci_provider.sandbox.routes.call import Create, View, no_content
from eci_provider.sandbox.validation import PROFILE

router = APIRouter()
# Assumption: reading requires View and deleting requires Create; the documentation does not say.


@router.get("/api/v3/import/bill/profile")
async def get_bill_import_profiles_v3(call: View) -> Response:
    return call.answer(profiles.shown_profiles(call.env))


@router.post("/api/v3/import/bill/profile")
async def write_bill_import_profile_v3(call: Create) -> Response:
    return call.answer(profiles.create(call.env, call.content(PROFILE)))


@router.get("/api/v3/import/bill/profile/{profile_id}")
async def get_bill_import_profile_v3(profile_id: int, call: View) -> Response:
    return call.answer(profiles.shown_profile(call.env, profile_id))


@router.put("/api/v3/import/bill/profile/{profile_id}")
async def edit_bill_import_profile_v3(profile_id: int, call: Create) -> Response:
    return call.answer(profiles.edit(call.env, profile_id, call.content(PROFILE)))


@router.delete("/api/v3/import/bill/profile/{profile_id}")
async def delete_bill_import_profile_v3(profile_id: int, call: Create) -> Response:
    profiles.delete(call.env, profile_id)
    return no_content()
