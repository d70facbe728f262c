"""The starts that EnergyCAP moves: one on the day after a bill's end becomes that end (notes on version 3.5.1)."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from eci_provider.bills.rebills import is_corrected

#: The rule's code, and a sentence.
StartFault: TypeAlias = "tuple[str, str]"
_Ends: TypeAlias = "dict[int, int | tuple[int, ...]]"
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
        # Of each account, by the ends of its bills: twice the start in the file, plus 1 where it is moved; tuples
        # of these where bills end together. Of recent accounts, and of those before them.
        self._accounts: dict[str, _Ends] = {}
        self._older: dict[str, _Ends] = {}
        self._known = 0
        self._account = ""
        self._ends: _Ends = {}

    def add(self, account: str, period: tuple[int, int], label: int) -> StartFault | None:
        """
        Add a bill that the importer takes.

        :param account: its account.
        :param period: its first and its last day in the file, as numbers of days.
        :param label: the label of its first row; flagged C it replaces no other bill.
        :return: the fault of a bill that meets another one once its start is moved, or that may meet it.
        """
        start, end = period
        if account != self._account:
            self._begin(account)
        ends = self._ends
        own = 2 * start
        if start - 1 in ends:
            own += 1
            self.moved += 1
        if end not in ends:
            ends[end] = own
            self._known += 1
            return None
        found = ends[end]
        known = found if isinstance(found, tuple) else (found,)
        ends[end] = (*(other for other in known if other != own), own)[-_MOST_BILLS:]
        if is_corrected(label):
            return None
        return next((fault for other in known if (fault := self._fault(own, other, end))), None)

    def _begin(self, account: str) -> None:
        """Go on with another account, and keep the number of bills bounded."""
        if self._known >= _MOST_ENDS:
            self._older, self._accounts, self._known = self._accounts, {}, 0
        self._account = account
        self._ends = self._accounts.get(account) or self._older.get(account) or {}
        self._accounts[account] = self._ends

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
