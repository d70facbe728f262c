"""The names of a bill file's parts: the same for the same file, and different for any other file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import PurePosixPath

from eci_provider.bills.archive import ARCHIVE, suffix_of
from eci_provider.bills.reading import tables
from eci_provider.bills.tables import Table
from eci_provider.core.paths import OpenablePath, local_path

_DIGITS = 8
#: How many bytes of a name are part of the names; file systems allow 255.
_LONGEST_STEM = 200


def named_tables(file: OpenablePath) -> Iterator[tuple[Iterator[str], Table]]:
    """
    Iterate over the tables of a bill file, each with the names of its parts (``bills-3f2a91c4-0001.csv``, ...).

    Files in different folders often have the same name, and their parts go into one folder. So the names have a
    digest of the file's location, for which its content need not be read. Long names are cut, but not the digest.

    :param file: the file, as for :func:`~eci_provider.bills.reading.tables`.
    """
    name = file.name
    origin = hashlib.sha256(_location(file).encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
    stem = PurePosixPath(name).stem
    for number, table in enumerate(tables(file), start=1):
        inner = PurePosixPath(table.name.replace("\\", "/"))
        own = f"{_cut(stem, _LONGEST_STEM)}-{origin}"
        if suffix_of(name) == ARCHIVE:
            # Files in a ZIP may have the same name, too.
            half = _LONGEST_STEM // 2
            own = f"{_cut(stem, half)}-{origin}-{number:02}-{_cut(inner.stem, half)}"
        yield _names(own, inner.suffix), table


def _location(file: OpenablePath) -> str:
    """Return the location of a file: its full path, or its URL with the connection that opens it."""
    local = local_path(file)
    return str(file if local is None else local.resolve())


def _cut(stem: str, most: int) -> str:
    return os.fsencode(stem)[:most].decode("utf-8", "ignore") if len(os.fsencode(stem)) > most else stem


def _names(stem: str, suffix: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{stem}-{number:04}{suffix}"
