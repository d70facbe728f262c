"""A period that is unusual by itself is found, and usual ones are left alone."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from eci_provider.core import clock
from tests.support.bill_files import MAPPING, check_content, problems_in, row, text

EUROPEAN = {**MAPPING, "dateFormat": "dd/mm/yyyy"}
WORDS = {**MAPPING, "dateFormat": "Month dd yyyy"}


@pytest.mark.parametrize(
    ("start", "end", "mapping", "rules"),
    [
        ("01/01/2025", "01/01/2025", MAPPING, ["period_short"]),
        ("01/30/2025", "01/31/2025", MAPPING, ["period_short"]),
        ("01/29/2025", "01/31/2025", MAPPING, []),
        # The first of February to the first of March, read as two days in January.
        ("01/02/2025", "01/03/2025", MAPPING, ["period_short", "date_swapped"]),
        ("13/03/2025", "14/03/2025", EUROPEAN, ["period_short"]),
        ("02/01/2025", "03/01/2025", EUROPEAN, ["period_short", "date_swapped"]),
        ("05/01/2025", "06/02/2025", MAPPING, []),
        # One of the two is exchanged.
        ("01/02/2025", "02/28/2025", MAPPING, []),
        ("03/02/2024", "03/28/2025", MAPPING, ["period_long"]),
        ("12/05/2025", "06/08/2025", MAPPING, ["end_before_start", "date_swapped"]),
        ("January 2 2025", "January 3 2025", WORDS, ["period_short"]),
    ],
)
def test_an_unusual_period(
    start: str, end: str, mapping: dict[str, object], rules: list[str], tmp_path: Path
) -> None:
    report = check_content(tmp_path, text(row(start=start, end=end)), mapping=mapping)

    assert problems_in(report) == [(rule, 2, "End") for rule in rules]


def test_a_bill_of_the_future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2025, 1, 30, 23, tzinfo=timezone.utc))
    rows = [row(), row(account="2", start="01/05/2025", end="02/01/2025")]

    assert problems_in(check_content(tmp_path, text(*rows))) == [("period_future", 3, "End")]


def test_a_month_of_a_meter_is_missing(tmp_path: Path) -> None:
    march = row(start="03/01/2025", end="03/31/2025")
    other = row(start="02/21/2025", end="03/21/2025", meter="M2", account="2")

    assert problems_in(check_content(tmp_path, text(row(), march))) == [("period_missing", 3, "Start")]
    assert (
        problems_in(check_content(tmp_path, text(row(), row(start="02/20/2025", end="03/20/2025"), other))) == []
    )
