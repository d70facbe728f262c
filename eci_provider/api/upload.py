"""A bill file as the server wants it: named with an extension it can read, base64 in a JSON body."""

from __future__ import annotations

import binascii
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import NoneType
from typing import Any, BinaryIO, TypeAlias

from eci_provider.api.errors import EciConnectionError, EciError, EciValidationError
from eci_provider.core.paths import AnyPath, OpenablePath, openable, redact_path

#: What the importer reads (BillImportV3): the extension tells it how.
READABLE_EXTENSIONS = (".csv", ".dat", ".txt", ".xlsx", ".zip")

#: So many bytes of a file are encoded at a time: a multiple of three, or base64 would be padded in the middle.
#: What is read, encoded and sent of it fits a processor's cache; larger blocks are slower.
BLOCK = 48 * 1024

_CHUNK = 1024 * 1024


#: How a bill file may be named.
BillFile: TypeAlias = AnyPath


class EciFileError(EciError):
    """Tell that a bill file could not be sent as it was when sending began; EnergyCAP did not take it."""


class StreamedImport:
    """
    Produce the JSON body of an import while it is sent, reading the file block by block.

    Its length is known beforehand. Each iteration opens the file and starts again, for a connection that failed.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
    :param fields: the request as it goes on the wire, with an empty ``data`` at its place.
    :param source: where the file came from, for the message.
    :param sha256: the digest of the content that shall be sent, and no other; any content without.
    :raises EciValidationError: when the file is missing, empty, a folder or a pipe.
    """

    def __init__(
        self, file: BillFile, fields: Mapping[str, Any], *, source: str, sha256: str | None = None
    ) -> None:
        names = list(fields)
        ahead = names.index("data") + 1
        self._file = file
        self._head = json.dumps({name: fields[name] for name in names[:ahead]}).encode()[: -len('"}')]
        self._tail = b'", ' + json.dumps({name: fields[name] for name in names[ahead:]}).encode()[len("{") :]
        self._size = _size(file, source=source)
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
        # Whatever a store's client raises here: taken for trouble with EnergyCAP's connection it would mislead.
        except Exception as error:
            raise self._changed(f"it can no longer be read ({type(error).__name__})") from error
        self._is_complete = True
        yield head + _encoded(block) + self._tail

    def cut_short(self, failure: EciConnectionError) -> EciConnectionError:
        """
        Return what the loss of a connection means for this body.

        A server must take a message that is shorter than its Content-Length for incomplete (RFC 9112, 6.3), and
        a JSON object without its last brace is none. So as long as the end was not handed to the connection,
        nothing has been taken, and it may be sent again.

        :param failure: the loss.
        """
        if self._is_complete or not failure.sent:
            return failure
        return EciConnectionError(
            f"{failure.message} It broke off in the middle of the file, so EnergyCAP did not take it.",
            kind=failure.kind,
            sent=False,
            method=failure.method,
            path=failure.path,
        )

    def _read(self, stream: BinaryIO, size: int, left: int) -> bytes:
        """Read a block whole: a store may hand out less at a time."""
        block = stream.read(size)
        while len(block) < size:
            more = stream.read(size - len(block))
            if not more:
                raise self._changed(f"it ended after {self._size - left + len(block)} of {self._size} bytes")
            block += more
        return block

    def _changed(self, how: str) -> EciFileError:
        return EciFileError(
            f"File {redact_path(self._file)!r} changed while it was sent: {how}. The request was broken off and "
            "EnergyCAP did not take it. Send the file again when nothing writes to it any more.",
            file=redact_path(self._file),
        )


def content_digest(file: BillFile, *, source: str) -> str:
    """
    Return the SHA-256 of a bill file's content, as 64 hex digits.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``.
    :param source: where it came from, for the message.
    :raises EciValidationError: when it is missing, empty, a folder or a pipe.
    """
    digest = hashlib.sha256()
    with _opened(file, source=source) as stream:
        is_empty = True
        while chunk := stream.read(_CHUNK):
            is_empty = False
            digest.update(chunk)
    if is_empty:
        raise _empty(file, source)
    return digest.hexdigest()


def _size(file: BillFile, *, source: str) -> int:
    """Return how many bytes a file has, by its end or, where a stream knows none, by reading it through."""
    with _opened(file, source=source) as stream:
        try:
            stream.seek(0, os.SEEK_END)
            size = stream.tell()
        # Streams that cannot seek say so each in their own way.
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
