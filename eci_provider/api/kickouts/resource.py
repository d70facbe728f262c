"""Kickouts: the rows that an import refused, and why. Operations I3 to I6 of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from pydantic import Field, field_validator

from eci_provider.api.errors import EciValidationError
from eci_provider.api.kickouts.messages import message_text
from eci_provider.api.kickouts.report import KickoutReport
from eci_provider.api.models import ResponseModel
from eci_provider.api.tasks import checked_guid
from eci_provider.api.transport.limits import LARGE_OBJECT, REPORT
from eci_provider.api.transport.responses import fetch
from eci_provider.api.transport.streamed_json import Members

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

_Read = TypeVar("_Read")


class KickoutSummary(ResponseModel):
    """An import's kickout messages (BillImportTaskKickoutSummaryResponse)."""

    task_guid: str | None = None
    file_name: str | None = None
    kickout_messages: list[str] = Field(default_factory=list)

    @field_validator("kickout_messages", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """Accept texts, as the schema shows, and messages with counts, as the prose promises."""
        return [message_text(item) for item in (value if isinstance(value, list) else _none_or_one(value))]


class KickoutField(ResponseModel):
    """A column of the kicked-out rows; its id is valid within one response only."""

    id: int | None = None
    name: str | None = None


class KickoutCell(ResponseModel):
    """A cell of a kicked-out row."""

    field_id: int | None = None
    value: str | None = None


class KickoutDetails(ResponseModel):
    """The kicked-out rows as a table (BillImportKickoutDetailsResponse)."""

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


class Kickouts:
    """
    Read the kickouts of an import.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def summary(self, task_guid: str, file_name: str | None = None) -> KickoutSummary:
        """
        Return the messages (GetTaskKickoutSummaryV202401, ...ByFileV202401).

        :param task_guid: the import.
        :param file_name: one kickout file of an import of several files; None for all.
        """
        path = _path(task_guid, file_name, "summary")
        operation = _operation("summary", file_name)
        return fetch(self._session, KickoutSummary, operation, "GET", path, limits=LARGE_OBJECT)

    def details(
        self, task_guid: str, file_name: str | None = None, *, kickout_message: str | None = None
    ) -> KickoutDetails:
        """
        Return the rows (GetBillImportKickoutDetailsV202401, ...ByFileV202401); :meth:`report` reads any number.

        :param task_guid: the import.
        :param file_name: one kickout file of an import of several files; None for all.
        :param kickout_message: return only the rows with this message; None for all.
        """
        path, operation = _path(task_guid, file_name, "detail"), _operation("detail", file_name)
        params = {"kickoutMessage": kickout_message}
        return fetch(self._session, KickoutDetails, operation, "GET", path, params=params, limits=LARGE_OBJECT)

    def report(
        self, task_guid: str, file_names: Sequence[str] | None = None, *, missing_ok: bool = False
    ) -> KickoutReport:
        """
        Return a report of the rows, with column names and messages, in constant memory however many there are.

        :param task_guid: the import.
        :param file_names: the names of the files in the ZIP that was imported, to find the file of each row.
        :param missing_ok: whether an import whose kickouts are not found (404) has none; an error otherwise.
        :return: the report; nothing was read yet.
        :raises EciValidationError: if ``task_guid`` is not a UUID.
        """
        guid = checked_guid(task_guid, source="kickouts")
        return KickoutReport(partial(self.stream, guid), guid, file_names or (), missing_ok=missing_ok)

    def stream(self, task_guid: str, file_name: str | None, leaf: str, take: Callable[[Members], _Read]) -> _Read:
        """
        Return what a function makes of a summary or the rows while they arrive.

        :param task_guid: the import.
        :param file_name: one kickout file of an import of several files; None for all.
        :param leaf: ``summary`` or ``detail``.
        :param take: the function; it is called again, from the body's start, when the request is repeated.
        """
        operation, path = _operation(leaf, file_name), _path(task_guid, file_name, leaf)
        return self._session.request(
            operation,
            "GET",
            path,
            limits=REPORT,
            take=lambda stream: take(stream.members()),
            read=lambda answer: cast("_Read", answer.data),
        )


def _operation(leaf: str, file_name: str | None) -> str:
    stem = "GetTaskKickoutSummary" if leaf == "summary" else "GetBillImportKickoutDetails"
    return f"{stem}{'ByFile' if file_name else ''}V202401"


def _path(task_guid: str, file_name: str | None, leaf: str) -> str:
    guid = checked_guid(task_guid, source="kickouts")
    try:
        middle = f"/{quote(file_name, safe='')}" if file_name else ""
    except UnicodeError:
        problem = f"file_name is {file_name!r}: it holds half a character (a lone surrogate), which cannot be sent"
        raise EciValidationError([problem], source="kickouts") from None
    return f"/api/v202401/import/bill/task/{guid}/kickout{middle}/{leaf}"
