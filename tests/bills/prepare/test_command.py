"""The command ``prepare``: what it prints, and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.bills.__main__ import main

RECIPE = "dates: yyyymmdd\naccount_code: 1\nstart_date: 2\nend_date: 3\namounts:\n  COST:USD:Gas: 4\n"
ROWS = "Account,From,To,Charges,Note\nA-1,20260101,20260131,12.505,n\n"


def _run(folder: Path, rows: str, recipe: str = RECIPE) -> int:
    (folder / "recipe.yml").write_text(recipe)
    (folder / "vendor.csv").write_text(rows)
    return main(["prepare", f"{folder}/vendor.csv", "--recipe", f"{folder}/recipe.yml", "--to", f"{folder}/b.csv"])


def test_it_prints_sums_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, ROWS) == 0

    assert capsys.readouterr().out.splitlines() == [
        "COST:USD:Gas: read 12.505, written 12.51, rounding took -0.005",
        "Columns that are not read: Note",
        f"{tmp_path}/b.csv: 1 rows in, 1 out, 0 left out; 1 rows of 1 bills, 2026-01-01 to 2026-01-31",
    ]


def test_rows_that_cannot_be_read_and_are_left_out_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path, ROWS + "A-2,20260101,,5,\n", f"{RECIPE}unreadable_rows: leave_out\n") == 1

    assert "vendor.csv, row 3, column '3': its end date is empty. (date_missing)\n" in capsys.readouterr().out


def test_nothing_is_written_where_a_row_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, ROWS + "A-2,20260101,,5,\n") == 2

    assert "Nothing was written. Bill file 'vendor.csv': 1 of its rows cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "b.csv").exists()
