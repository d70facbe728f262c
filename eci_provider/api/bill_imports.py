"""Bill imports: import a file, and retry its kickouts. Operations I1 and I2 of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pydantic import model_validator

from eci_provider.api.models import Identifier, RequestModel, Switch, Text, Text255, validated
from eci_provider.api.tasks import GuidResponse, checked_guid
from eci_provider.api.transport.limits import GUID
from eci_provider.api.transport.responses import fetch, refused_answer
from eci_provider.api.upload import BillFile, BillFileContent, StreamedImport, checked_file_name

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from eci_provider.api.transport.session import EciSession

BatchMode = Literal[
    "use existing batch", "new batch", "new self-contained batch", "use pending batch", "smart batch"
]

#: The GUID of nothing, as .NET servers write it.
_NIL = "00000000-0000-0000-0000-000000000000"

#: The field that a mode requires (BillImportV3, batch settings).
_REQUIRED_WITH = {
    "use existing batch": "existing_open_batch_id",
    "use pending batch": "pending_batch_id",
    "smart batch": "new_batch_code",
}


class BatchSettings(RequestModel):
    """
    The batch that an import goes into (BatchSettings).

    ``use existing batch`` requires ``existing_open_batch_id``, ``use pending batch`` ``pending_batch_id``, and
    ``smart batch`` ``new_batch_code``.
    """

    batch_mode: BatchMode | None = None
    existing_open_batch_id: Identifier | None = None
    leave_existing_batches_open: Switch | None = None
    new_batch_code: Text255 | None = None
    pending_batch_id: Identifier | None = None

    @model_validator(mode="after")
    def _companions(self) -> Self:
        needed = _REQUIRED_WITH.get(self.batch_mode or "")
        if needed and not getattr(self, needed):
            raise ValueError(f"{needed} is required when batch_mode is {self.batch_mode!r}")
        return self


class KickoutImport(RequestModel):
    """A retry of kickouts (BillKickoutImportRequest, page retry-kickouts)."""

    batch_settings: BatchSettings | None = None
    import_note: Text | None = None
    save_as_resolved: Switch | None = None
    comment: Text | None = None


class BillImportOptions(KickoutImport):
    """An import without its file (BillImportRequest)."""

    profile_code: Text | None = None
    suppress_bill_capture_notification: Switch | None = None


class KickoutImportFields(TypedDict, total=False):
    """The fields of :class:`KickoutImport`, for type checkers."""

    batch_settings: BatchSettings | Mapping[str, Any] | None
    import_note: str | None
    save_as_resolved: bool | None
    comment: str | None


class BillImportFields(KickoutImportFields, total=False):
    """The fields of :class:`BillImportOptions`, for type checkers."""

    profile_code: str | None
    suppress_bill_capture_notification: bool | None


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
        :param file_name: the name that the server stores it under; None for the file's own.
        :param sha256: the digest that the content must have, as 64 lower-case hex digits; it is compared while the
            file is sent. None for any content.
        :param options: fields of :class:`BillImportOptions`. Without ``profile_code`` the file is read as
            Advanced format.
        :return: the task GUID; read the task with ``tasks.get``.
        :raises EciValidationError: if the file or an option is wrong; nothing was sent.
        :raises EciFileError: if the file changed while it was sent; it was not taken.
        :raises EciUnknownOutcomeError: if the file may or may not have been taken.
        """
        source = "bill_imports.submit"
        checked = validated(BillImportOptions, options, source=source)
        name = checked_file_name(file, file_name, source=source)
        return self._import(StreamedImport(file, _wire(checked, name), source=source, sha256=sha256))

    def send(self, content: BillFileContent, request: BillImportOptions) -> str:
        """
        Send a bill file that was read before, with options that were checked before (BillImportV3).

        :param content: the file; it is sent only if its content is still the same.
        :param request: the options.
        :return: the task GUID.
        :raises EciFileError: if the file has changed since; it was not taken.
        :raises EciUnknownOutcomeError: if the file may or may not have been taken.
        """
        fields = _wire(request, content.name)
        return self._import(
            StreamedImport(
                content.file, fields, source="bill_imports.send", sha256=content.sha256, size=content.size
            )
        )

    def retry_kickouts(self, task_guid: str, **options: Unpack[KickoutImportFields]) -> str:
        """
        Import the rows that a task kicked out again, as a new task (ImportBillImportTaskKickoutsV202401).

        The same rows are imported, so this helps only after EnergyCAP's master data was corrected.

        :param task_guid: a bill import that ended as "Completed with kickouts".
        :param options: fields of :class:`KickoutImport`.
        :return: the new task's GUID.
        :raises EciValidationError: if an argument is wrong; nothing was sent.
        :raises EciUnknownOutcomeError: if the retry may or may not have been taken.
        """
        source = "bill_imports.retry_kickouts"
        request = validated(KickoutImport, options, source=source)
        return self.send_retry(task_guid, request)

    def send_retry(self, task_guid: str, request: KickoutImport) -> str:
        """
        Send a retry of kickouts with options that were checked before (ImportBillImportTaskKickoutsV202401).

        :param task_guid: the import whose kickouts are retried.
        :param request: the options.
        :return: the new task's GUID.
        :raises EciValidationError: if ``task_guid`` is not a UUID; nothing was sent.
        :raises EciUnknownOutcomeError: if the retry may or may not have been taken.
        """
        guid = checked_guid(task_guid, source="bill_imports.retry_kickouts")
        path = f"/api/v202401/import/bill/task/{guid}/kickout"
        return self._new_task("ImportBillImportTaskKickoutsV202401", path, request.wire(), source=guid)

    def _import(self, body: StreamedImport) -> str:
        return self._new_task("BillImportV3", "/api/v3/import/bill", body)

    def _new_task(
        self, operation: str, path: str, body: dict[str, Any] | StreamedImport, *, source: str = _NIL
    ) -> str:
        """Send an import, and return its GUID, which is neither nil nor that of the import that is retried."""

        def check(found: GuidResponse) -> None:
            if found.task_guid in (_NIL, source):
                named = "no import" if found.task_guid == _NIL else "the import that is retried"
                problem = f"it names {named}: {found.task_guid}"
                raise refused_answer(self._session, problem, operation=operation, method="POST", path=path)

        response = fetch(self._session, GuidResponse, operation, "POST", path, body=body, limits=GUID, check=check)
        return response.task_guid


def _wire(request: BillImportOptions, file_name: str) -> dict[str, Any]:
    """Return an import as it is sent, with an empty ``data`` in place of the file."""
    return {**request.wire(), "data": "", "fileName": file_name}
