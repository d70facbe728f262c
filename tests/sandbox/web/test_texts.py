"""Texts on a page."""

from __future__ import annotations

import pytest

from eci_provider.sandbox.web import texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.2 s"),
        (3.0, "3 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_duration(seconds, text):
    assert texts.duration(seconds) == text


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,204.50", "", " -3 ", "$5.00", "12%", "(7)"], True),
        (["10/23/2013"], False),
        (["2.0 - BLD 08", "1"], False),
        (["", " "], False),
        ([], False),
    ],
)
def test_columns_of_numbers(cells, numbers):
    assert texts.are_numbers(cells) is numbers


def test_a_short_key_is_no_secret():
    with texts.hiding(["sandbox", "longer-key"]):
        assert texts.shown("sandbox longer-key") == f"sandbox {texts.MASK}"
    assert texts.shown("longer-key") == "longer-key"


def test_a_field_as_words():
    assert texts.spelled("accountPeriodNumber") == "Account period number"
