"""What was seen of a bill file so far: a bill is compared with all others of it, in whichever file of a ZIP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TypeAlias

from eci_provider.bills.keys import BillKey
from eci_provider.bills.ledger import Ledger
from eci_provider.bills.report import Problem
from eci_provider.bills.rules import RULES

#: How many torn bills are told of one by one.
_MOST_TORN = 10_000
#: How many meters' last periods are known at least.
_MOST_METERS = 30_000
#: A row's place is the number of its file times this, and its number in the file.
_FILE = 2**40
#: A first and a last day, as numbers of days.
Period: TypeAlias = "tuple[int, int]"
#: The period of a meter that ends last, and where that was not the last one to be seen, behind it that, too.
Known: TypeAlias = "tuple[int, int] | tuple[int, int, int, int]"


class Seen:
    """Keep what bills are compared with, in bounded memory."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._files: list[str] = []
        #: What is known of each meter's periods: of those seen lately, and of those seen before these.
        self.periods: dict[int, Known] = {}
        self.older_periods: dict[int, Known] = {}

    def __enter__(self) -> Seen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger.__exit__(kind, error, trace)

    def begin_file(self, name: str) -> None:
        """
        Begin a file: what is noted from now on stands in it.

        :param name: its name.
        """
        self._files.append(name)

    def note_bills(self, keys: Sequence[BillKey], rows: Iterable[int]) -> None:
        """
        Note bills.

        :param keys: the bills.
        :param rows: the row in which each begins.
        """
        ahead = (len(self._files) - 1) * _FILE
        self._ledger.add(keys, map(ahead.__add__, rows))

    def overlapped(self, meter: int, known: Known, period: Period) -> Period | None:
        """
        Note a period of a meter that begins before one of its periods ends, and return which one it overlaps.

        :param meter: a hash of the meter.
        :param known: what is known of its periods.
        :param period: the period.
        :return: the one it overlaps; None where there is none, or the row is another one of that very bill.
        """
        self.periods[meter] = period
        if known == period:
            return None
        latest, last = known[:2], known[2:]
        # Else a long bill would be forgotten with the first one that lies in it.
        if latest[1] > period[1]:
            self.periods[meter] = (*latest, *period)
        if last == period:
            return None
        for other in (last, latest):
            if other and other != period and period[0] < other[1] and other[0] < period[1]:
                return other
        return None

    def forget_old_periods(self) -> None:
        """Keep the periods within bounds."""
        if len(self.periods) >= _MOST_METERS:
            self.older_periods, self.periods = self.periods, {}

    def torn_bills(self) -> Iterator[Problem]:
        """Iterate over the bills that stand in several places, at the end of all files."""
        count, torn = self._ledger.repeated(_MOST_TORN)
        for place, first in torn:
            (file, row), (first_file, first_row) = divmod(place, _FILE), divmod(first, _FILE)
            message = f"It belongs to the bill of row {first_row}, from which other rows part it."
            if file != first_file:
                message = (
                    f"It belongs to the bill of row {first_row} of {self._files[first_file]!r}, another file."
                )
            yield Problem(RULES["bill_torn"], self._files[file], row, None, message)
        if count > len(torn):
            message = (
                f"{count - len(torn):,} further rows belong to bills above them, from which other rows part them."
            )
            # Those told are the first ones: the others stand below them in that file, or in later ones.
            name = self._files[torn[-1][0] // _FILE]
            yield Problem(RULES["bill_torn"], name, None, None, message)
