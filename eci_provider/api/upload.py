"""A bill file as the server wants it: named with an extension it can read, base64 in a JSON body."""

from __future__ import annotations

import base64
import os
from pathlib import Path, PurePosixPath
from types import NoneType
from typing import BinaryIO, Protocol, TypeAlias, cast, runtime_checkable

from eci_provider.api.errors import EciValidationError

#: What the importer reads (BillImportV3): the extension tells it how.
READABLE_EXTENSIONS = (".csv", ".dat", ".txt", ".xlsx", ".zip")


@runtime_checkable
class OpenablePath(Protocol):
    """Describe what a bill file may be beside a local path: pathlib and Airflow's ObjectStoragePath fit."""

    @property
    def name(self) -> str: ...

    def exists(self) -> bool: ...

    def open(self, mode: str) -> BinaryIO: ...


BillFile: TypeAlias = "str | os.PathLike[str] | OpenablePath"


def read_bill_file(file: BillFile, *, source: str) -> bytes:
    """
    Return a bill file's content.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
    :param source: where it came from, for the message.
    :raises EciValidationError: when it is missing, empty or a folder.
    """
    path = _openable(file)
    if not path.exists():
        raise EciValidationError([f"file is {str(file)!r}: there is no such file"], source=source)
    try:
        with path.open("rb") as stream:
            content = stream.read()
    except IsADirectoryError:
        raise EciValidationError([f"file is {str(file)!r}: it is a folder"], source=source) from None
    if not content:
        raise EciValidationError([f"file is {str(file)!r}: it is empty, 0 bytes"], source=source)
    return content


def checked_file_name(file: BillFile, file_name: str | None, *, source: str) -> str:
    """
    Return the name the server shall store the file under.

    :param file: the file.
    :param file_name: a name given for it; without one the file's own.
    :param source: where they came from, for the message.
    :raises EciValidationError: when the name has a folder in it or an extension that the importer cannot read.
    """
    field = "file" if file_name is None else "file_name"
    if not isinstance(file, (str, os.PathLike, OpenablePath)):
        raise EciValidationError([f"file is {file!r}: must be a path or a URL"], source=source)
    if not isinstance(file_name, (str, NoneType)):
        raise EciValidationError([f"file_name is {file_name!r}: must be a text"], source=source)
    name = file_name if file_name is not None else _openable(file).name
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in READABLE_EXTENSIONS:
        wanted = ", ".join(READABLE_EXTENSIONS)
        raise EciValidationError([f"{field} is {name!r}: its name must end in one of {wanted}"], source=source)
    if "/" in name or "\\" in name:
        raise EciValidationError([f"{field} is {name!r}: it must be a name without a folder"], source=source)
    return name


def encoded(content: bytes) -> str:
    """Return the `data` of an import request."""
    return base64.b64encode(content).decode("ascii")


def _openable(file: BillFile) -> OpenablePath:
    if isinstance(file, OpenablePath):
        return file
    return cast("OpenablePath", Path(cast("os.PathLike[str]", file)))
