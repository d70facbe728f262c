"""What cannot name a place to write to is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import join_parts, split_file
from eci_provider.reports import write_report
from eci_provider.storage.destination import checked_destination
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
@pytest.mark.parametrize("way", ["split_file", "join_parts", "write_report"])
def test_every_function_that_writes_refuses_what_names_no_place(way: str, place: Any, bills: Path) -> None:
    name, write = {
        "split_file": ("destination", lambda: split_file(bills, place, mapping=MAPPING)),
        "join_parts": ("target", lambda: join_parts([bills], place)),
        "write_report": ("path", lambda: write_report(MIXED, place, "csv")),
    }[way]

    with pytest.raises(EciValidationError, match=rf"^{way}: {name} is .*: must "):
        write()

    assert list(Path.cwd().iterdir()) == []
    assert sorted(entry.name for entry in bills.parent.iterdir()) == ["bills.csv", "work"]


@pytest.mark.parametrize("place", ["out", "out/", ".", "None/out", "/a/{b}", "s3://bucket/{year}", "file:///out"])
def test_other_places_are_returned_as_text(place: str) -> None:
    assert checked_destination(place, name="to", what="a folder", source="test") == place
    assert checked_destination(Path("out"), name="to", what="a folder", source="test") == "out"


def test_a_password_in_a_url_is_not_shown() -> None:
    with pytest.raises(EciValidationError) as caught:
        checked_destination("sftp://me:secret@host/{{ ds }}", name="to", what="a folder", source="test")

    assert "to is 'sftp://me:***@host/{{ ds }}': must name a folder" in str(caught.value)
