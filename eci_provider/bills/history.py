"""The bills and periods read so far: each bill is compared with all others, also across the files of a ZIP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from eci_provider.bills.keys import BillKey
from eci_provider.bills.ledger import Ledger
from eci_provider.bills.report import Problem
from eci_provider.bills.rules import RULES

#: How many torn bills are reported one by one.
_MOST_TORN = 10_000
#: The periods of at least so many meters are kept.
_MOST_METERS = 30_000
#: A place is the number of the file times this, plus the row's number in the file.
_FILE = 2**40
#: A first and a last day, as numbers of days.
Period: TypeAlias = "tuple[int, int]"
#: The period of a meter that ends last, followed by the latest one if that is another.
KnownPeriods: TypeAlias = "tuple[int, int] | tuple[int, int, int, int]"


class BillHistory:
    """The bills and meter periods read so far, in bounded memory. Use it as a context manager."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._files: list[str] = []
        #: The known periods by the hash of their meter: of recent meters, and of those before them.
        self.periods: dict[int, KnownPeriods] = {}
        self.older_periods: dict[int, KnownPeriods] = {}

    def __enter__(self) -> BillHistory:
        return self

    def __exit__(self, *error: object) -> None:
        self._ledger.__exit__(*error)

    def begin_file(self, name: str) -> None:
        """
        Begin a file: all bills added from now on belong to it.

        :param name: its name.
        """
        self._files.append(name)

    def add_bills(self, keys: Sequence[BillKey], rows: Iterable[int]) -> None:
        """
        Add bills.

        :param keys: the key of each bill.
        :param rows: the row in which each begins.
        """
        offset = (len(self._files) - 1) * _FILE
        self._ledger.add(keys, map(offset.__add__, rows))

    def add_overlapping_period(self, meter: int, known: KnownPeriods, period: Period) -> Period | None:
        """
        Add a period of a meter that begins before a known one ends.

        :param meter: the hash of the meter.
        :param known: its known periods.
        :param period: the period.
        :return: the known period that it overlaps; None where the row belongs to a bill of a known period.
        """
        self.periods[meter] = period
        if known == period:
            return None
        longest, latest = known[:2], known[2:]
        # Otherwise a long bill would be forgotten at the first bill within it.
        if longest[1] > period[1]:
            self.periods[meter] = (*longest, *period)
        if latest == period:
            return None
        for other in (latest, longest):
            if other and other != period and period[0] < other[1] and other[0] < period[1]:
                return other
        return None

    def forget_old_periods(self) -> None:
        """Keep the number of periods bounded."""
        if len(self.periods) >= _MOST_METERS:
            self.older_periods, self.periods = self.periods, {}

    def torn_bills(self) -> Iterator[Problem]:
        """Iterate over the bills whose rows are not together; called once all files are read."""
        count, torn = self._ledger.repeated(_MOST_TORN)
        for place, first in torn:
            (file, row), (first_file, first_row) = divmod(place, _FILE), divmod(first, _FILE)
            message = f"It belongs to the bill of row {first_row}; other rows lie between."
            if file != first_file:
                message = (
                    f"It belongs to the bill of row {first_row} of {self._files[first_file]!r}, another file."
                )
            yield Problem(RULES["bill_torn"], self._files[file], row, None, message)
        if count > len(torn):
            message = f"{count - len(torn):,} further rows belong to bills above them; other rows lie between."
            # The others are further down in the file of the last reported one, or in later files.
            name = self._files[torn[-1][0] // _FILE]
            yield Problem(RULES["bill_torn"], name, None, None, message)
