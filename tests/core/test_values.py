"""Each kind of value is read by one reader, whoever made the value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eci_provider.core.values import as_iso_date, as_seconds, as_switch, as_text, as_whole_number
from tests.support import values

READERS = {as_text: "a text", as_whole_number: "a whole number", as_switch: "True or False", as_seconds: "seconds"}


def kind_of(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


@pytest.mark.parametrize(
    ("read", "value", "substance"),
    [
        *[(as_text, *each) for each in values.TEXTS],
        *[(as_whole_number, *each) for each in values.WHOLE_NUMBERS],
        *[(as_switch, *each) for each in values.SWITCHES],
        *[(as_seconds, *each) for each in values.SPANS],
        *[(as_iso_date, *each) for each in values.DATES],
    ],
    ids=kind_of,
)
def test_it_is_read_as_one_of_pythons_own(read: Any, value: Any, substance: Any) -> None:
    found = read(value)

    assert found == substance
    assert type(found) is type(substance)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("value", values.FOREIGN, ids=kind_of)
def test_what_is_of_no_kind_is_refused(read: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=f"must be .*{READERS[read]}"):
        read(value)


@pytest.mark.parametrize(
    ("read", "refused"),
    [
        (as_text, [True, 1.5, None]),
        (as_whole_number, [True, 2.0, None, "", "1.5", "1_000", "0x1", "\u0663", "9" * 31, Decimal("1.5")]),
        (as_switch, [1, 0, 1.0, None, "", "yes", "1", "on", "t", Decimal(1)]),
        (as_seconds, [True, None, "30", "1h", 10**400]),
    ],
)
def test_neither_is_what_python_alone_would_convert(read: Any, refused: list[Any]) -> None:
    for value in refused:
        with pytest.raises(ValueError, match="must be "):
            read(value)


def test_texts_are_read_where_a_template_makes_them() -> None:
    assert as_whole_number(" 12 ") == 12
    assert [as_switch(text) for text in ("true", "True", "FALSE", " false ")] == [True, True, False, False]
    assert [as_seconds(text, from_text=True) for text in ("30", " 0.5 ")] == [30.0, 0.5]


@pytest.mark.parametrize(("read", "text"), [(as_whole_number, "12"), (as_switch, "true")])
def test_and_refused_where_an_author_writes_them(read: Any, text: str) -> None:
    with pytest.raises(ValueError, match="must be "):
        read(text, from_text=False)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e3", "1_0", "", "30 s", "9" * 16])
def test_a_span_in_a_text_is_a_plain_number(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number of seconds"):
        as_seconds(text, from_text=True)


def test_a_missing_date_stays_for_its_reader_to_refuse() -> None:
    assert as_iso_date(values.NOT_A_TIME) is values.NOT_A_TIME
