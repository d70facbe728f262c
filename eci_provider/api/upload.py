"""A bill file as it is uploaded: its name, its content, and its base64 in a JSON body."""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import NoneType
from typing import Any, BinaryIO, TypeAlias

from eci_provider.api.errors import EciConnectionError, EciError, EciValidationError
from eci_provider.core.paths import AnyPath, OpenablePath, openable, redact_path

#: The extensions that the importer reads (BillImportV3).
READABLE_EXTENSIONS = (".csv", ".dat", ".txt", ".xlsx", ".zip")

#: How many bytes of a file are encoded at a time: a multiple of three, so that base64 is not padded in the middle.
#: Larger blocks are slower, because they do not fit into a processor's cache.
BLOCK = 48 * 1024

_CHUNK = 1024 * 1024

#: How a bill file may be given: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
BillFile: TypeAlias = AnyPath


class EciFileError(EciError):
    """A bill file changed while it was sent; EnergyCAP did not take it."""


class StreamedImport:
    """
    The JSON body of an import, made while it is sent by reading the file block by block.

    Its length is known beforehand. Each iteration opens the file again, for a connection that failed.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
    :param fields: the request as it is sent, with an empty ``data`` in place of the file.
    :param source: where the file came from, for the message.
    :param sha256: the digest that the content must have; None for any content.
    :param size: the file's length in bytes; None to open the file for it.
    :raises EciValidationError: if the file is missing, empty, a folder or a pipe.
    """

    def __init__(
        self,
        file: BillFile,
        fields: Mapping[str, Any],
        *,
        source: str,
        sha256: str | None = None,
        size: int | None = None,
    ) -> None:
        names = list(fields)
        ahead = names.index("data") + 1
        self._file = file
        self._head = json.dumps({name: fields[name] for name in names[:ahead]}).encode()[: -len('"}')]
        self._tail = b'", ' + json.dumps({name: fields[name] for name in names[ahead:]}).encode()[len("{") :]
        self._size = size or _size(file, source=source)
        self._sha256 = sha256
        self._is_complete = False

    def __len__(self) -> int:
        return len(self._head) + (self._size + 2) // 3 * 4 + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._is_complete = False
        head, left = self._head, self._size
        sent = hashlib.sha256()
        try:
            with openable(self._file).open("rb") as stream:
                while left > BLOCK:
                    block = self._read(stream, BLOCK, left)
                    if self._sha256:
                        sent.update(block)
                    yield head + _encoded(block)
                    head, left = b"", left - BLOCK
                block = self._read(stream, left, left)
                if stream.read(1):
                    raise self._changed(f"it has grown beyond its {self._size} bytes")
            sent.update(block)
            if self._sha256 and sent.hexdigest() != self._sha256:
                raise self._changed("its content is no longer what was to be sent")
        except EciError:
            raise
        # Whatever a store's client raises; it must not look like a failure of EnergyCAP's connection.
        except Exception as error:
            raise self._changed(f"it can no longer be read ({type(error).__name__})") from error
        self._is_complete = True
        yield head + _encoded(block) + self._tail

    def cut_short(self, failure: EciConnectionError) -> EciConnectionError:
        """
        Return what the loss of a connection means for this body.

        A server must treat a message that is shorter than its Content-Length as incomplete (RFC 9112, 6.3), and
        JSON without its last brace is not valid. So until the last block is handed to the connection, EnergyCAP
        has not taken the file, and it may be sent again.

        :param failure: the loss.
        """
        if self._is_complete or not failure.sent:
            return failure
        return failure.copy(
            f"{failure.message} It broke off in the middle of the file, so EnergyCAP did not take it.", sent=False
        )

    def _read(self, stream: BinaryIO, size: int, left: int) -> bytes:
        """Return a whole block, though a store may return less at a time."""
        block = stream.read(size)
        while len(block) < size:
            more = stream.read(size - len(block))
            if not more:
                raise self._changed(f"it ended after {self._size - left + len(block)} of {self._size} bytes")
            block += more
        return block

    def _changed(self, problem: str) -> EciFileError:
        return EciFileError(
            f"File {redact_path(self._file)!r} changed while it was sent: {problem}. The request was aborted, and "
            "EnergyCAP did not take it. Send the file again once nothing writes to it.",
            file=redact_path(self._file),
        )


