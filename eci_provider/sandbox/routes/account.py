"""The key's user, and the settings of the environment."""

from __future__ import annotations

from fastapi import APIRouter, Response

from eci_provider.sandbox.routes.call import AnyKey, EnvironmentAdmin, View

router = APIRouter()
BUILD_DATE = "2026-01-05T00:00:00Z"
VERSION = "sandbox"


@router.get("/api/v3/me")
async def me_method(call: AnyKey) -> Response:
    """Return the key's user. As in EnergyCAP there is a token, so that tests can check that it never leaks."""
    user, settings = call.user, call.env.settings
    return call.answer(
        {
            "systemUserId": user.user_id,
            "systemUserCode": user.code,
            "fullName": user.full_name,
            "token": call.env.token,
            "environment": settings.environment_name,
            "buildDate": BUILD_DATE,
            "applicationMode": settings.application_mode,
            "permissions": {
                "billsAndBatches": {
                    name: user.may(name) for name in ("view", "create", "edit", "delete", "manage")
                }
            },
        }
    )


@router.get("/api/v3/environment")
async def environment_method(call: EnvironmentAdmin) -> Response:
    """Assumption: its permission is not documented; here it is one of its own, which users have by default."""
    return call.answer({"buildDate": BUILD_DATE, "version": VERSION})


@router.get("/api/v3/workflow/billImport")
async def get_bill_import_workflow_settings_v3(call: View) -> Response:
    return call.answer({"errorHandling": call.env.settings.effective_error_handling})
