"""Batches, which hold bills. Operations B1 to B7 of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import Field

from eci_provider.api.filters import Filter
from eci_provider.api.models import (
    IDENTIFIERS,
    Code255,
    Int32,
    IsoDateTime,
    Number,
    RequestModel,
    ResponseModel,
    Switch,
    Text255,
    checked,
    validated,
)
from eci_provider.api.paging import LARGEST_PAGE, field_list, pages
from eci_provider.api.transport.responses import check_answer, check_subject, fetch, nothing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from eci_provider.api.transport.session import EciSession

BatchStatus = Literal["Open", "Pending", "Closed"]


class BatchCreate(RequestModel):
    """A new batch (BatchCreate, page open-batch); dates and codes are defaults for its bills."""

    batch_code: Code255
    close_existing_batch: Switch | None = None
    statement_date: IsoDateTime | None = None
    due_date: IsoDateTime | None = None
    next_reading: IsoDateTime | None = None
    control_code: Text255 | None = None
    invoice_number: Text255 | None = None
    account_period_number: Int32 | None = None
    account_period_year: Annotated[Int32, Field(ge=1900, le=2099)] | None = None
    note: Text255 | None = None


class BatchFields(TypedDict, total=False):
    """The optional fields of :class:`BatchCreate`, for type checkers."""

    close_existing_batch: bool | None
    statement_date: str | date | None
    due_date: str | date | None
    next_reading: str | date | None
    control_code: str | None
    invoice_number: str | None
    account_period_number: int | None
    account_period_year: int | None
    note: str | None


class BatchEdit(RequestModel):
    """A batch's new code and note (BatchEdit); a null note is sent."""

    always_sent: ClassVar[frozenset[str]] = frozenset({"note"})

    batch_code: Code255
    note: Text255 | None = None


class BatchStatusUpdate(RequestModel):
    """A change of a batch's status (UpdateBatchStatusRequestV202206, page update-batch-status)."""

    always_sent: ClassVar[frozenset[str]] = frozenset({"note", "leave_open_batches_as_is"})

    batch_status: BatchStatus
    leave_open_batches_as_is: Switch = False
    note: Text255 | None = None


class UserChild(ResponseModel):
    """A user, as other resources show it."""

    user_id: int | None = None
    user_code: str | None = None
    full_name: str | None = None


class BatchResponse(ResponseModel):
    """A batch (BatchResponse, page get-batch)."""

    counts: ClassVar[frozenset[str]] = frozenset({"bill_count", "flag_count", "analyzing_count"})

    batch_id: Number = None
    batch_code: str | None = None
    batch_status: str | None = None
    is_open: bool | None = None
    start_date: str | None = None
    end_date: str | None = None
    bill_count: int | None = None
    running_total: float | None = None
    statement_date: str | None = None
    due_date: str | None = None
    next_reading: str | None = None
    control_code: str | None = None
    invoice_number: str | None = None
    note: str | None = None
    account_period_name: str | None = None
    account_period_number: int | None = None
    account_period_year: int | None = None
    created_by: UserChild | None = None
    flag_count: int | None = None
    analyzing_count: int | None = None
    has_imported_bills: bool | None = None
    has_imports_with_kickout: bool | None = None
    has_logs: bool | None = None

    def has_status(self, status: str) -> bool:
        """
        Return whether the batch has a status, in any case: the server writes lower case, requests do not.

        :param status: the status.
        """
        return (self.batch_status or "").casefold() == status.casefold()


def checked_batch_id(batch_id: object, *, source: str, name: str = "batch_id") -> int:
    """
    Return a batch's number, checked.

    :param batch_id: a number, or its text, as templates render it.
    :param source: where it came from, for the message.
    :param name: the name of the argument, for the message.
    :raises EciValidationError: if it is not a positive int32.
    """
    return checked(IDENTIFIERS, batch_id, name=name, source=source)


def _number(batch_id: int) -> int:
    return checked_batch_id(batch_id, source="batches")


