"""Filters: what is built can be read back, and what cannot be quoted is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci_provider.api import EciClient, where
from eci_provider.api.errors import EciValidationError
from eci_provider.api.filters import Filter
from eci_provider.sandbox import Sandbox

SINGLE = ("equals", "not equals", "less than", "greater than", "less than equal", "greater than equal")
LIKE = ("like", "not like")
MANY = ("one of", "not one of")
RANGE = ("between", "not between")
DAYS = (
    *("today", "yesterday", "current month"),
    *("last 7 days", "last 14 days", "last 30 days", "last 60 days", "last 90 days"),
)
OPERATORS = (*SINGLE, *LIKE, *MANY, *RANGE, *DAYS)


def parsed(text: str) -> list[tuple[str, str, list[str]]]:
    """
    Read a filter as the documentation describes it, independently of how it was built.

    Between quotes everything is value; outside of them there are names, operators, ``|`` and ``and``.
    """
    conditions: list[tuple[str, str, list[str]]] = []
    at = 0
    while at < len(text):
        quote = text.find("'", at)
        end = quote if quote >= 0 else len(text)
        name, operator = text[at:end].strip().removeprefix("and ").split(" ", 1)
        values = []
        at = end
        while text[at : at + 1] == "'":
            closing = text.index("'", at + 1)
            values.append(text[at + 1 : closing])
            at = closing + 1
            if text[at : at + 1] == "|":
                at += 1
        conditions.append((name, operator, values))
    return conditions


def as_text(value: Any) -> str:
    """Return a value as it must be between the quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


VALUES = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(timezone.utc)),
    st.none(),
    st.binary(),
    st.lists(st.text()),
    st.just(timedelta(1)),
)


@given(operator=st.sampled_from(OPERATORS), values=st.lists(VALUES, max_size=5))
def test_any_values_are_refused_or_read_back_as_they_are(operator: str, values: list[Any]) -> None:
    try:
        text = str(where("someField", operator, *values))
    except EciValidationError:
        return
    assert all(isinstance(value, (str, int, float, date)) for value in values)
    assert parsed(text) == [("someField", operator, [as_text(value) for value in values])]
    text.encode()


@given(st.lists(st.text(st.characters(exclude_characters="'|", exclude_categories=("Cc", "Cs"))), min_size=1))
def test_every_text_without_quote_bar_or_control_is_taken(values: list[str]) -> None:
    text = str(where("f", "one of", *values) & where("g", "equals", values[0]))
    assert parsed(text) == [("f", "one of", values), ("g", "equals", values[:1])]


@given(st.text(), st.sampled_from("'|\n\r\t\x00\x7f\ud800"), st.text())
def test_what_cannot_be_quoted_is_refused(before: str, bad: str, after: str) -> None:
    with pytest.raises(EciValidationError, match="cannot be quoted in a filter"):
        where("batchCode", "equals", before + bad + after)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (("batchCode", "equals", "2026-03"), "batchCode equals '2026-03'"),
        (("accountId", "one of", 1234, 1000), "accountId one of '1234'|'1000'"),
        (("totalCost", "between", 100, 200.5), "totalCost between '100'|'200.5'"),
        (("isOpen", "equals", True), "isOpen equals 'true'"),
        (("hasImportsWithKickout", "equals", False), "hasImportsWithKickout equals 'false'"),
        (("note", "like", ""), "note like ''"),
        (("beginDate", "greater than", date(2026, 3, 30)), "beginDate greater than '2026-03-30'"),
        (
            ("beginDate", "less than equal", datetime(2026, 3, 30, 8, tzinfo=timezone.utc)),
            "beginDate less than equal '2026-03-30T08:00:00+00:00'",
        ),
        (("beginDate", "last 7 days"), "beginDate last 7 days"),
    ],
)
def test_a_condition_reads_as_documented(condition: tuple[Any, ...], text: str) -> None:
    assert str(where(*condition)) == text


def test_conditions_are_joined_by_and() -> None:
    both = where("a", "equals", 1) & where("b", "today") & where("c", "like", "x")
    assert str(both) == "a equals '1' and b today and c like 'x'"
    assert both == Filter("a equals '1' and b today and c like 'x'")
    assert both != str(both)
    assert len({both, Filter(str(both))}) == 1
    assert repr(where("b", "today")) == "Filter('b today')"


@pytest.mark.parametrize(
    ("operator", "fewest", "most"),
    [
        *[(operator, 1, 1) for operator in (*SINGLE, *LIKE)],
        *[(operator, 1, 1000) for operator in MANY],
        *[(operator, 2, 2) for operator in RANGE],
        *[(operator, 0, 0) for operator in DAYS],
    ],
)
def test_the_number_of_values_is_bounded_by_the_operator(operator: str, fewest: int, most: int) -> None:
    where("f", operator, *["x"] * fewest)
    where("f", operator, *["x"] * most)
    for count in {fewest - 1, most + 1} - {-1}:
        bound = fewest if fewest == most else f"{fewest} to {most}"
        expected = re.escape(f"filter on 'f': operator {operator!r} takes {bound} values, not {count}")
        with pytest.raises(EciValidationError, match=f"^{expected}$"):
            where("f", operator, *["x"] * count)


@pytest.mark.parametrize("operator", ["=", "Equals", "is", "equals ", "", "last 8 days"])
def test_an_unknown_operator_is_refused_with_all_there_are(operator: str) -> None:
    with pytest.raises(EciValidationError) as caught:
        where("f", operator, "x")
    assert caught.value.message.startswith(f"filter on 'f': operator is {operator!r}: must be one of equals, ")
    assert all(known in caught.value.message for known in OPERATORS)


@pytest.mark.parametrize("field", ["", "a b", "a'", "a.b", "1a", "a\n", "é"])
def test_a_field_is_a_name(field: str) -> None:
    with pytest.raises(EciValidationError, match="must be a name of letters and digits"):
        where(field, "equals", "x")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), b"x", ["x"], {"a": 1}])
def test_a_value_is_a_text_number_truth_or_date(
    value: Any, client: EciClient, refusal: Callable[..., str]
) -> None:
    expected = f"value is {value!r}: must be a text, a finite number, a boolean or a date"
    assert refusal(where, "f", "equals", value) == f"filter on 'f': {expected}"


def test_the_sandbox_finds_what_the_filter_names(eci_sandbox: Sandbox, client: EciClient) -> None:
    codes = ["2026-03", "März & Söhne?", "100% #1", "a+b=c;d", "  blank  "]
    for code in codes:
        client.batches.open(code)
    for code in codes:
        assert [batch.batch_code for batch in client.batches.list(where("batchCode", "equals", code))] == [code]
    several = where("batchCode", "one of", *codes[:2]) & where("billCount", "between", 0, 5)
    assert [batch.batch_code for batch in client.batches.list(several)] == codes[:2]
    assert len(list(client.batches.list(where("startDate", "last 7 days")))) == len(codes)


def test_a_filter_may_be_given_as_text(eci_sandbox: Sandbox, client: EciClient) -> None:
    assert list(client.batches.list("batchCode equals 'A'")) == []
    assert eci_sandbox.requests[0].query["filter"] == "batchCode equals 'A'"
