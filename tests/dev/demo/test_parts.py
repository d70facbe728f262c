"""Parts of the demo that a whole run does not show."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dev.demo import analyst
from dev.demo.bills import FILE, NEW_BUILDINGS, NEW_METERS, Bills
from dev.demo.one_run import sandbox_for
from dev.demo.story import Story
from dev.demo.table import result
from dev.demo.ui import HOME, instructions
from dev.support.errors import ToolError
from dev.support.paths import EXAMPLES
from dev.support.screen import Screen
from eci_provider.api import EciClient
from eci_provider.example_dags.eci_bill_import import COLUMNS
from eci_provider.sandbox import Sandbox

REVIEWED = EXAMPLES / "data" / "new_buildings.csv"


def test_few_accounts_are_missing_at_first() -> None:
    bills = Bills.read()
    known = bills.known_at_first()
    assert len(bills.meters) / 2 < len(known) < len(bills.meters)


def _import(sandbox: Sandbox, file: Path) -> str:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        if not sandbox.profiles():
            client.import_profiles.create("NYCHA", COLUMNS)
        return client.bill_imports.submit(file, profile_code="NYCHA")


def test_the_analyst_corrects_what_each_import_names_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bills, reviewed = Bills.read(), Bills.read(REVIEWED)
    with sandbox_for(bills) as sandbox:
        sandbox.settings.delay = 0
        (tmp_path / analyst.ADDRESS_FILE).write_text(sandbox.url)
        first = _import(sandbox, FILE)

        analyst.correct_running(tmp_path)

        meters = {account["code"]: {m["code"] for m in account["meters"]} for account in sandbox.accounts()}
        assert meters == {building: set(known) for building, known in bills.meters.items()}
        said = capsys.readouterr().out
        assert [name for name in (*NEW_BUILDINGS, *NEW_METERS.values()) if name not in said] == []
        # The other example's buildings are still missing, so that it still asks.
        second, third = _import(sandbox, REVIEWED), _import(sandbox, REVIEWED)
        assert {task["task_guid"] for task in analyst.needed(sandbox.url).imports} == {second, third}
        assert len(sandbox.kickouts(second)) == 4
        analyst.correct_running(tmp_path)
        assert "The note of 2 imports now says" in capsys.readouterr().out
        with EciClient(sandbox.url, sandbox.api_key) as client:
            retries = [client.bill_imports.retry_kickouts(guid) for guid in (first, second)]
        assert [len(sandbox.kickouts(guid)) for guid in retries] == [0, 0]
        assert set(reviewed.meters) <= {account["code"] for account in sandbox.accounts()}


def test_the_analyst_says_when_there_is_nothing_to_correct(tmp_path: Path) -> None:
    bills = Bills.read()
    with sandbox_for(bills) as sandbox:
        (tmp_path / analyst.ADDRESS_FILE).write_text(sandbox.url)
        with pytest.raises(ToolError, match="No import waits"):
            analyst.correct_running(tmp_path)
    with pytest.raises(ToolError, match="not running"):
        analyst.correct_running(tmp_path)


def test_the_visitor_is_led_to_each_example(tmp_path: Path) -> None:
    text = "\n".join(instructions("http://127.0.0.1:1", "secret", "http://127.0.0.1:2", HOME))
    assert [path.stem for path in EXAMPLES.glob("eci_*.py") if path.stem not in text] == []
    assert "make correct" in text
    # For another home, the command names it.
    text = "\n".join(instructions("http://127.0.0.1:1", "secret", "http://127.0.0.1:2", tmp_path))
    assert f"--correct --home {tmp_path}" in text


def test_a_result_that_differs_from_the_file_is_wrong() -> None:
    bills = Bills(rows=1, charges=Decimal("1.00"), meters={})
    with sandbox_for(bills) as sandbox:
        assert "0 batches" in result(sandbox, bills).wrong


def test_a_story_without_events_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox_for(Bills.read()) as sandbox:
        assert Story(sandbox, Screen()).update("idle") is None
    assert capsys.readouterr().out == ""
