"""A JSON object is read while it arrives as it is read whole, however it is cut, and within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.api.transport.streamed_json import UnreadableJsonError, members

ODD = {
    "fields": [{"id": 1, "name": 'Straße \U0001f600 "quoted" \\ \n'}],
    "data": [[], [{"fieldId": 1, "value": None}], None, 12, -1.5e3, True, "x" * 300],
    "empty": [],
    "other": {"data": [1, 2]},
    "number": 1234567,
    "nothing": None,
}


def _flat(document: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, item)
        for name, value in document.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("spelling", [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
def test_wherever_it_is_cut_the_same_comes_out(size: int, spelling: dict[str, Any]) -> None:
    assert list(members(_cut(json.dumps(ODD, **spelling).encode(), size))) == _flat(ODD)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(document=st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), size=st.integers(1, 9))
def test_any_object_comes_out_as_json_reads_it(document: dict[str, Any], size: int) -> None:
    assert list(members(_cut(json.dumps(document).encode(), size))) == _flat(document)


def test_items_are_there_before_the_rest_has_arrived() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"data": [[1], [2], '
        raise AssertionError("nothing more was needed")

    read = members(chunks())
    assert [next(read), next(read)] == [("data", [1]), ("data", [2])]


def test_a_byte_order_mark_is_none_of_it() -> None:
    assert list(members([b'\xef\xbb\xbf{"a": 1}'])) == [("a", 1)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "ends too early"),
        (b"  ", "ends too early"),
        (b"[]", "is not an object"),
        (b"<html>", "is not an object"),
        (b'{"data": [[1], [2', "ends too early"),
        (b'{"data": [1, 2', "ends too early"),
        (b'{"data"', "ends too early"),
        (b'{"data": "half', "ends too early"),
        (b'{"data" [1]}', "a colon is missing"),
        (b'{"data": [1 2]}', "a comma is missing between items"),
        (b'{"data": 1 "more": 2}', "a comma is missing between members"),
        (b"{1: 2}", "the name of a member is missing"),
        (b'{"data": [<html>the server is not well today</html>]}', "expecting value"),
        (b'{"data": ["\xff"]}', "is not UTF-8"),
        (b'{"data": ' + b"[" * 100_000, "is nested too deeply"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_body_that_is_not_an_object_is_reported(body: bytes, said: str, size: int) -> None:
    if len(body) > 1000 and size == 1:
        size = 5000
    with pytest.raises(UnreadableJsonError, match=said):
        list(members(_cut(body, size)))


def test_an_endless_item_is_refused_and_not_eaten() -> None:
    eaten = 0

    def chunks() -> Iterator[bytes]:
        nonlocal eaten
        yield b'{"data": [["'
        while True:
            eaten += 1000
            yield b"x" * 1000

    with pytest.raises(UnreadableJsonError, match=r"more than 20,000 characters"):
        list(members(chunks(), longest=20_000))
    assert eaten < 50_000


def test_a_long_item_within_the_bound_is_read() -> None:
    document = {"data": ["y" * 19_000, "z"]}
    assert list(members(_cut(json.dumps(document).encode(), 100), longest=20_000)) == _flat(document)
