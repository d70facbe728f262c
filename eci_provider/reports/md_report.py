"""A report as Markdown, to be read as it is or in a browser."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import BinaryIO

from eci_provider.api.kickouts.reasons import NOT_KNOWN, correct_in
from eci_provider.api.kickouts.report import KickoutReport
from eci_provider.core.text import cell_text
from eci_provider.reports.grouping import GroupedRows
from eci_provider.reports.rows import UNNAMED, Entry, Group

# Inside of a word an underscore means nothing. GitHub makes links of "http://x" and "www.x", and formulas of $x$.
_ESCAPED = re.compile(r"[\\|`*~$\[\]<>]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_BREAK = re.compile(r"\r\n|[\r\n]")


def write(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write a heading, a summary, and for each file and message a table of all its rows.

    :param rows: the rows, grouped.
    :param title: what it is a report of.
    :param noun: what its rows are.
    :param stream: where to.
    """
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="\n")
    text.write(f"# {_line(title)}\n\n{_line(noun)}: {rows.rows:,}\n")
    if any(True for _ in rows.groups()):
        _table_head(text, ["File", "Message", "Rows"], numbers=1)
        for group in rows.groups():
            _table_row(text, [group.file, group.kind, f"{group.rows:,}"])
    _write_groups(rows, text, has_reasons=noun == KickoutReport.noun)
    text.flush()
    text.detach()


def _write_groups(rows: GroupedRows, text: io.TextIOWrapper, *, has_reasons: bool) -> None:
    last, file = None, None
    columns: list[int] = []
    for group, entry in rows.entries():
        if group is not last:
            last = group
            if group.file != file:
                file = group.file
                text.write(f"\n## {_line(file or UNNAMED)}\n")
            text.write(f"\n### {_line(group.kind or '(no message)')} ({group.rows:,})\n")
            place = correct_in(group.kind) if has_reasons else NOT_KNOWN
            text.write("" if place == NOT_KNOWN else f"\nCorrect in {place}.\n")
            names = rows.columns(file)
            columns = list(names)
            _table_head(text, [*_leading(group), *(name or UNNAMED for name in names.values())])
        _table_row(text, _values(group, entry, columns))


def _leading(group: Group) -> list[str]:
    known = (("Row", group.has_numbers), ("Column", group.has_columns), ("Message", group.has_messages))
    return [name for name, is_known in known if is_known]


def _values(group: Group, entry: Entry, columns: list[int]) -> list[str]:
    values = []
    if group.has_numbers:
        values.append(str(entry.row))
    if group.has_columns:
        values.append(entry.column)
    if group.has_messages:
        values.append(entry.message)
    return values + [entry.cells.get(column, "") for column in columns]


def _table_head(text: io.TextIOWrapper, names: list[str], *, numbers: int = 0) -> None:
    text.write("\n")
    _table_row(text, names)
    rules = ["---"] * (len(names) - numbers) + ["---:"] * numbers
    text.write(f"| {' | '.join(rules)} |\n")


def _table_row(text: io.TextIOWrapper, values: Iterable[str]) -> None:
    text.write(f"| {' | '.join([_cell(value) for value in values])} |\n")


def _cell(value: str) -> str:
    # Most values are words and numbers.
    return value if value.isalnum() else _BREAK.sub("<br>", _escaped(value))


def _line(value: str) -> str:
    return _BREAK.sub(" ", _escaped(cell_text(value)))


def _escaped(value: str) -> str:
    """Let a value be text and nothing else: it comes from a bill file that others made."""
    return _ESCAPED.sub(lambda found: _ENTITIES.get(found.group(), f"\\{found.group()}"), value)
