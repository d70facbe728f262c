"""The messages of a row: found in its cells, or in the column that holds messages."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api.kickouts import messages as kickout_messages
from tests.support.kickout_answers import FIELDS, row


@pytest.mark.parametrize(
    ("messages", "cells", "found"),
    [
        (["no", "never"], ("never", "1", "no"), "no; never"),
        (["no", "never"], (" no ", "1", "2"), "no"),
        (
            ["no such account", "too late"],
            ("Row 3: too late; no such account!", "1", "2"),
            "no such account; too late",
        ),
        ([{"message": "no", "count": 3}], ("no", "1", "2"), "no"),
        (["3 times: no"], ("no", "1", "2"), ""),
        (["", " "], ("", "1", "2"), ""),
    ],
)
def test_a_row_has_the_messages_in_its_cells(
    messages: Any, cells: tuple[str, ...], found: str, kickouts_of: Any
) -> None:
    report = kickouts_of(messages, {"fields": FIELDS, "data": [row(*cells)]})
    assert [row.message for row in report] == [found]


def test_a_column_called_message_has_messages_the_summary_lacks(kickouts_of: Any) -> None:
    fields = [{"id": 7, "name": "ACCOUNT"}, {"id": 8, "name": "Kickout Message"}]
    data = [[{"fieldId": 7, "value": "1001"}, {"fieldId": 8, "value": "no"}]]
    for messages in ([], ["1 row: no"]):
        report = kickouts_of(messages, {"fields": fields, "data": data})
        assert [(row.message, row.cells) for row in report] == [("no", [("ACCOUNT", "1001")])]
        assert {"message": "no", "rows": 1} in report.digest()


def test_more_messages_than_are_kept_are_found_by_their_column(
    kickouts_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kickout_messages, "MOST_KNOWN", 1)
    report = kickouts_of(["a", "b"], {"fields": FIELDS, "data": [row("a", "1"), row("b", "2"), row("b", "3")]})
    assert [row.message for row in report] == ["a", "b", "b"]
    assert report.digest() == [{"message": "b", "rows": 2}, {"message": "a", "rows": 1}]


def test_a_column_that_holds_more_than_the_message_stays(kickouts_of: Any) -> None:
    report = kickouts_of(["no"], {"fields": FIELDS, "data": [row("no", "1"), row("no, and more", "2")]})
    assert [dict(row.cells)["Why"] for row in report] == ["no", "no, and more"]
