"""What a preparation has done: the rows and the sums of both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import islice
from typing import Any

from eci_provider.bills.prepare.faults import LeftOutRow
from eci_provider.bills.recipe.values import is_money
from eci_provider.core.text import shown

#: How many rows that are left out are kept in the result; the report has all of them.
MOST_KEPT = 1000
_MOST_IN_XCOM = 10
_MOST_SUMS = 50
#: How many bytes of JSON the name of a column takes in XCom.
_LONGEST = 200
#: Enough digits that no sum of amounts is ever rounded.
DIGITS = 120
_EXACT = Context(prec=DIGITS)
_ZERO = Decimal(0)


@dataclass
class AmountSum:
    """
    The sums of an amount: ``read == written + rounding``.

    :param read: what the rows hold that are in the output, exactly.
    :param written: what the output holds, added up from what was written.
    :param left_out: what the rows hold that are left out, as far as it can be read.
    """

    read: Decimal = _ZERO
    written: Decimal = _ZERO
    left_out: Decimal = _ZERO

    @property
    def rounding(self) -> Decimal:
        """Return how much rounding has taken away."""
        return _EXACT.subtract(self.read, self.written)


#: The sums by ``TYPE:UNIT:LABEL`` or field.
Sums = dict[str, AmountSum]


@dataclass
class PreparedFile:
    """
    A prepared bill file, and the account of what became of each row.

    :param source: the vendor's file.
    :param target: the prepared file.
    :param rows_in: how many rows the source has below its header, empty ones not counted.
    :param rows_out: how many of them are in the output.
    :param rows_left_out: how many are not: ``rows_in == rows_out + rows_left_out``.
    :param rows_written: how many rows the output has; more than ``rows_out`` where a row becomes several.
    :param bills: how many bills these are.
    :param sums: the sums of each amount on both sides.
    :param left_out: the rows that are left out, the first thousand of them.
    :param reasons: how many rows are left out, by the code of the reason.
    :param unused_columns: the columns of the source that the recipe does not read.
    :param first_day: the earliest start, as ISO date; None without a bill.
    :param last_day: the latest end, likewise.
    :param encoding: the encoding of a text file.
    :param delimiter: its delimiter.
    :param sheet: the sheet of a workbook.
    :param header_row: the row of the header; 0 without one.
    """

    source: str
    target: str
    rows_in: int = 0
    rows_out: int = 0
    rows_left_out: int = 0
    rows_written: int = 0
    bills: int = 0
    sums: Sums = field(default_factory=dict)
    left_out: list[LeftOutRow] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    unused_columns: list[str] = field(default_factory=list)
    first_day: str | None = None
    last_day: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int = 0

    @property
    def sums_in(self) -> dict[str, Decimal]:
        """Return what the rows of the source hold that are in the output, by amount, before rounding."""
        return {name: found.read for name, found in self.sums.items()}

    @property
    def sums_out(self) -> dict[str, Decimal]:
        """Return what the output holds, by amount."""
        return {name: found.written for name, found in self.sums.items()}

    @property
    def money_in(self) -> Decimal:
        """Return all money of the source's rows that are in the output, before rounding."""
        return _total(found.read for name, found in self.sums.items() if is_money(name))

    @property
    def money_out(self) -> Decimal:
        """Return all money of the output."""
        return _total(found.written for name, found in self.sums.items() if is_money(name))

    def leave_out(self, row: LeftOutRow) -> None:
        """Count a row that is left out."""
        self.rows_left_out += 1
        self.reasons[row.code] += 1
        if len(self.left_out) < MOST_KEPT:
            self.left_out.append(row)

    def as_xcom(self) -> dict[str, Any]:
        """
        Return the result as plain JSON under 16 KiB: sums as texts, which keep each cent, those of fifty amounts
        at most, and ten rows that are left out.
        """
        return {
            "source": self.source,
            "file": self.target,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "rows_left_out": self.rows_left_out,
            "rows_written": self.rows_written,
            "bills": self.bills,
            "first_day": self.first_day,
            "last_day": self.last_day,
            "money_in": format(self.money_in, "f"),
            "money_out": format(self.money_out, "f"),
            "sums": {
                name: {
                    "read": format(found.read, "f"),
                    "written": format(found.written, "f"),
                    "rounding": format(found.rounding, "f"),
                    "left_out": format(found.left_out, "f"),
                }
                for name, found in islice(self.sums.items(), _MOST_SUMS)
            },
            "reasons": dict(self.reasons.most_common()),
            "left_out": [
                {
                    "row": row.row,
                    "code": row.code,
                    "column": shown(row.column, _LONGEST),
                    "reason": shown(row.reason, 2 * _LONGEST),
                }
                for row in self.left_out[:_MOST_IN_XCOM]
            ],
            "unused_columns": [shown(name, _LONGEST) for name in self.unused_columns[:_MOST_IN_XCOM]],
        }


def _total(values: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for value in values:
        total = _EXACT.add(total, value)
    return total
