"""The owner of the API key, their permissions, and the organisation's import settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ConfigDict

from eci_provider.api.models import ResponseModel
from eci_provider.api.paging import field_list
from eci_provider.api.transport.responses import fetch

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

#: `GET /me` also returns a token. It is not requested, and it is dropped if it comes.
_ME_FIELDS = (
    "systemUserCode",
    "fullName",
    "environment",
    "applicationMode",
    "buildDate",
    "permissions",
)


class BillsAndBatches(ResponseModel):
    """The permission that batches and imports need."""

    view: bool | None = None
    create: bool | None = None
    edit: bool | None = None
    delete: bool | None = None
    manage: bool | None = None


class Permissions(ResponseModel):
    """The permissions of the key's owner, as far as this package needs them."""

    bills_and_batches: BillsAndBatches | None = None


class MeResponse(ResponseModel):
    """The key's owner (me_method). Unknown fields are dropped, because one of them is a token."""

    model_config = ConfigDict(extra="ignore")

    system_user_code: str | None = None
    full_name: str | None = None
    environment: str | None = None
    application_mode: str | None = None
    build_date: str | None = None
    permissions: Permissions | None = None


class BillImportSettings(ResponseModel):
    """The organisation's import settings (GetBillImportWorkflowSettingsV3)."""

    error_handling: str | None = None


class Account:
    """
    The key's owner and the organisation's import settings.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def me(self, *, repeat: bool = True) -> MeResponse:
        """
        Return the key's owner, without the token that the server's answer carries (me_method).

        :param repeat: false to send the request only once.
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
        Return what kickouts do to the rest of a batch (GetBillImportWorkflowSettingsV3).

        :return: ``error_handling`` is ``MarkBatchPending`` or ``ProcessValidBills``.
        """
        path = "/api/v3/workflow/billImport"
        return fetch(self._session, BillImportSettings, "GetBillImportWorkflowSettingsV3", "GET", path)
