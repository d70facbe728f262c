"""What is imported: a bill file, or the kickouts of an import."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from eci_provider.api.bill_imports import BillImportOptions, KickoutImport
from eci_provider.api.upload import BillFileContent, read_bill_file
from eci_provider.core.paths import redact_path
from eci_provider.reports.archives import names_in_zip
from eci_provider.storage.object_store import open_path
from eci_provider.submission.marker import Target, digest_of, marked, target_of
from eci_provider.submission.record import record_key

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.core.paths import AnyPath

log = logging.getLogger(__name__)


class ImportSource(ABC):
    """
    What an import brings into EnergyCAP, and how it is sent.

    :param request: the options of the import, checked.
    """

    request: KickoutImport

    @property
    @abstractmethod
    def description(self) -> str:
        """Return what is imported, for messages, such as ``file 'bills.csv'``."""

    @abstractmethod
    def digest(self) -> str:
        """Return a digest of what decides which bills are imported where: another one is another import."""

    @abstractmethod
    def send(self, client: EciClient, marker: str) -> str:
        """
        Start the import.

        :param client: the client.
        :param marker: the marker to send it under.
        :return: the GUID of its task.
        """

    @property
    def round_number(self) -> int:
        """Return which round of a retry it is, counted from 1; everything else is a first round."""
        return 1

    @property
    def resubmit_hint(self) -> str:
        """Return what to set so that it is sent although an earlier attempt may have sent it, for messages."""
        return "set reattach=False"

    @property
    def record_key(self) -> str:
        """Return the key of the import's record in Airflow's task state."""
        return record_key(self.round_number)

    @property
    def other_imports(self) -> Sequence[str]:
        """Return the GUIDs of imports that cannot be the one that is submitted."""
        return ()

    @abstractmethod
    def file_names(self) -> Sequence[str] | None:
        """Return the names of the files in the ZIP that is imported, by which kickouts are told apart."""

    @property
    def target(self) -> Target:
        """Return what is known of the batch that the import goes into."""
        return target_of(self.request.batch_settings)

    @property
    def voids_by_intent(self) -> bool:
        """Return whether the import goes into a Pending batch on purpose, so that void bills are meant."""
        settings = self.request.batch_settings
        return settings is not None and settings.batch_mode == "use pending batch"

    def _settings(self) -> dict[str, Any] | None:
        settings = self.request.batch_settings
        return settings.wire() if settings else None


@dataclass(frozen=True)
class BillFile(ImportSource):
    """
    A bill file. Its path is opened, its name checked and its content read once; then it is sent as it was read.

    :param file: a local path, or a URL that Airflow's ObjectStoragePath opens.
    :param file_name: the name that EnergyCAP stores it under; the file's own without.
    :param request: the options of the import, checked.
    :param owner: whose file it is, for messages.
    :param with_members: whether the names of the files in a ZIP are read with its content.
    """

    file: AnyPath
    file_name: str | None
    request: BillImportOptions
    owner: str
    with_members: bool = False

    @property
    def description(self) -> str:
        return f"file {redact_path(self.file)!r}"

    @cached_property
    def _path(self) -> AnyPath:
        return open_path(self.file)

    @cached_property
    def _content(self) -> BillFileContent:
        return read_bill_file(self._path, self.file_name, with_members=self.with_members, source=self.owner)

    def digest(self) -> str:
        extension = PurePosixPath(self._content.name).suffix.lower()
        return digest_of(self._content.sha256, extension, self.request.profile_code, self._settings())

    def send(self, client: EciClient, marker: str) -> str:
        task_guid = client.bill_imports.send(self._content, marked(self.request, marker))
        log.info("EnergyCAP took file %s as import %s, marker %s.", redact_path(self.file), task_guid, marker)
        return task_guid

    def file_names(self) -> Sequence[str]:
        read = vars(self).get("_content")
        if read is not None and read.members is not None:
            return cast("tuple[str, ...]", read.members)
        return names_in_zip(self._path, self.file_name)


@dataclass(frozen=True)
class Kickouts(ImportSource):
    """
    The kickouts of an import, in the first or a later round of a retry.

    :param task_guid: the import whose kickouts are sent again, checked.
    :param request: the options of the import, checked.
    :param names: the names of the files in the ZIP that was imported first.
    :param earlier_rounds: the imports of the rounds before this one, after the import that was named first.
    """

    task_guid: str
    request: KickoutImport
    names: Sequence[str] | None = None
    earlier_rounds: tuple[str, ...] = ()

    def next_round(self, task_guid: str) -> Kickouts:
        """
        Return the kickouts of this round's import.

        :param task_guid: that import.
        """
        return replace(self, task_guid=task_guid, earlier_rounds=(*self.earlier_rounds, task_guid))

    @property
    def round_number(self) -> int:
        return len(self.earlier_rounds) + 1

    @property
    def resubmit_hint(self) -> str:
        hint = super().resubmit_hint
        return f"set task_guid to {self.task_guid} and {hint}" if self.earlier_rounds else hint

    @property
    def description(self) -> str:
        return f"the retry of the kickouts of import {self.task_guid}"

    @property
    def other_imports(self) -> Sequence[str]:
        return (self.task_guid, *self.earlier_rounds)

    def digest(self) -> str:
        return digest_of(self.task_guid, self._settings(), self.round_number)

    def send(self, client: EciClient, marker: str) -> str:
        task_guid = client.bill_imports.send_retry(self.task_guid, marked(self.request, marker))
        log.info("Import %s retries the kickouts of import %s, marker %s.", task_guid, self.task_guid, marker)
        return task_guid

    def file_names(self) -> Sequence[str] | None:
        return self.names
