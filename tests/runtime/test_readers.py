"""Readers of arguments; tests/operators/test_arguments.py has every argument against every kind of value."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.core.errors import EciValidationError
from eci_provider.runtime import readers
from eci_provider.runtime.readers import Reading, is_left_out, without_none_texts

PARSED, RENDERED = Reading("here", is_rendered=False), Reading("here", is_rendered=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("None", None),
        (" None ", None),
        ("none", "none"),
        ("", ""),
        ({"a": "None", "b": [{"c": "None"}, "None", "x"]}, {"a": None, "b": [{"c": None}, None, "x"]}),
        ({"header": ["None", "Account"]}, {"header": ["None", "Account"]}),
    ],
)
def test_a_text_none_is_none_wherever_it_is_but_in_the_header_of_a_file(value: Any, expected: Any) -> None:
    assert without_none_texts(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, True), ("", True), (" None", True), ("x", False), ([], False)]
)
def test_what_is_left_out(value: Any, expected: bool) -> None:
    assert is_left_out(value) is expected


@pytest.mark.parametrize("names", ["a.csv", ["a.csv", 1], [" "], {"a.csv": 1}, 5])
def test_names_that_are_no_list_of_texts_are_refused(names: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^here: file_names is .*: must be a list of names"):
        readers.file_names("file_names", names, RENDERED)


def test_names_are_a_list() -> None:
    assert readers.file_names("file_names", ("a.csv", "b.csv"), PARSED) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(("read", "text"), [(readers.switch, "true"), (readers.whole_number(1), "7")])
def test_a_text_is_read_only_once_it_is_rendered(read: readers.Reader, text: str) -> None:
    assert read("x", text, RENDERED) in (True, 7)
    with pytest.raises(EciValidationError, match=f"^here: x is '{text}': must be"):
        read("x", text, PARSED)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(EciValidationError) as caught:
        readers.switch("x", "y" * 10_000, RENDERED)

    assert len(str(caught.value)) < 400
