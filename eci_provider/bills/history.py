"""The bills and periods read so far: each bill is compared with all others, also across the files of a ZIP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from eci_provider.bills.keys import BillKey
from eci_provider.bills.ledger import Ledger
from eci_provider.bills.rebills import repetition_of
from eci_provider.bills.report import Problem
from eci_provider.bills.rules import RULES
from eci_provider.bills.starts import StartModel

#: How many bills that are there twice are reported one by one.
_MOST_REPEATED = 10_000
_MESSAGES = {
    "bill_torn": "It belongs to the bill of {}; other rows lie between.",
    "bill_rebilled": "It replaces the bill of {}: same account, dates and meters.",
    "correction_added": "It is flagged C, so the bill of {}, of the same dates, is kept beside it.",
    "bill_meters_lost": "It replaces the bill of {}, whose other meters are then without a bill.",
}
#: The periods of at least so many meters are kept.
_MOST_METERS = 30_000
#: A place is the number of the file times this, plus the row's number in the file.
_FILE = 2**40
#: A first and a last day, as numbers of days.
Period: TypeAlias = "tuple[int, int]"
#: The key of a bill, the row in which it begins, and the detail of one of its rows.
BillStart: TypeAlias = "tuple[BillKey, int, int]"
#: The period of a meter that ends last, followed by the latest one if that is another.
KnownPeriods: TypeAlias = "tuple[int, int] | tuple[int, int, int, int]"


class BillHistory:
    """The bills and meter periods read so far, in bounded memory. Use it as a context manager."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        #: The starts of the bills once they are imported.
        self.starts = StartModel()
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

    def add_bills(self, bills: Sequence[BillStart], further: Iterable[BillStart]) -> None:
        """
        Add bills.

        :param bills: of each bill the key, the row in which it begins, and the detail of that row, as
            :func:`~eci_provider.bills.rebills.detail_of` returns it.
        :param further: the same with the details of other rows of these bills, or of the last one before.
        """
        offset = (len(self._files) - 1) * _FILE
        keys, rows, details = zip(*bills, strict=True) if bills else ((), (), ())
        others = [(key, offset + row, detail) for key, row, detail in further]
        self._ledger.add(keys, list(map(offset.__add__, rows)), details, others)

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

    def repeated_bills(self) -> Iterator[Problem]:
        """
        Iterate over the bills that are there twice, with other rows between; called once all files are read.

        These are torn bills, whose rows belong together, and rebills, whose rows do not.
        """
        counts, repeated = self._ledger.repeated(_MOST_REPEATED, repetition_of)
        for place, first, code in repeated:
            (file, row), (first_file, first_row) = divmod(place, _FILE), divmod(first, _FILE)
            other = f"row {first_row}"
            if file != first_file:
                other += f" of {self._files[first_file]!r}, another file"
            yield Problem(RULES[code], self._files[file], row, None, _MESSAGES[code].format(other))
            counts[code] -= 1
        for code, count in counts.items():
            if count:
                message = f"{count:,} further rows begin a bill that is above them already."
                # The others are further down in the file of the last reported one, or in later files.
                yield Problem(RULES[code], self._files[repeated[-1][0] // _FILE], None, None, message)
