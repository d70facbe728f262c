"""Bill imports: send a file, send its kickouts again. Operations I1 and I2 of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pydantic import model_validator

from eci_provider.api.models import Identifier, RequestModel, Text255, validated
from eci_provider.api.tasks import GuidResponse, checked_guid
from eci_provider.api.transport.responses import fetch
from eci_provider.api.upload import BillFile, StreamedImport, checked_file_name

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from eci_provider.api.transport.session import EciSession

BatchMode = Literal[
    "use existing batch", "new batch", "new self-contained batch", "use pending batch", "smart batch"
]

#: The field that a mode cannot do without (BillImportV3, batch settings).
_REQUIRED_WITH = {
    "use existing batch": "existing_open_batch_id",
    "use pending batch": "pending_batch_id",
    "smart batch": "new_batch_code",
}


class BatchSettings(RequestModel):
    """
    Describe into which batch an import goes (BatchSettings).

    ``use existing batch`` wants ``existing_open_batch_id``, ``use pending batch`` wants ``pending_batch_id``,
    ``smart batch`` wants ``new_batch_code``.
    """

    batch_mode: BatchMode | None = None
    existing_open_batch_id: Identifier | None = None
    leave_existing_batches_open: bool | None = None
    new_batch_code: Text255 | None = None
    pending_batch_id: Identifier | None = None

    @model_validator(mode="after")
    def _companions(self) -> Self:
        needed = _REQUIRED_WITH.get(self.batch_mode or "")
        if needed and not getattr(self, needed):
            raise ValueError(f"{needed} is required when batch_mode is {self.batch_mode!r}")
        return self


class KickoutImport(RequestModel):
    """Describe a retry of kickouts (BillKickoutImportRequest, page retry-kickouts)."""

    batch_settings: BatchSettings | None = None
    import_note: str | None = None
    save_as_resolved: bool | None = None
    comment: str | None = None


class BillImportOptions(KickoutImport):
    """Describe an import, all but the file itself (BillImportRequest)."""

    profile_code: str | None = None
    suppress_bill_capture_notification: bool | None = None


class KickoutImportFields(TypedDict, total=False):
    """Name the fields of :class:`KickoutImport` for type checkers."""

    batch_settings: BatchSettings | Mapping[str, Any] | None
    import_note: str | None
    save_as_resolved: bool | None
    comment: str | None


class BillImportFields(KickoutImportFields, total=False):
    """Name the fields of :class:`BillImportOptions` for type checkers."""

    profile_code: str | None
    suppress_bill_capture_notification: bool | None


class BillImport(BillImportOptions):
    """Describe an import whole (BillImportRequest)."""

    data: str
    file_name: str


class BillImports:
    """
    Submit bill files and retry their kickouts.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def submit(
        self,
        file: BillFile,
        file_name: str | None = None,
        *,
        sha256: str | None = None,
        **options: Unpack[BillImportFields],
    ) -> str:
        """
        Send a bill file and return the GUID of the task that imports it (BillImportV3).

        The file is read while it is sent, so its size does not matter for memory.

        :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
        :param file_name: under which name the server stores it; the file's own without.
        :param sha256: the digest of the content that shall be taken, and no other, as 64 lower-case hex digits; it
            is compared while the file is sent.
        :param options: fields of :class:`BillImportOptions`. Without ``profile_code`` the file is taken to be
            in the Advanced format.
        :return: the task GUID; read its course with ``tasks.get``.
        :raises EciValidationError: when the file or an option is wrong; nothing was sent.
        :raises EciFileError: when the file changed before it was sent to its end; it was not taken.
        :raises EciUnknownOutcomeError: when the file may or may not have been taken.
        """
        source = "bill_imports.submit"
        checked = validated(BillImportOptions, options, source=source)
        name = checked_file_name(file, file_name, source=source)
        fields = BillImport(**dict(checked), data="", file_name=name).wire()
        body = StreamedImport(file, fields, source=source, sha256=sha256)
        return self._new_task("BillImportV3", "/api/v3/import/bill", body)

    def retry_kickouts(self, task_guid: str, **options: Unpack[KickoutImportFields]) -> str:
        """
        Import the rows that a task kicked out once more, as a new task (ImportBillImportTaskKickoutsV202401).

        The same rows are sent, so it helps only after EnergyCAP's master data was corrected.

        :param task_guid: a bill import that ended as "Completed with kickouts".
        :param options: fields of :class:`KickoutImport`.
        :return: the new task's GUID.
        :raises EciValidationError: when an argument is wrong; nothing was sent.
        :raises EciUnknownOutcomeError: when the retry may or may not have been taken.
        """
        source = "bill_imports.retry_kickouts"
        request = validated(KickoutImport, options, source=source)
        path = f"/api/v202401/import/bill/task/{checked_guid(task_guid, source=source)}/kickout"
        return self._new_task("ImportBillImportTaskKickoutsV202401", path, request.wire())

    def _new_task(self, operation: str, path: str, body: dict[str, Any] | StreamedImport) -> str:
        return fetch(self._session, GuidResponse, operation, "POST", path, body=body).task_guid