class Batches:
    """
    Open, read and change batches.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def open(self, batch_code: str, **fields: Unpack[BatchFields]) -> BatchResponse:
        """
        Open a batch (OpenBatchV3).

        :param batch_code: its code, 1 to 255 characters, unique in EnergyCAP.
        :param fields: further fields of :class:`BatchCreate`.
        :return: the batch.
        :raises EciValidationError: if a field is wrong; nothing was sent.
        :raises EciUnknownOutcomeError: if the batch may or may not have been opened.
        :raises EciError: as for every request.
        """
        request = validated(BatchCreate, {"batch_code": batch_code, **fields}, source="batches.open")
        wanted: dict[str, str | int] = {"batchCode": request.batch_code, "batchId": 0}
        return self._change("OpenBatchV3", "POST", "/api/v3/batch", wanted, body=request.wire())

    def list(
        self,
        filter: Filter | str | None = None,
        *,
        fields: Sequence[str] | None = None,
        page_size: int = LARGEST_PAGE,
        deadline: datetime | None = None,
    ) -> Iterator[BatchResponse]:
        """
        Iterate over batches, page by page (GetBatchesV3).

        :param filter: which batches, such as ``where("batchCode", "equals", "2026-03")``.
        :param fields: which fields, in the documented spelling; None for all.
        :param page_size: batches a request, 1 to 1000.
        :param deadline: when to stop reading, whether or not the list has ended; None for no deadline.
        :raises EciUnreadableResponseError: if it does not end within 1,000 pages, ten minutes, or by the deadline.
        """
        return pages(
            self._session,
            "GetBatchesV3",
            "/api/v3/batch",
            BatchResponse,
            filter=filter,
            fields=fields,
            page_size=page_size,
            deadline=deadline,
        )

    def get(self, batch_id: int, *, fields: Sequence[str] | None = None, repeat: bool = True) -> BatchResponse:
        """
        Return a batch (GetBatchV3).

        :param batch_id: its number.
        :param fields: which fields, in the documented spelling; None for all.
        :param repeat: false to send the request only once.
        :raises EciNotFoundError: if there is no such batch.
        """
        number = _number(batch_id)
        path = f"/api/v3/batch/{number}"

        def check(batch: BatchResponse) -> None:
            found = None if batch.batch_id is None else str(batch.batch_id)
            check_subject(self._session, str(number), found, operation="GetBatchV3", path=path)
            if fields is None:
                self._check(batch, {"batchId": number}, "GetBatchV3", "GET", path)

        return fetch(
            self._session,
            BatchResponse,
            "GetBatchV3",
            "GET",
            path,
            params={"field": field_list(fields)},
            repeat=repeat,
            check=check,
        )

    def edit(self, batch_id: int, *, batch_code: str, note: str | None) -> BatchResponse:
        """
        Set a batch's code and note (EditBatchV3).

        :param batch_id: its number.
        :param batch_code: 1 to 255 characters.
        :param note: at most 255 characters; null is sent as null.
        """
        number = _number(batch_id)
        path = f"/api/v3/batch/{number}"
        request = validated(BatchEdit, {"batch_code": batch_code, "note": note}, source="batches.edit")
        wanted: dict[str, str | int] = {"batchId": number, "batchCode": request.batch_code}
        return self._change("EditBatchV3", "PUT", path, wanted, body=request.wire(every_key=True))

    def delete(self, batch_id: int) -> None:
        """
        Delete a batch and every bill in it, for good (DeleteBatchV3).

        :param batch_id: its number.
        :raises EciNotFoundError: if there is no such batch.
        """
        self._session.request("DeleteBatchV3", "DELETE", f"/api/v3/batch/{_number(batch_id)}", read=nothing)

    def close(self, batch_id: int) -> BatchResponse:
        """
        Close a batch (CloseBatchV3). There is no documented way back.

        :param batch_id: its number.
        """
        number = _number(batch_id)
        path = f"/api/v3/batch/close/{number}"
        return self._change("CloseBatchV3", "PUT", path, {"batchId": number}, repeat=False)

    def update_status(
        self,
        batch_id: int,
        batch_status: BatchStatus,
        *,
        note: str | None = None,
        leave_open_batches_as_is: bool = False,
    ) -> None:
        """
        Set a batch's status (UpdateBatchStatusV202206).

        Open un-voids the bills of a pending batch. Pending voids the bills of an open one. Closed closes either.
        Opening another user's pending batch makes it the key owner's.

        :param batch_id: its number.
        :param batch_status: ``Open``, ``Pending`` or ``Closed``, case sensitive.
        :param note: at most 255 characters; None leaves the note, "" clears it.
        :param leave_open_batches_as_is: false sets the owner's other open batches Pending when one is opened.
        """
        values = {
            "batch_status": batch_status,
            "note": note,
            "leave_open_batches_as_is": leave_open_batches_as_is,
        }
        request = validated(BatchStatusUpdate, values, source="batches.update_status")
        path = f"/api/v202206/batch/{_number(batch_id)}/status"
        # Sent once: after a lost answer the status may have changed, and a second request would be refused.
        self._session.request(
            "UpdateBatchStatusV202206", "PUT", path, body=request.wire(), repeat=False, read=nothing
        )

    def _change(
        self,
        operation: str,
        method: str,
        path: str,
        wanted: Mapping[str, str | int],
        *,
        body: Any = None,
        repeat: bool = True,
    ) -> BatchResponse:
        """Send a change, and return the batch, if the answer is about the one that was asked for."""

        def check(batch: BatchResponse) -> None:
            self._check(batch, wanted, operation, method, path)

        return fetch(self._session, BatchResponse, operation, method, path, body=body, repeat=repeat, check=check)

    def _check(
        self, batch: BatchResponse, wanted: Mapping[str, str | int], operation: str, method: str, path: str
    ) -> None:
        """Refuse an answer that is not about the batch that was asked for."""
        found = {"batchId": batch.batch_id, "batchCode": batch.batch_code}
        check_answer(self._session, wanted, found, operation=operation, method=method, path=path)
