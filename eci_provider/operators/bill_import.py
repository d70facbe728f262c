"""Import a bill file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from eci_provider.api.errors import EciValidationError
from eci_provider.core.paths import as_text, redact_path
from eci_provider.operators.importing import EciImportOperator
from eci_provider.runtime.arguments import is_template
from eci_provider.storage.object_store import open_path

if TYPE_CHECKING:
    from eci_provider.api.bill_imports import BillImportOptions, KickoutImport
    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel


class ImportBillsOperator(EciImportOperator):
    """
    Import a bill file into EnergyCAP and wait for the import (BillImportV3).

    :param file: a local path, or any URL that Airflow's ObjectStoragePath opens. Its name must end in .csv, .dat,
        .txt, .xlsx or .zip: the importer reads it by its extension.
    :param file_name: under which name EnergyCAP stores it; the file's own without.
    :param profile_code: the import profile that maps its columns; without one it is read as Advanced format.
    :param batch_settings: into which batch, as :class:`~eci_provider.api.bill_imports.BatchSettings`, in
        snake_case or the documented camelCase. Without them EnergyCAP chooses, and how is not documented.
    :param import_note: a note on the import.
    :param save_as_resolved: whether failed audits are marked resolved by themselves.
    :param comment: why they are.
    :param suppress_bill_capture_notification: whether Bill Capture's notification is left out.
    :param kwargs: ``reattach``, ``adopt_task_guid``, ``on_kill`` and the waiting arguments of
        :class:`~eci_provider.operators.importing.EciImportOperator`.
    :return: the import's result, see the README.
    """

    request_fields = (
        "profile_code",
        "batch_settings",
        "import_note",
        "save_as_resolved",
        "comment",
        "suppress_bill_capture_notification",
    )
    template_fields: Sequence[str] = (
        *EciImportOperator.template_fields,
        "file",
        "file_name",
        "profile_code",
        "suppress_bill_capture_notification",
    )

    def __init__(
        self,
        *,
        file: str | os.PathLike[str],
        file_name: str | None = None,
        profile_code: str | None = None,
        suppress_bill_capture_notification: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file = as_text(file)
        self.file_name = file_name
        self.profile_code = profile_code
        self.suppress_bill_capture_notification = suppress_bill_capture_notification
        # Of the file as the marker stands for it.
        self._sha256: str | None = None
        self.check_literals()
        self.check_report()
        self._check_name_if_literal()

    @staticmethod
    def request_model() -> type[BillImportOptions]:
        """Return the model of the request, all but the file."""
        from eci_provider.api.bill_imports import BillImportOptions

        return BillImportOptions

    def what(self) -> str:
        """Return what is imported, for messages."""
        return f"file {redact_path(self.file)!r}"

    def content(self, request: RequestModel) -> str:
        """Return a digest of the file, and of how and into which batch it is read."""
        from eci_provider.api.upload import checked_file_name, content_digest
        from eci_provider.submission.marker import digest_of

        options = cast("BillImportOptions", request)
        name = checked_file_name(open_path(self.file), self.file_name, source=self.source)
        self._sha256 = content_digest(open_path(self.file), source=self.source)
        return digest_of(
            self._sha256,
            PurePosixPath(name).suffix.lower(),
            options.profile_code,
            options.batch_settings.wire() if options.batch_settings else None,
        )

    def submit_job(self, client: EciClient, request: KickoutImport, marker: str) -> str:
        """Send the file and return the task GUID of its import."""
        from eci_provider.submission.marker import marked

        try:
            task_guid = client.bill_imports.submit(
                open_path(self.file), self.file_name, sha256=self._sha256, **marked(request, marker)
            )
        except EciValidationError as error:
            raise EciValidationError(error.details["problems"], source=self.source) from error
        self.log.info(
            "File %s was taken by EnergyCAP as import %s, marker %s.", redact_path(self.file), task_guid, marker
        )
        return task_guid

    def imported_names(self) -> Sequence[str]:
        """Return the names in the file, if EnergyCAP was told that it is a ZIP."""
        from eci_provider.reports.archives import names_in_zip

        return names_in_zip(open_path(self.file), self.file_name)

    def _check_name_if_literal(self) -> None:
        from eci_provider.api.upload import checked_file_name

        if not is_template(self.file if self.file_name is None else self.file_name):
            # Of a URL the last part counts, as of a path.
            file = self.file.rpartition("/")[2] if isinstance(self.file, str) else self.file
            checked_file_name(file, self.file_name, source=self.source)
