"""Whose key it is, what it may do, and how the organisation imports bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ConfigDict

from eci_provider.api.models import ResponseModel
from eci_provider.api.paging import field_list
from eci_provider.api.transport.responses import fetch

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

#: `GET /me` also returns a token; it is not asked for, and dropped should it come all the same.
_ME_FIELDS = (
    "systemUserCode",
    "fullName",
    "environment",
    "applicationMode",
    "buildDate",
    "permissions",
)


class BillsAndBatches(ResponseModel):
    """Hold the permission that batches and imports need."""

    view: bool | None = None
    create: bool | None = None
    edit: bool | None = None
    delete: bool | None = None
    manage: bool | None = None


class Permissions(ResponseModel):
    """Hold the permissions of the key's owner, as far as this package needs them."""

    bills_and_batches: BillsAndBatches | None = None


class MeResponse(ResponseModel):
    """Hold whose key it is (me_method); what else the server adds is dropped, since a token is among it."""

    model_config = ConfigDict(extra="ignore")

    system_user_code: str | None = None
    full_name: str | None = None
    environment: str | None = None
    application_mode: str | None = None
    build_date: str | None = None
    permissions: Permissions | None = None


class BillImportSettings(ResponseModel):
    """Hold the organisation's import settings (GetBillImportWorkflowSettingsV3)."""

    error_handling: str | None = None


class Account:
    """
    Read what the key's owner is and may do.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def me(self, *, repeat: bool = True) -> MeResponse:
        """
        Read whose key it is, without the token that the server's answer carries (me_method).

        :param repeat: false to ask once, whatever happens.
        """
        return fetch(
            self._session,
            MeResponse,
            "me_method",
            "GET",
            "/api/v3/me",
            params={"field": field_list(_ME_FIELDS)},
            repeat=repeat,
        )

    def bill_import_settings(self) -> BillImportSettings:
        """
        Read what kickouts do to the rest of a batch (GetBillImportWorkflowSettingsV3).

        :return: ``error_handling`` is ``MarkBatchPending`` or ``ProcessValidBills``.
        """
        path = "/api/v3/workflow/billImport"
        return fetch(self._session, BillImportSettings, "GetBillImportWorkflowSettingsV3", "GET", path)
