"""Texts and values of the server are cut, and can be stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.core.text import cut, did_you_mean, printable, shown, storable, with_shown_texts
from tests.support.run_task import as_stored

#: Any JSON, and more than that: what Python reads of a server that sends NaN or halves of pairs.
TEXTS = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\U0001f600\\u"))


@settings(deadline=None, derandomize=True)
@given(TEXTS, st.integers(10, 60))
def test_a_cut_text_is_storable_and_within_its_bound(text: str, most: int) -> None:
    assert len(json.dumps(as_stored(cut(text, most)))) <= max(most, len('"..."'))


@settings(deadline=None, derandomize=True)
@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(), st.lists))
def test_a_storable_value_stays_unchanged(value: Any) -> None:
    try:
        as_stored(value)
    except ValueError:
        return
    assert storable(value) == value


def test_a_name_is_compared_with_others_up_to_a_length() -> None:
    assert did_you_mean("accont_code", ["account_code", "meter_code"]) == "Did you mean account_code? "
    assert did_you_mean("a" * 300, ["a" * 299]) != ""
    assert did_you_mean("a" * 301, ["a" * 300]) == ""


@settings(deadline=None, derandomize=True)
@given(TEXTS, st.integers(10, 60))
def test_a_shown_text_is_one_printable_line_within_its_bound(text: str, most: int) -> None:
    found = shown(text, most)
    assert found.isprintable()
    assert len(json.dumps(as_stored(found))) <= max(most, len('"..."'))
    assert shown(found, most) == found


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("B\r\n[2026-01-05] INFO - done", "B\\r\\n[2026-01-05] INFO - done"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("A\u202ecod.\u2066exe", "A\\u202ecod.\\u2066exe"),
        ("A\u200b\ufeff\u2028-1", "A\\u200b\\ufeff\\u2028-1"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("NUL \x00, half \ud83d", "NUL \ufffd, half \ufffd"),
        ("Zähler 12 \u2013 größer \U0001f600", "Zähler 12 \u2013 größer \U0001f600"),
        ("spelled \\n out", "spelled \\n out"),
    ],
)
def test_what_no_reader_sees_is_made_visible(text: str, visible: str) -> None:
    assert shown(text) == visible


def test_nothing_stays_nothing() -> None:
    assert shown(None) is None
    assert shown("") == ""


def test_the_texts_of_a_whole_value_are_shown_its_names_too() -> None:
    value = {"a\nb": ["\x1b[1m", {"c": "x" * 2000, "d": 2**70, "e": 1.5}], "f": None}
    found = with_shown_texts(value)
    assert found == {"a\\nb": ["\\x1b[1m", {"c": found["a\\nb"][1]["c"], "d": None, "e": 1.5}], "f": None}
    assert len(found["a\\nb"][1]["c"]) < 1000


def test_characters_that_are_to_stay_stay() -> None:
    assert printable("a\tb\nc\x1bd", keep="\t\n") == "a\tb\nc\\x1bd"
