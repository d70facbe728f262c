"""What cannot name a place to write to is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import join_parts, split_file
from eci_provider.reports import write_report
from eci_provider.storage.atomic import atomic_write
from tests.support.bill_files import MAPPING, row, text
from tests.support.report_rows import MIXED

NO_PLACES = [
    None,
    "",
    " ",
    "\t\n",
    "None",
    " None ",
    "a\0b",
    "{{ ds }}",
    "out/{% if x %}",
    "{# x #}",
    5,
    b"x",
    ["x"],
]


@pytest.fixture
def bills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bill file beside an empty working directory."""
    file = tmp_path / "bills.csv"
    file.write_text(text(row()))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return file


@pytest.mark.parametrize("place", NO_PLACES)
@pytest.mark.parametrize("way", ["split_file", "join_parts", "write_report", "atomic_write"])
def test_every_function_that_writes_refuses_what_names_no_place(way: str, place: Any, bills: Path) -> None:
    name, write = {
        "split_file": ("destination", lambda: split_file(bills, place, mapping=MAPPING)),
        "join_parts": ("target", lambda: join_parts([bills], place)),
        "write_report": ("path", lambda: write_report(MIXED, place, "csv")),
        "atomic_write": ("destination", lambda: atomic_write(place).__enter__()),
    }[way]

    with pytest.raises(EciValidationError, match=rf"^{way}: {name} is .*: must "):
        write()

    assert list(Path.cwd().iterdir()) == []
    assert sorted(entry.name for entry in bills.parent.iterdir()) == ["bills.csv", "work"]
