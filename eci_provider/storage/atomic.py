"""Where a report is written to; it appears there whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, cast, runtime_checkable

from eci_provider.core.errors import EciError
from eci_provider.core.paths import redact_path_in
from eci_provider.core.text import LONGEST_TEXT, cut
from eci_provider.reports.errors import EciReportError
from eci_provider.storage.object_store import missing_package, upload


@runtime_checkable
class RemoteFile(Protocol):
    """Describe a file in an object store: Airflow's ObjectStoragePath fits."""

    @property
    def protocol(self) -> str: ...

    @property
    def path(self) -> str: ...


Place: TypeAlias = "str | os.PathLike[str] | RemoteFile"


@contextmanager
def appearing(place: Place) -> Iterator[BinaryIO]:
    """
    Open a file for writing that appears at its place when all is written, instead of one that may be there.

    :param place: a local path, whose folders are made where they are missing; or a URL that Airflow's
        ObjectStoragePath opens, or such a path itself.
    :raises EciReportError: when it cannot be written.
    """
    try:
        located = _located(place)
        with _remote(located) if isinstance(located, RemoteFile) else _local(located) as stream:
            yield stream
    except EciError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EciReportError(f"it could not be written ({reason}).", path=str(place)) from error


def _located(place: Place) -> Path | RemoteFile:
    with _store_trouble(place, "its store cannot be opened"):
        if isinstance(place, str) and "://" in place:
            from airflow.providers.common.compat.sdk import ObjectStoragePath

            place = ObjectStoragePath(place)
        # In older Airflows it is a pathlib.Path as well.
        if not isinstance(place, RemoteFile):
            return Path(place)
        return Path(place.path) if place.protocol in ("file", "local") else place


@contextmanager
def _local(path: Path) -> Iterator[BinaryIO]:
    # A link goes on leading to the report.
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, since only within a file system a file can be moved in one step.
    draft = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("x+b") as stream:
            # Whom an earlier report was not for, this one is not for either.
            with suppress(OSError):
                os.fchmod(stream.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield stream
            stream.flush()
            # Else the name may survive a crash of the machine, and what is in the file may not.
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _remote(target: RemoteFile) -> Iterator[BinaryIO]:
    with _store_trouble(target, "its store cannot be opened"):
        store = cast("Any", target).fs
    with tempfile.NamedTemporaryFile(prefix="eci-report-") as stream:
        yield cast("BinaryIO", stream)
        stream.flush()
        with _store_trouble(target, "its store did not take it"):
            upload(store, stream.name, target.path)


@contextmanager
def _store_trouble(target: Place, what: str) -> Iterator[None]:
    """Tell in our words of whatever a store's client raises."""
    try:
        yield
    except Exception as error:
        if missing := missing_package(target, error):
            unopened = EciReportError(missing, path=str(target))
            unopened.retry_helps = False
            raise unopened from error
        reason = cut(redact_path_in(f"{type(error).__name__}: {error}", target), LONGEST_TEXT)
        raise EciReportError(f"{what} ({reason}).", path=str(target)) from error
