"""The period of a bill by itself: too long, too short, in the future, or with day and month exchanged."""

from __future__ import annotations

from datetime import date, timedelta

from eci_provider.core import clock

#: The shortest period that needs no look, in days.
SHORTEST = 2
#: How many days a period of a bill usually has, for dates whose day and month may be exchanged.
_USUAL = range(20, 63)
#: The formats that may be confused; the others name the month.
_NUMERIC = ("mm/dd/yyyy", "dd/mm/yyyy", "yyyymmdd")


class PeriodCheck:
    """
    The check of periods.

    :param longest: the longest usual period, in days.
    :param date_format: the format of the dates.
    """

    def __init__(self, longest: int, date_format: str) -> None:
        self._longest = longest
        self._may_be_exchanged = date_format in _NUMERIC
        #: The last day on which a bill may end, as a number of days: somewhere it is tomorrow already.
        self.last_day = (clock.utc_now().date() + timedelta(days=1)).toordinal()

    def faults(self, start: int, end: int) -> list[tuple[str, str]]:
        """
        Return what is wrong with a period: rules and sentences.

        :param start: its first day, as a number of days.
        :param end: its last day.
        """
        days = end - start
        found = []
        first, last = (date.fromordinal(day).isoformat() for day in (start, end))
        if days < 0:
            found.append(("end_before_start", f"The end {last} is before the start {first}."))
        elif days < SHORTEST:
            found.append(("period_short", f"The period is from {first} to {last}, {days} days."))
        elif days > self._longest:
            message = f"The period is {days} days long, more than {self._longest}."
            found.append(("period_long", message))
        if end > self.last_day:
            found.append(("period_future", f"The end {last} is in the future."))
        if exchanged := self._exchanged(start, end):
            first, last = (day.isoformat() for day in exchanged)
            message = f"With day and month exchanged it is from {first} to {last}."
            found.append(("date_swapped", message))
        return found

    def _exchanged(self, start: int, end: int) -> tuple[date, date] | None:
        """Return the usual period that an unusual one becomes with day and month exchanged, in both or in one."""
        if not self._may_be_exchanged:
            return None
        first, last = date.fromordinal(start), date.fromordinal(end)
        other_first, other_last = _exchange(first), _exchange(last)
        for new_first, new_last in ((other_first, other_last), (other_first, last), (first, other_last)):
            if (
                new_first is not None
                and new_last is not None
                and (new_first, new_last) != (first, last)
                and (new_last - new_first).days in _USUAL
                and new_last.toordinal() <= self.last_day
            ):
                return new_first, new_last
        return None


def _exchange(day: date) -> date | None:
    return day.replace(month=day.day, day=day.month) if day.day <= 12 else None
