"""The page on the architecture shows the floors as they are checked, and the calls as they happen."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
HOPS: list[tuple[str, str]] = re.findall(r"^\| `([\w.]+): ([\w.]+)` \|", PAGE, re.MULTILINE)


def _function(module: str, name: str) -> Any:
    return reduce(getattr, name.split("."), import_module(f"eci_provider.{module}"))


@pytest.mark.parametrize(("module", "name"), HOPS)
def test_every_function_on_the_way_of_a_bill_file_exists(module: str, name: str) -> None:
    assert callable(_function(module, name))


@contextmanager
def _calls(codes: dict[Any, tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Record the calls of these functions, in any thread."""
    calls: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in codes:
            calls.append(codes[frame.f_code])

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_a_bill_file_takes_the_described_way(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> None:
    sandbox.settings.delay = 30
    sandbox.add_account("A-1")
    functions = {hop: _function(*hop) for hop in HOPS}
    codes = {getattr(function, "__wrapped__", function).__code__: hop for hop, function in functions.items()}

    with _calls(codes) as calls:
        path = str(bill_file(tmp_path, "A-1", "A-2"))
        task = ImportBillsOperator(task_id="import_bills", file=path, on_kickouts="warn", deferrable=True)
        end = run(task)

    assert end.state == "success", end.error
    later = iter(calls)
    assert [hop for hop in HOPS if hop not in later] == []  # each is called after the one before it


def test_the_picture_shows_the_floors_that_are_checked() -> None:
    picture = (ROOT / "docs" / "images" / "rooms.svg").read_text()
    boxes = re.findall(r'<text class="room" x="\d+" y="(\d+)">(\w+)</text>', picture)
    contract = (
        (ROOT / "pyproject.toml").read_text().split('id = "floors"')[1].split("layers = [")[1].split("]\n")[0]
    )
    floors = [set(re.findall(r"\w+", floor)) for floor in re.findall(r'^    "(.+)",$', contract, re.MULTILINE)]

    rooms = [box for box in boxes if box[1] not in ("sandbox", "EnergyCAP")]
    drawn = [{name for y, name in rooms if y == height} for height in sorted({y for y, _ in rooms}, key=int)]

    assert drawn == [floor - {"get_provider_info", "sandbox"} for floor in floors]
