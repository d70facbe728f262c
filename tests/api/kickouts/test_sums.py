"""Rows are counted by message, in memory or on disk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.kickouts import sums as kickout_sums
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID
from tests.support.kickout_answers import BASE, FIELDS, row


def test_the_digest_has_ten_messages_and_is_cut(kickouts_of: Any) -> None:
    messages = [f"{number} {'x' * 5000}" for number in range(12)]
    data = [row(message) for number, message in enumerate(messages) for _ in range(number + 1)]
    report = kickouts_of(messages, {"fields": FIELDS, "data": data}).count()
    assert report.rows == 78
    assert [item["rows"] for item in report.digest()] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert len(json.dumps(report.digest())) < 8000


@pytest.mark.parametrize("summary", ["all", "in another order", "none"])
def test_the_most_frequent_of_very_many_messages_are_listed(summary: str, kickouts_of: Any) -> None:
    own = [f"no {number} \ud800" for number in range(20_100)]
    messages = {"all": [*own, "late", "never"], "in another order": ["never", *own[::-1], "late"], "none": []}[
        summary
    ]
    fields = [{"id": 1, "name": "Message"}]
    data = [row(message) for message in [*own, *["late"] * 3, own[-1]]]

    report = kickouts_of(messages, {"fields": fields, "data": data}).count()

    assert report.rows == 20_104
    assert report.digest()[:2] == [{"message": "late", "rows": 3}, {"message": "no 20099 \ufffd", "rows": 2}]
    assert [item["rows"] for item in report.digest()[2:]] == [1] * 8
    # Of the others there was no room to know them.
    assert report.without_rows() == (["never"] if summary == "in another order" else [])


def test_files_known_by_name_only_are_counted_together(
    eci_sandbox: Sandbox, client: EciClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kickout_sums, "_MOST_IN_MEMORY", 2)
    fields = [{"id": 1, "name": "Message"}]
    for name, messages in (("detail", []), ("Kickouts_a.csv/detail", "abcc"), ("Kickouts_b.csv/detail", "dcb")):
        data = [row(message) for message in messages]
        eci_sandbox.fault("GET", f"{BASE}/{name}", times=9, status=200, body={"fields": fields, "data": data})
    summary = {"kickoutMessages": ["b", "never"]}
    eci_sandbox.fault("GET", f"{BASE}/summary", times=9, status=200, body=summary)

    report = client.kickouts.report(GUID, ["a.csv", "b.csv"]).count()

    assert [(item["message"], item["rows"]) for item in report.digest()] == [
        ("c", 3),
        ("b", 2),
        ("a", 1),
        ("d", 1),
        ("never", 0),
    ]
    assert report.without_rows() == ["never"]
