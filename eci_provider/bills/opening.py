"""Opening a bill file, and the lines of its text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from eci_provider.bills.errors import EciBillFileError
from eci_provider.core.paths import OpenablePath, redact_path

#: The longest row that is read, in characters, about; no bill comes near.
LONGEST_ROW = 4 * 1024 * 1024


class LongLineError(Exception):
    """A line is longer than any bill."""


def opened_file(path: OpenablePath) -> BinaryIO:
    """
    Return a file's content; the caller closes it.

    :param path: the file.
    :raises EciBillFileError: when there is no such file.
    """
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise EciBillFileError("there is no such file.", file=redact_path(path)) from None
    except IsADirectoryError:
        raise EciBillFileError("it is a folder.", file=redact_path(path)) from None


def line_blocks(text: io.TextIOWrapper, block_size: int, start: str = "") -> Iterator[list[str]]:
    """
    Iterate over the lines of a text, many at a time, which takes less time than one by one.

    :param text: the text, whose line ends are as the file has them.
    :param block_size: how many characters are read at once; more only where a line is longer.
    :param start: what has been read of the text already.
    :raises LongLineError: when a line is longer than :data:`LONGEST_ROW`.
    """
    left, block = start, "-"
    while block:
        block = text.read(block_size)
        lines = io.StringIO(left + block, newline="").readlines()
        # The last line may continue in the next block.
        left = lines.pop() if block else ""
        yield lines
        if len(left) >= LONGEST_ROW:
            raise LongLineError
