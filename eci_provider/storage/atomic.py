"""Writing a file that appears whole or not at all, in a local folder or in an object store."""

from __future__ import annotations

import os
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from eci_provider.core.checks import checked_path
from eci_provider.core.errors import EciError, EciStoreError, EciValidationError
from eci_provider.core.paths import AnyPath, is_remote, local_path, redact_path_in
from eci_provider.core.spill import spill_file
from eci_provider.core.text import LONGEST_TEXT, shown
from eci_provider.storage.errors import EciWriteError
from eci_provider.storage.object_store import missing_package, open_path, replace_file

#: Large enough that many short rows take few system calls.
_BUFFER = 1024 * 1024
_UNOPENED = "its store cannot be opened"


@contextmanager
def atomic_write(destination: AnyPath) -> Iterator[BinaryIO]:
    """
    Open a file for writing that replaces the one at its destination when the block ends without an error.

    :param destination: a local path, whose folders are made where they are missing; or a URL that Airflow's
        ObjectStoragePath opens, or such a path itself.
    :raises EciStoreError: when no installed package opens its store.
    :raises EciWriteError: when it cannot be written.
    """
    checked_path(destination, name="destination", description="the file to write", source="atomic_write")
    with _draft(_located(destination)) as draft:
        yield draft.stream
        draft.publish()


class Draft(ABC):
    """
    A file that nobody sees at its destination before :meth:`publish`.

    Use it as a context manager; what is not published is removed at the end.

    :param destination: where it is going to appear.
    :param stream: the file to write, open for reading too.
    """

    def __init__(self, destination: Any, stream: BinaryIO) -> None:
        self.destination = destination
        self.stream = stream

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self._discard()

    @abstractmethod
    def publish(self) -> str:
        """
        Put the file at its destination, instead of one that may be there.

        :return: the destination as text.
        :raises EciWriteError: when that fails; what was there before is still there.
        """

    def _discard(self) -> None:
        """Remove the file where it was written."""
        self.stream.close()


class _LocalDraft(Draft):
    def __init__(self, path: Path) -> None:
        # A link at the destination keeps leading to the file.
        self._target = Path(os.path.realpath(path))
        self._target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, since only within a file system a file can be moved in one step; under a name of its
        # own, since the file's may be as long as names can be.
        self._draft = self._target.with_name(f".{secrets.token_hex(8)}.tmp")
        super().__init__(path, self._draft.open("x+b", _BUFFER))
        # Whoever may not read the earlier file may not read this one either.
        with suppress(OSError):
            os.fchmod(self.stream.fileno(), stat.S_IMODE(self._target.stat().st_mode))

    def publish(self) -> str:
        with _disk_errors(self.destination):
            self.stream.flush()
            # Otherwise a crash of the machine may leave the name without the content.
            os.fsync(self.stream.fileno())
            self._draft.replace(self._target)
        return str(self.destination)

    def _discard(self) -> None:
        super()._discard()
        self._draft.unlink(missing_ok=True)


class _StoreDraft(Draft):
    def __init__(self, path: Any) -> None:
        super().__init__(path, spill_file(is_named=True, buffering=_BUFFER))

    def publish(self) -> str:
        with _disk_errors(self.destination):
            self.stream.flush()
        with _store_errors(self.destination, "its store did not take it"):
            replace_file(self.destination.fs, self.stream.name, self.destination.path)
        return str(self.destination)


class Folder:
    """
    A folder that files are written into.

    :param path: its path, local or in an object store; it exists.
    """

    def __init__(self, path: Any) -> None:
        self._path = path

    def open_draft(self, name: str) -> Draft:
        """
        Open a file for writing that appears in the folder when it is published.

        :param name: the file's name.
        :raises EciWriteError: when it cannot be written.
        """
        return _draft(self._path / name)


def open_folder(destination: AnyPath, *, name: str, description: str, source: str) -> Folder:
    """
    Return a folder to write into; it is made where it is missing.

    :param destination: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path.
    :param name: the name of the argument, for messages.
    :param description: what it must name, such as ``the folder of the parts``.
    :param source: whose argument it is.
    :raises EciValidationError: when it names no place, or a file is there.
    :raises EciStoreError: when no installed package opens its store.
    :raises EciWriteError: when it cannot be made.
    """
    checked_path(destination, name=name, description=description, source=source)
    path = _located(destination)
    with _store_errors(destination, _UNOPENED) if is_remote(path) else _disk_errors(destination):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            problem = f"{name} is {str(destination)!r}: there is a file of that name, and no folder can be made"
            raise EciValidationError([problem], source=source) from None
    return Folder(path)


def _draft(path: Any) -> Draft:
    with _disk_errors(path):
        return _StoreDraft(path) if is_remote(path) else _LocalDraft(path)


def _located(destination: AnyPath) -> Any:
    """Return a local destination as Path, and one in a store as ObjectStoragePath, its store opened."""
    with _store_errors(destination, _UNOPENED):
        located = open_path(destination)
    return local_path(located) or located


@contextmanager
def _disk_errors(destination: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EciWriteError(f"it could not be written ({reason}).", path=destination) from error


@contextmanager
def _store_errors(destination: object, problem: str) -> Iterator[None]:
    """Raise whatever a store's client raises as an error of ours."""
    try:
        yield
    except EciError:
        raise
    except Exception as error:
        if missing := missing_package(destination, error):
            raise EciStoreError(missing, file=destination) from error
        reason = shown(redact_path_in(f"{type(error).__name__}: {error}", destination), LONGEST_TEXT)
        raise EciWriteError(f"{problem} ({reason}).", path=destination) from error
