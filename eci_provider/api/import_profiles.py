"""Import profiles, which map the columns of a bill file. Operations I7 to I11 of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError
from pydantic.alias_generators import to_camel

from eci_provider.api.column_mapping import ColumnMapping as ColumnMapping
from eci_provider.api.column_mapping import Observation as Observation
from eci_provider.api.models import IDENTIFIERS, READ_TEXT, Number, RequestModel, ResponseModel, checked, validated
from eci_provider.api.transport.responses import check_answer, fetch, nothing, read_list

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

_PATH = "/api/v3/import/bill/profile"


class ImportProfile(RequestModel):
    """An import profile to create or replace (BillImportProfileRequest, page create-bill-import-profile)."""

    profile_code: Annotated[str, Field(min_length=1, max_length=64), READ_TEXT]
    column_mapping: ColumnMapping


class ImportProfileResponse(ResponseModel):
    """An import profile; its mapping is kept as the server sent it."""

    profile_id: Number = None
    profile_code: str | None = None
    column_mapping: dict[str, Any] | None = None

    def has_mapping(self, mapping: ColumnMapping) -> bool:
        """
        Return whether the profile has the same mapping, with its observations in any order.

        :param mapping: the mapping to compare with; undocumented keys of the server are ignored.
        """
        theirs = _known(ColumnMapping, self.column_mapping or {})
        observations = theirs.get("observations")
        if isinstance(observations, list):
            theirs["observations"] = [
                _known(Observation, item) if isinstance(item, Mapping) else item for item in observations
            ]
        try:
            return _comparable(ColumnMapping.model_validate(theirs)) == _comparable(mapping)
        except ValidationError:
            return False


def _known(model: type[RequestModel], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a model that have a value."""
    names = {to_camel(name).lower() for name in model.model_fields}
    return {key: value for key, value in shown.items() if key.lower() in names and value is not None}


def _comparable(mapping: ColumnMapping) -> dict[str, Any]:
    fields = mapping.wire()
    return {
        **fields,
        "observations": sorted(fields["observations"], key=lambda item: sorted(item.items(), key=str)),
    }


def _path(profile_id: int) -> str:
    number = checked(IDENTIFIERS, profile_id, name="profile_id", source="import_profiles")
    return f"{_PATH}/{number}"


class ImportProfiles:
    """
    Create, read and change import profiles.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def list(self) -> list[ImportProfileResponse]:
        """Return all bill import profiles (GetBillImportProfilesV3); this list is not paged."""
        model = ImportProfileResponse
        return read_list(self._session, model, "GetBillImportProfilesV3", _PATH, model.model_validate).items

    def create(self, profile_code: str, column_mapping: ColumnMapping | dict[str, Any]) -> ImportProfileResponse:
        """
        Create a profile (WriteBillImportProfileV3).

        :param profile_code: its code, 1 to 64 characters, unique among bill import profiles.
        :param column_mapping: the mapping, in snake_case or the documented camelCase.
        :raises EciValidationError: if an argument is wrong; nothing was sent.
        :raises EciUnknownOutcomeError: if the profile may or may not have been created.
        """
        request = _request(profile_code, column_mapping, "import_profiles.create")
        return self._write("WriteBillImportProfileV3", "POST", _PATH, request.wire(), code=request.profile_code)

    def get(self, profile_id: int) -> ImportProfileResponse:
        """
        Return a profile (GetBillImportProfileV3).

        :param profile_id: its number, not its code.
        :raises EciNotFoundError: if there is no such profile.
        """
        operation, path = "GetBillImportProfileV3", _path(profile_id)

        def check(profile: ImportProfileResponse) -> None:
            wanted, found = {"profileId": int(profile_id)}, {"profileId": profile.profile_id}
            check_answer(self._session, wanted, found, operation=operation, method="GET", path=path)

        return fetch(self._session, ImportProfileResponse, operation, "GET", path, check=check)

    def edit(
        self,
        profile_id: int,
        profile_code: str,
        column_mapping: ColumnMapping | dict[str, Any],
        *,
        repeat: bool = True,
    ) -> ImportProfileResponse:
        """
        Replace a profile's code and mapping (EditBillImportProfileV3). Columns left out are sent as null.

        :param profile_id: its number.
        :param profile_code: its code; a new one must be unique.
        :param column_mapping: the whole mapping.
        :param repeat: false to send the request only once.
        """
        request = _request(profile_code, column_mapping, "import_profiles.edit")
        return self._write(
            "EditBillImportProfileV3",
            "PUT",
            _path(profile_id),
            request.wire(every_key=True),
            code=request.profile_code,
            number=int(profile_id),
            repeat=repeat,
        )

    def delete(self, profile_id: int) -> None:
        """
        Delete a profile (delete_bill_import_profile).

        :param profile_id: its number.
        """
        self._session.request("DeleteBillImportProfileV3", "DELETE", _path(profile_id), read=nothing)

    def _write(
        self,
        operation: str,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        code: str,
        number: int = 0,
        repeat: bool = True,
    ) -> ImportProfileResponse:
        wanted: dict[str, str | int] = {"profileCode": code, "profileId": number}

        def check(profile: ImportProfileResponse) -> None:
            found = {"profileCode": profile.profile_code, "profileId": profile.profile_id}
            check_answer(self._session, wanted, found, operation=operation, method=method, path=path)

        return fetch(
            self._session, ImportProfileResponse, operation, method, path, body=body, repeat=repeat, check=check
        )


def _request(profile_code: str, column_mapping: ColumnMapping | dict[str, Any], source: str) -> ImportProfile:
    values = {"profile_code": profile_code, "column_mapping": column_mapping}
    return validated(ImportProfile, values, source=source)
