"""Who am I, and how is this environment set up."""

from __future__ import annotations

from fastapi import APIRouter, Response

from eci_provider.sandbox.routes.call import AnyKey, EnvironmentAdmin, View

router = APIRouter()
BUILD_DATE = "2026-01-05T00:00:00Z"
VERSION = "sandbox"


@router.get("/api/v3/me")
async def me_method(call: AnyKey) -> Response:
    """Show the key's user. Like the real one it carries a token, so that leaks of it can be searched for."""
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
    """Assumption: its permission is not documented; here it is one of its own, given unless taken away."""
    return call.answer({"buildDate": BUILD_DATE, "version": VERSION})


@router.get("/api/v3/workflow/billImport")
async def get_bill_import_workflow_settings_v3(call: View) -> Response:
    return call.answer({"errorHandling": call.env.settings.effective_error_handling})
