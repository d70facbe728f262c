"""Kicked-out rows are read in any documented shape, and refused in others."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api.errors import (
    EciUnreadableResponseError,
)
from tests.support.kickout_answers import BASE, FIELDS, row


@pytest.mark.parametrize(
    "details",
    [
        {"fields": FIELDS, "data": [row("no", "1001", "5", "6"), row("no", "1002", "7", "8")]},
        {"data": [row("no", "1001", "5", "6"), row("no", "1002", "7", "8")], "fields": FIELDS},
        {
            "DATA": [
                [
                    {"FieldID": "1", "Value": "no"},
                    {"fieldid": "2", "VALUE": 1001},
                    None,
                    {"fieldId": 4, "value": 6},
                    {"fieldId": 3, "value": 5},
                ],
                row("no", 1002, 7, 8),
            ],
            "other": {"data": [1]},
            "Fields": [{"Id": field["id"], "NAME": field["name"]} for field in FIELDS],
            "more": [[[]]],
        },
    ],
    ids=["as documented", "fields last", "other cases, types and keys"],
)
def test_any_shape_gives_the_same_rows(details: Any, kickouts_of: Any) -> None:
    report = kickouts_of(["no"], details, fileName="Kickouts_a.csv")
    assert [row.cells for row in report] == [
        [("ACCOUNT", "1001"), ("Use", "5"), ("Use", "6")],
        [("ACCOUNT", "1002"), ("Use", "7"), ("Use", "8")],
    ]
    assert report.digest() == [{"message": "no", "rows": 2}]


def test_missing_unknown_and_doubled_cells_lose_nothing(kickouts_of: Any) -> None:
    rows = [
        [{"fieldId": 1, "value": "no"}, {"fieldId": 99, "value": "?"}],
        [{"value": "no"}, {"fieldId": 2}, {"fieldId": 3, "value": "5"}, {"fieldId": 3, "value": "again"}],
        [],
        None,
    ]
    report = kickouts_of(["no"], {"fields": FIELDS, "data": rows})
    assert [row.cells for row in report] == [
        [("ACCOUNT", ""), ("Use", ""), ("Use", ""), ("", "?")],
        [("ACCOUNT", ""), ("Use", "5"), ("Use", ""), ("", "no"), ("Use", "again")],
        [("ACCOUNT", ""), ("Use", ""), ("Use", "")],
    ]
    assert [row.message for row in report] == ["no", "no", ""]


@pytest.mark.parametrize("details", [{}, {"fields": None, "data": None}, {"fields": [], "data": []}], ids=repr)
@pytest.mark.parametrize(("messages", "rows"), [([], 0), (None, 0), (["no"], None)])
def test_messages_without_rows_leave_the_number_of_rows_open(
    details: Any, messages: Any, rows: int | None, kickouts_of: Any
) -> None:
    report = kickouts_of(messages, details)
    assert list(report) == []
    assert report.rows == rows
    assert report.without_rows() == (messages or [])
    assert report.files() == []


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"data": [["1001"]]}, "has a cell in row 1 that is not an object: '1001'"),
        ({"data": [row("no"), "1001"]}, "has a row 2 that is not an array: '1001'"),
        ({"fields": ["ACCOUNT"]}, "has a field 1 that is not an object: 'ACCOUNT'"),
        ([], "is not an object"),
        (
            {"data": [[{"fieldId": 1, "value": "x" * 1_100_000}]]},
            "holds a value of more than 1,048,576 characters",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unreadable_rows_are_refused(details: Any, said: str, kickouts_of: Any) -> None:
    with pytest.raises(
        EciUnreadableResponseError, match=f"GET {BASE}/detail was answered with 200, but its body {said}"
    ):
        kickouts_of(["no"], details).count()
