"""The files in a ZIP, one after the other."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, TypeAlias, cast

from eci_provider.api.upload import READABLE_EXTENSIONS
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.file_kind import other_kind_of

ARCHIVE = ".zip"
#: How many bytes the files of a ZIP may have, unpacked; the sandbox takes no more.
LARGEST_UNPACKED = 256 * 1024 * 1024
_IS_ENCRYPTED = 1
#: What zipfile raises, at any time while a file is unpacked.
UNPACKING_ERRORS = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError)
#: Called for a file in a ZIP that cannot be read; unless it raises, the other files are read.
Unreadable: TypeAlias = "Callable[[EciBillFileError], object]"


def suffix_of(name: str) -> str:
    """
    Return a name's extension in lower case, with its dot.

    :param name: a file's name.
    """
    return PurePosixPath(name).suffix.lower()


def unpacked_files(name: str, stream: BinaryIO, unreadable: Unreadable) -> Iterator[tuple[str, BinaryIO]]:
    """
    Iterate over the files in a ZIP: the name of each, and its content, open until the next one is asked for.

    :param name: the ZIP's name.
    :param stream: its content.
    :param unreadable: called for each file that cannot be read.
    :raises EciBillFileError: when it is not a ZIP, or an empty one.
    """
    if problem := other_kind_of(stream):
        raise EciBillFileError(problem, file=name)
    try:
        archive = zipfile.ZipFile(stream)
    except UNPACKING_ERRORS as error:
        raise EciBillFileError(f"it is not a readable ZIP ({error}).", file=name) from error
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members:
            raise EciBillFileError("there is no file in it.", file=name)
        if sum(member.file_size for member in members) > LARGEST_UNPACKED:
            problem = (
                f"unpacked, its files have more than {LARGEST_UNPACKED // 1024**2:,} MiB. Check and import them "
                "one by one."
            )
            raise EciBillFileError(problem, file=name)
        readable = set(READABLE_EXTENSIONS) - {ARCHIVE}
        others = [member for member in members if suffix_of(member.filename) not in readable]
        for member in others:
            problem = f"a ZIP may hold only CSV and Excel files. Take it out of {name!r}."
            unreadable(EciBillFileError(problem, file=member.filename))
        for member in members:
            if member in others:
                continue
            if member.flag_bits & _IS_ENCRYPTED:
                problem = "it is password-protected. Make the ZIP without a password."
                unreadable(EciBillFileError(problem, file=member.filename))
                continue
            try:
                unpacked = cast("BinaryIO", archive.open(member))
            except UNPACKING_ERRORS as error:
                unreadable(EciBillFileError(f"it cannot be unpacked ({error}).", file=member.filename))
                continue
            with unpacked:
                yield member.filename, unpacked
