"""Parts of the demo that a whole run does not show."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dev.demo import analyst
from dev.demo.bills import Bills
from dev.demo.one_run import sandbox_for
from dev.demo.story import Story
from dev.demo.table import result
from dev.support.errors import ToolError
from dev.support.screen import Screen


def test_few_accounts_are_missing_at_first_and_none_after_the_correction() -> None:
    bills = Bills.read()
    known, corrections = bills.known_at_first(), bills.corrections()
    assert len(bills.meters) / 2 < len(known) < len(bills.meters)
    assert known != bills.meters
    assert known | corrections == bills.meters


def test_the_analyst_says_when_there_is_nothing_to_correct(tmp_path: Path) -> None:
    bills = Bills.read()
    with sandbox_for(bills) as sandbox:
        (tmp_path / analyst.ADDRESS_FILE).write_text(sandbox.url)
        with pytest.raises(ToolError, match="No import waits"):
            analyst.correct_running(tmp_path)
    with pytest.raises(ToolError, match="not running"):
        analyst.correct_running(tmp_path)


def test_a_result_that_differs_from_the_file_is_wrong() -> None:
    bills = Bills(rows=1, charges=Decimal("1.00"), meters={})
    with sandbox_for(bills) as sandbox:
        assert "0 batches" in result(sandbox, bills).wrong


def test_a_story_without_events_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox_for(Bills.read()) as sandbox:
        assert Story(sandbox, Screen()).update("idle") is None
    assert capsys.readouterr().out == ""
