"""Kickouts: which rows an import refused, and why. Operations I3 to I6 of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field, field_validator

from eci_provider.api.models import ResponseModel
from eci_provider.api.responses import fetch
from eci_provider.api.tasks import checked_guid

if TYPE_CHECKING:
    from eci_provider.api.http import EciSession


class KickoutSummary(ResponseModel):
    """Hold an import's kickout messages (BillImportTaskKickoutSummaryResponse)."""

    task_guid: str | None = None
    file_name: str | None = None
    kickout_messages: list[str] = Field(default_factory=list)

    @field_validator("kickout_messages", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """Accept what the prose promises (messages with counts) beside what the schema shows (texts)."""
        return [_text(item) for item in (value if isinstance(value, list) else _none_or_one(value))]


class KickoutField(ResponseModel):
    """Hold a column of the kicked-out rows; its id holds within one response only."""

    id: int | None = None
    name: str | None = None


class KickoutCell(ResponseModel):
    """Hold a cell of a kicked-out row."""

    field_id: int | None = None
    value: str | None = None


class KickoutDetails(ResponseModel):
    """Hold the kicked-out rows as a table (BillImportKickoutDetailsResponse)."""

    fields: list[KickoutField] = Field(default_factory=list)
    data: list[list[KickoutCell]] = Field(default_factory=list)

    @field_validator("fields", "data", mode="before")
    @classmethod
    def _none_as_empty(cls, value: Any) -> Any:
        return [] if value is None else value

    def rows(self) -> Iterator[list[tuple[str, str]]]:
        """Iterate over the rows, each as pairs of column name and value; two columns may share a name."""
        names = {field.id: field.name or "" for field in self.fields}
        for row in self.data:
            yield [(names.get(cell.field_id, ""), cell.value or "") for cell in row]


def _none_or_one(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _text(item: Any) -> str:
    if isinstance(item, dict):
        texts = {name: value for name, value in item.items() if isinstance(value, str)}
        named = [value for name, value in texts.items() if "message" in name.lower()]
        return next(iter([*named, *texts.values()]), str(item))
    return str(item)


class Kickouts:
    """
    Read which rows were kicked out of an import.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def summary(self, task_guid: str, file_name: str | None = None) -> KickoutSummary:
        """
        Read the messages (GetTaskKickoutSummaryV202401, ...ByFileV202401).

        :param task_guid: the import.
        :param file_name: one kickout file of an import of several files; all without.
        """
        operation = f"GetTaskKickoutSummary{'ByFile' if file_name else ''}V202401"
        path = _path(task_guid, file_name, "summary")
        return fetch(self._session, KickoutSummary, operation, "GET", path)

    def details(
        self, task_guid: str, file_name: str | None = None, *, kickout_message: str | None = None
    ) -> KickoutDetails:
        """
        Read the rows (GetBillImportKickoutDetailsV202401, ...ByFileV202401).

        :param task_guid: the import.
        :param file_name: one kickout file of an import of several files; all without.
        :param kickout_message: only the rows with this message.
        """
        operation = f"GetBillImportKickoutDetails{'ByFile' if file_name else ''}V202401"
        path = _path(task_guid, file_name, "detail")
        return fetch(
            self._session, KickoutDetails, operation, "GET", path, params={"kickoutMessage": kickout_message}
        )


def _path(task_guid: str, file_name: str | None, leaf: str) -> str:
    guid = checked_guid(task_guid, source="kickouts")
    middle = f"/{quote(file_name, safe='')}" if file_name else ""
    return f"/api/v202401/import/bill/task/{guid}/kickout{middle}/{leaf}"
