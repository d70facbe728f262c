"""The starts that EnergyCAP moves: one on the day after a bill's end becomes that end (notes on version 3.5.1)."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

#: The rule's code, and a sentence.
StartFault: TypeAlias = "tuple[str, str]"
#: The bills of so many ends are kept at least.
_MOST_ENDS = 16_384
#: How many bills of one account and one end are compared.
_MOST_BILLS = 8


class StartModel:
    """
    The starts that bills have once they are imported, in the order of the file.

    It knows the bills of the file only: those in EnergyCAP may move further starts.
    """

    def __init__(self) -> None:
        #: How many starts were moved.
        self.moved = 0
        # By the hash of an account and an end: twice the start in the file, plus 1 where it is moved; of recent
        # bills, and of those before them. Plain numbers, since there are many.
        self._bills: dict[int, tuple[int, ...]] = {}
        self._older: dict[int, tuple[int, ...]] = {}

    def add(self, account: str, start: int, end: int, *, is_corrected: bool) -> StartFault | None:
        """
        Add a bill that the importer takes.

        :param account: its account.
        :param start: its first day in the file, as a number of days.
        :param end: its last day, likewise.
        :param is_corrected: whether it is flagged C, so that no other bill is replaced.
        :return: the fault of a bill that meets another one once its start is moved, or that may meet it.
        """
        bills, older = self._bills, self._older
        before = hash((account, start - 1))
        is_moved = before in bills or before in older
        own = 2 * start + is_moved
        self.moved += is_moved
        key = hash((account, end))
        known = bills.get(key) or older.get(key)
        if known is None:
            bills[key] = (own,)
            if len(bills) >= _MOST_ENDS:
                self._older, self._bills = bills, {}
            return None
        bills[key] = (*(other for other in known if other != own), own)[-_MOST_BILLS:]
        if is_corrected:
            return None
        return next((fault for other in known if (fault := self._fault(own, other, end))), None)

    def _fault(self, own: int, other: int, end: int) -> StartFault | None:
        start, other_start = own // 2, other // 2
        if abs(start - other_start) != 1:
            return None
        shown, other_shown, end_shown = (date.fromordinal(day).isoformat() for day in (start, other_start, end))
        # EnergyCAP looks for bills with the start of the file, and with the moved one.
        if other_start - other % 2 in (start, start - own % 2):
            message = (
                f"EnergyCAP moves starts: its start {shown} meets the bill from {other_shown} to {end_shown}."
            )
            return "start_meets_bill", message
        message = f"Another bill of the account is from {other_shown} to {end_shown}."
        return "start_may_meet_bill", message
