"""Files that appear whole or not at all, in a local folder or in an object store."""

from __future__ import annotations

import os
import secrets
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, cast, runtime_checkable

_CHUNK = 1024 * 1024


@runtime_checkable
class RemotePath(Protocol):
    """Describe a folder in an object store: Airflow's ObjectStoragePath fits."""

    @property
    def protocol(self) -> str: ...

    @property
    def path(self) -> str: ...

    def mkdir(self, mode: int = ..., parents: bool = ..., exist_ok: bool = ...) -> None: ...

    def __truediv__(self, name: str) -> Any: ...


Destination: TypeAlias = "str | os.PathLike[str] | RemotePath"


class Folder(ABC):
    """Be a folder to write whole files into."""

    @contextmanager
    def scratch(self, name: str) -> Iterator[BinaryIO]:
        """
        Open a file for writing that nobody sees under its name before it is published.

        :param name: the name it is going to have.
        """
        file = self._scratch(name)
        try:
            yield file
        finally:
            file.close()
            self._discard(file)

    @abstractmethod
    def publish(self, file: BinaryIO, name: str) -> str:
        """
        Let a file appear, instead of one that may be there, and return where.

        :param file: as :meth:`scratch` opened it, written to its end.
        :param name: its name.
        """

    @abstractmethod
    def _scratch(self, name: str) -> BinaryIO:
        """Open a file for writing and reading."""

    @abstractmethod
    def _discard(self, file: BinaryIO) -> None:
        """Remove what was not published."""


class _LocalFolder(Folder):
    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def _scratch(self, name: str) -> BinaryIO:
        # In the same folder, since only within a file system a file can be moved in one step; under a name of its
        # own, since the file's may be as long as names can be.
        return (self._path / f".{secrets.token_hex(8)}.tmp").open("x+b", _CHUNK)

    def publish(self, file: BinaryIO, name: str) -> str:
        file.flush()
        # Else the name may survive a crash of the machine, and what is in the file may not.
        os.fsync(file.fileno())
        target = self._path / name
        Path(file.name).replace(target)
        return str(target)

    def _discard(self, file: BinaryIO) -> None:
        Path(file.name).unlink(missing_ok=True)


class _RemoteFolder(Folder):
    def __init__(self, path: RemotePath) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def _scratch(self, name: str) -> BinaryIO:
        return cast("BinaryIO", tempfile.NamedTemporaryFile(buffering=_CHUNK, prefix="eci-part-"))

    def publish(self, file: BinaryIO, name: str) -> str:
        from eci_provider.storage.object_store import upload

        file.flush()
        target = self._path / name
        upload(target.fs, file.name, target.path)
        return str(target)

    def _discard(self, file: BinaryIO) -> None:
        """Do nothing: a temporary file is gone when it is closed."""


def folder_at(destination: Destination) -> Folder:
    """
    Return a folder to write into; it is made where it is missing.

    :param destination: a local path, or Airflow's ObjectStoragePath.
    """
    if isinstance(destination, RemotePath):
        if destination.protocol not in ("file", "local"):
            return _RemoteFolder(destination)
        return _LocalFolder(Path(destination.path))
    return _LocalFolder(Path(destination))
