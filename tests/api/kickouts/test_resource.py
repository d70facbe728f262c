"""Kickouts: messages and rows, of a whole import and of one file, in every shape the documentation allows."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciNotFoundError, EciUnreadableResponseError
from eci_provider.api.kickouts.resource import KickoutDetails, KickoutSummary
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID, BillBytes

SUMMARY = f"/api/v202401/import/bill/task/{GUID}/kickout/summary"


def test_summary_and_details_name_the_row_and_why(
    eci_sandbox: Sandbox, client: EciClient, kicked_out: str
) -> None:
    (stored,) = eci_sandbox.kickouts(kicked_out)
    summary = client.kickouts.summary(kicked_out)
    assert (summary.task_guid, summary.kickout_messages) == (kicked_out, [stored["message"]])
    (row,) = client.kickouts.details(kicked_out).rows()
    assert ("ACCOUNT", "9999") in row
    assert ("CHG:USD:Charge", "7.00") in row


def test_details_can_be_limited_to_one_message(client: EciClient, kicked_out: str) -> None:
    (message,) = client.kickouts.summary(kicked_out).kickout_messages
    assert len(list(client.kickouts.details(kicked_out, kickout_message=message).rows())) == 1
    assert list(client.kickouts.details(kicked_out, kickout_message="another").rows()) == []


def test_each_file_of_a_zip_has_its_own(eci_sandbox: Sandbox, client: EciClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a & b.csv", BILLS)
        archive.writestr("c.csv", BILLS.replace(b"9999", b"8888"))
    guid = client.bill_imports.submit(BillBytes(packed.getvalue()), "bills.zip")
    names = ["Kickouts_a & b.csv", "Kickouts_c.csv"]
    for name, account in zip(names, ("9999", "8888"), strict=True):
        summary = client.kickouts.summary(guid, name)
        assert summary.file_name == name
        rows = list(client.kickouts.details(guid, name).rows())
        assert [dict(row)["ACCOUNT"] for row in rows] == ["1001", account]
    assert len(list(client.kickouts.details(guid).rows())) == 4
    with pytest.raises(EciNotFoundError):
        client.kickouts.summary(guid, "Kickouts_d.csv")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ([{"message": "a", "count": 3}, {"count": "2", "kickoutMessage": "b"}], ["a", "b"]),
        ([{"text": "a", "rows": 3}], ["a"]),
        ([{"count": 3}], ["{'count': 3}"]),
        ([7, None], ["7", "None"]),
        ("a", ["a"]),
        (7, ["7"]),
        ([], []),
        (None, []),
    ],
    ids=repr,
)
def test_messages_come_as_texts_or_as_objects_with_counts(
    messages: Any, expected: list[str], eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("GET", SUMMARY, status=200, body={"taskGuid": GUID, "kickoutMessages": messages})
    assert client.kickouts.summary(GUID).kickout_messages == expected


def test_a_summary_without_messages_has_none() -> None:
    assert KickoutSummary.model_validate({}).kickout_messages == []


def test_rows_are_joined_by_the_ids_of_the_same_response() -> None:
    details = KickoutDetails.model_validate(
        {
            "fields": [{"id": 7, "name": "Account"}, {"id": 3, "name": "Use"}, {"id": 4, "name": "Use"}],
            "data": [
                [{"fieldId": 3, "value": "5"}, {"fieldId": 7, "value": "1001"}, {"fieldId": 4, "value": None}],
                [{"fieldId": 99, "value": "?"}],
                [],
            ],
        }
    )
    assert list(details.rows()) == [[("Use", "5"), ("Account", "1001"), ("Use", "")], [("", "?")], []]


def test_details_without_rows_have_none() -> None:
    for data in ({}, {"fields": None, "data": None}, {"fields": [], "data": []}):
        assert list(KickoutDetails.model_validate(data).rows()) == []


def test_details_of_another_shape_are_unreadable(eci_sandbox: Sandbox, client: EciClient) -> None:
    path = SUMMARY.replace("summary", "detail")
    eci_sandbox.fault("GET", path, status=200, body={"fields": [], "data": [["1001", "5"]]})
    with pytest.raises(EciUnreadableResponseError, match=r"data\.0\.0 is '1001'"):
        client.kickouts.details(GUID)
