"""Texts and values of the server are cut, and can be stored."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eci_provider.core.text import cut, did_you_mean, storable
from tests.support.run_task import as_stored

#: Any JSON, and more than that: what Python reads of a server that sends NaN or halves of pairs.
TEXTS = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\U0001f600\\u"))


@given(TEXTS, st.integers(10, 60))
def test_a_cut_text_is_storable_and_within_its_bound(text: str, most: int) -> None:
    assert len(json.dumps(as_stored(cut(text, most)))) <= max(most, len('"..."'))


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