@dataclass(frozen=True)
class BillFileContent:
    """
    A bill file that was read once; it is sent with the same content or not at all.

    :param file: the file.
    :param name: the name that the server stores it under.
    :param size: its length in bytes.
    :param sha256: the digest of its content, as 64 lower-case hex digits.
    :param members: the names of the files in it, if it is a ZIP and they could be read.
    """

    file: BillFile
    name: str
    size: int
    sha256: str
    members: tuple[str, ...] | None = None


def read_bill_file(
    file: BillFile, file_name: str | None = None, *, with_members: bool = False, source: str
) -> BillFileContent:
    """
    Check a bill file's name, and read its content once, in constant memory.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
    :param file_name: the name that the server stores it under; None for the file's own.
    :param with_members: whether the names of the files in a ZIP are read too.
    :param source: where the file came from, for the message.
    :raises EciValidationError: if its name is wrong, or if it is missing, empty, a folder or a pipe.
    """
    name = checked_file_name(file, file_name, source=source)
    digest, size = hashlib.sha256(), 0
    with _opened(file, source=source) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
        is_archive = PurePosixPath(name).suffix.lower() == ".zip"
        members = _members(stream) if with_members and is_archive else None
    if not size:
        raise _empty(file, source)
    return BillFileContent(file, name, size, digest.hexdigest(), members)


def names_in_archive(stream: BinaryIO) -> list[str]:
    """
    Return the names of the files in a ZIP, in their order.

    :param stream: the ZIP; it can seek.
    :raises Exception: if it cannot be read; a store's client raises errors of its own.
    """
    with zipfile.ZipFile(stream) as archive:
        return [member.filename for member in archive.infolist() if not member.is_dir()]


def _members(stream: BinaryIO) -> tuple[str, ...] | None:
    """Return the names of the files in a ZIP, or None: EnergyCAP decides whether it is one."""
    try:
        return tuple(names_in_archive(stream))
    except Exception:
        return None


def _size(file: BillFile, *, source: str) -> int:
    """Return a file's length in bytes, by its end, or by reading it if the stream cannot seek."""
    with _opened(file, source=source) as stream:
        try:
            stream.seek(0, os.SEEK_END)
            size = stream.tell()
        # Each kind of stream that cannot seek raises another error.
        except (OSError, ValueError, TypeError, AttributeError, NotImplementedError):
            size = 0
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
    if not size:
        raise _empty(file, source)
    return size


@contextmanager
def _opened(file: BillFile, *, source: str) -> Iterator[BinaryIO]:
    path = openable(file)
    if not path.exists():
        raise EciValidationError([f"file is {redact_path(file)!r}: there is no such file"], source=source)
    if isinstance(path, Path) and path.is_fifo():
        problem = f"file is {redact_path(file)!r}: it is a pipe, which cannot be read twice"
        raise EciValidationError([problem], source=source)
    try:
        with path.open("rb") as stream:
            yield stream
    except IsADirectoryError:
        raise EciValidationError([f"file is {redact_path(file)!r}: it is a folder"], source=source) from None


def _empty(file: BillFile, source: str) -> EciValidationError:
    return EciValidationError([f"file is {redact_path(file)!r}: it is empty, 0 bytes"], source=source)


def checked_file_name(file: BillFile, file_name: str | None, *, source: str) -> str:
    """
    Return the name that the server stores a file under, checked.

    :param file: the file.
    :param file_name: the name given for it; None for the file's own.
    :param source: where they came from, for the message.
    :raises EciValidationError: if the name has a folder, or an extension that the importer cannot read.
    """
    field = "file" if file_name is None else "file_name"
    if not isinstance(file, (str, os.PathLike, OpenablePath)):
        raise EciValidationError([f"file is {file!r}: must be a path or a URL"], source=source)
    if not isinstance(file_name, (str, NoneType)):
        raise EciValidationError([f"file_name is {file_name!r}: must be a text"], source=source)
    name = file_name if file_name is not None else openable(file).name
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in READABLE_EXTENSIONS:
        wanted = ", ".join(READABLE_EXTENSIONS)
        raise EciValidationError(
            [f"{field} is {redact_path(name)!r}: its name must end in one of {wanted}"], source=source
        )
    if "/" in name or "\\" in name:
        raise EciValidationError(
            [f"{field} is {redact_path(name)!r}: it must be a name without a folder"], source=source
        )
    return name


def _encoded(block: bytes) -> bytes:
    return binascii.b2a_base64(block, newline=False)
