"""Codes that spreadsheet programs and joined files have changed are found, and other codes are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bill_files import HEADER, MAPPING, check_content, problems_in, row, text


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("1.23457E+11", "code_scientific"),
        ("4E+15", "code_scientific"),
        ("12E5", None),
        ("E+5", None),
        ("3/12/2025", "code_date"),
        ("2025-03-12", "code_date"),
        ("2025-03-12 00:00:00", "code_date"),
        ("12-Mar", "code_date"),
        ("Mar-25", "code_date"),
        ("2025-03", None),
        ("12-34-56", None),
        ("10.0 - BLD 09", None),
        ("1001.0", "code_decimal"),
        ("1001.5", None),
        ("1234567890123450", "code_rounded"),
        ("1234567890123456000", None),
        ("1234567890123000000", "code_rounded"),
        ("0000000000001000", None),
        ("987654321098765038", None),
        (str(int(987654321098765e3)), "code_rounded"),
        (str(int(1.23456789012347e22)), "code_rounded"),
        ("1234567890123456", None),
        ("10\u200b01", "code_hidden_character"),
        ("10\u00a001", "code_hidden_character"),
        (" Zürich ", None),
    ],
)
@pytest.mark.parametrize("column", ["account", "meter", "vendor"])
def test_a_changed_code_is_found(code: str, rule: str | None, column: str, tmp_path: Path) -> None:
    report = check_content(tmp_path, text(row(**{column: code})))

    assert problems_in(report) == ([] if rule is None else [(rule, 2, column.capitalize())])


def test_the_mark_of_a_joined_file_is_found(tmp_path: Path) -> None:
    content = "\ufeff" + text(row()) + "\ufeff" + text(header=row(account="1002"))

    assert problems_in(check_content(tmp_path, content)) == [("code_hidden_character", 3, "Account")]


def test_the_mark_is_found_where_the_first_column_is_no_code(tmp_path: Path) -> None:
    mapping = {**MAPPING, "accountCodeColumnIndex": 8, "billNoteColumnIndex": None}
    content = text(row(), row(account="\ufeffx", note="2"))

    assert problems_in(check_content(tmp_path, content, mapping=mapping))[-1] == (
        "code_hidden_character",
        3,
        HEADER[0],
    )


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        ("12", "account_zeros_lost", "'0012' is."),
        ("000012", "account_zeros_lost", "'0012' is."),
        ("ab 1234567", "account_unknown", "Did you mean 'AB-1234567'?"),
        ("AB-1234576", "account_unknown", "Did you mean 'AB-1234567'?"),
        ("9999", "account_unknown", "accounts given."),
    ],
)
def test_an_unknown_account_has_the_nearest_known_one(code: str, rule: str, words: str, tmp_path: Path) -> None:
    (problem,) = check_content(tmp_path, text(row(account=code)), accounts=["0012", "AB-1234567", "70"])

    assert problem.rule.code == rule
    assert problem.message.endswith(words)
