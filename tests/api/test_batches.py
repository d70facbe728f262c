"""Batches: what the client refuses before sending, and what it does with the sandbox's batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.batches import BatchResponse
from eci_provider.api.errors import EciBadRequestError, EciNotFoundError
from eci_provider.sandbox import Sandbox

INT32 = 2**31

#: Field, what is just within the bound, what is just beyond it, how the message puts the bound.
OPEN_BOUNDS: list[tuple[str, list[Any], list[tuple[Any, str]]]] = [
    # The schema allows an empty code; a batch without one is of no use, so the client does not.
    (
        "batch_code",
        ["x", "x" * 255],
        [("", "it should have at least 1 character"), ("x" * 256, "it should have at most 255 characters")],
    ),
    *[
        (name, ["", "x", "x" * 255], [("x" * 256, "it should have at most 255 characters")])
        for name in ("control_code", "invoice_number", "note")
    ],
    (
        "account_period_year",
        [1900, 2099, "2026"],
        [
            (1899, "must be greater than or equal to 1900"),
            (2100, "must be less than or equal to 2099"),
            (True, "must be a whole number, not true or false"),
        ],
    ),
    (
        "account_period_number",
        [-INT32, 0, INT32 - 1],
        [
            (-INT32 - 1, f"must be greater than or equal to {-INT32}"),
            (INT32, f"must be less than or equal to {INT32 - 1}"),
            (1.5, "must be a whole number"),
            ("March", "must be a whole number"),
        ],
    ),
    ("close_existing_batch", [True, False], [("perhaps", "must be True or False")]),
]
ISO = "must be an ISO 8601 date or date-time such as 2026-03-30 or 2026-03-30T00:00:00Z"
LEGAL_DATES = {
    "2026-03-30": "2026-03-30",
    "2024-02-29T23:59:59Z": "2024-02-29T23:59:59Z",
    "2026-03-30T08:15": "2026-03-30T08:15",
    "2026-03-30T00:00:00.1234567Z": "2026-03-30T00:00:00.1234567Z",
    "2026-03-30T00:00:00+02:00": "2026-03-30T00:00:00+02:00",
    # So Airflow's templates write a time; the wire wants the T.
    "2026-03-30 00:00:00+00:00": "2026-03-30T00:00:00+00:00",
}
ILLEGAL_DATES = [
    *("", "30.03.2026", "03/30/2026", "2026-3-30", "2026-13-01", "2026-02-29", "2026-03-30T25:00:00Z"),
    *("20260330", "2026-W13-1", "2026-03-30x00:00:00", "2026-03-30T00:00:00+0200", "2026-03-30\n", "2026-03-30T"),
    *("tomorrow", "2026-03-30T00:00:00z ", "२०२६-०३-३०", 20260330, True, 1.5),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, legal, _ in OPEN_BOUNDS for value in legal], ids=str
)
def test_open_sends_what_is_within_the_bounds(
    name: str, value: Any, eci_sandbox: Sandbox, client: EciClient
) -> None:
    batch = client.batches.open(**{"batch_code": "A", name: value})
    (record,) = eci_sandbox.requests
    key = "".join(part.title() if n else part for n, part in enumerate(name.split("_")))
    expected = 2026 if value == "2026" else value
    assert record.body == {"batchCode": "A", key: expected}
    assert batch.batch_id == eci_sandbox.batches()[0]["batch_id"]


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [(name, value, bound) for name, _, illegal in OPEN_BOUNDS for value, bound in illegal],
    ids=lambda value: str(value)[:20],
)
def test_open_refuses_what_is_beyond_the_bounds(
    name: str, value: Any, bound: str, client: EciClient, refusal: Callable[..., str]
) -> None:
    message = refusal(client.batches.open, **{"batch_code": "A", name: value})
    shown = repr(value) if len(repr(value)) <= 60 else f"{value!r:.60}... ({len(value)} long)"
    assert message.startswith(f"batches.open: {name} is {shown}: {bound}")


@pytest.mark.parametrize("text", LEGAL_DATES)
def test_dates_are_sent_as_the_user_wrote_them(text: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    client.batches.open("A", statement_date=text, due_date=text, next_reading=text)
    (record,) = eci_sandbox.requests
    wire = LEGAL_DATES[text]
    assert record.body == {"batchCode": "A", "statementDate": wire, "dueDate": wire, "nextReading": wire}


def test_date_objects_are_sent_as_iso_8601(eci_sandbox: Sandbox, client: EciClient) -> None:
    moment = datetime(2026, 3, 30, 8, 15, tzinfo=timezone.utc)
    client.batches.open("A", due_date=date(2026, 3, 30), next_reading=moment)
    assert eci_sandbox.requests[0].body == {
        "batchCode": "A",
        "dueDate": "2026-03-30",
        "nextReading": "2026-03-30T08:15:00+00:00",
    }


@pytest.mark.parametrize("value", ILLEGAL_DATES, ids=repr)
def test_what_is_no_iso_date_is_refused(value: Any, client: EciClient, refusal: Callable[..., str]) -> None:
    for name in ("statement_date", "due_date", "next_reading"):
        assert refusal(client.batches.open, "A", **{name: value}) == f"batches.open: {name} is {value!r}: {ISO}"


def test_a_misspelt_field_is_refused_with_the_nearest_match(
    client: EciClient, refusal: Callable[..., str]
) -> None:
    message = refusal(client.batches.open, "A", invoice_nubmer="I")
    assert message.startswith(
        "batches.open: invoice_nubmer is not a field. Did you mean invoice_number? Allowed: "
    )
    assert message.endswith(
        "Allowed: batch_code, close_existing_batch, statement_date, due_date, next_reading, control_code, "
        "invoice_number, account_period_number, account_period_year, note"
    )
    assert "Did you mean" not in refusal(client.batches.open, "A", zzz=1)


def test_a_field_given_in_both_spellings_is_refused(client: EciClient, refusal: Callable[..., str]) -> None:
    message = refusal(client.batches.open, "A", due_date="2026-01-01", dueDate="2026-01-02")
    assert message == "batches.open: due_date is given twice: also as dueDate"


def test_all_problems_are_reported_at_once(client: EciClient, refusal: Callable[..., str]) -> None:
    message = refusal(client.batches.open, "", account_period_year=1, note=True)
    assert message.splitlines()[0] == "batches.open: 3 problems:"
    assert [line.split()[1] for line in message.splitlines()[1:]] == ["batch_code", "account_period_year", "note"]


@pytest.mark.parametrize("status", ["open", "OPEN", "Open ", "Closed\n", "", "Void", None, 1])
def test_a_status_in_another_case_or_of_another_name_is_refused(
    status: Any, client: EciClient, refusal: Callable[..., str]
) -> None:
    message = refusal(client.batches.update_status, 1, status)
    assert message == f"batches.update_status: batch_status is {status!r}: must be 'Open', 'Pending' or 'Closed'"


@pytest.mark.parametrize("call", ["edit", "update_status"])
def test_the_note_of_a_change_has_the_same_bound(
    call: str, eci_sandbox: Sandbox, client: EciClient, refusal: Callable[..., str]
) -> None:
    batch = client.batches.open("A")
    change: Callable[..., Any] = {
        "edit": lambda note: client.batches.edit(batch.batch_id, batch_code="A", note=note),
        "update_status": lambda note: client.batches.update_status(batch.batch_id, "Pending", note=note),
    }[call]
    assert f"batches.{call}: note is " in refusal(change, "x" * 256)
    change("x" * 255)
    assert eci_sandbox.requests[-1].body["note"] == "x" * 255


@pytest.mark.parametrize("batch_id", [1, INT32 - 1, "7"])
def test_batch_ids_within_the_bounds_reach_the_path(
    batch_id: Any, eci_sandbox: Sandbox, client: EciClient
) -> None:
    with pytest.raises(EciNotFoundError):
        client.batches.get(batch_id)
    assert eci_sandbox.requests[0].path == f"/api/v3/batch/{batch_id}"


@pytest.mark.parametrize("batch_id", [0, -1, INT32, True, None, "", "1/status", "abc", 1.5])
def test_batch_ids_beyond_the_bounds_are_refused_by_every_call(
    batch_id: Any, client: EciClient, refusal: Callable[..., str]
) -> None:
    for call in (
        lambda: client.batches.get(batch_id),
        lambda: client.batches.edit(batch_id, batch_code="A", note=None),
        lambda: client.batches.delete(batch_id),
        lambda: client.batches.close(batch_id),
        lambda: client.batches.update_status(batch_id, "Open"),
    ):
        assert f"batches: batch_id is {batch_id!r}: must be " in refusal(call)


def test_a_batch_goes_through_its_life(eci_sandbox: Sandbox, client: EciClient) -> None:
    batch = client.batches.open("2026-03", note="March")
    assert (batch.batch_code, batch.is_open, batch.bill_count) == ("2026-03", True, 0)
    assert batch.batch_id is not None
    client.batches.update_status(batch.batch_id, "Pending", note="wait")
    assert client.batches.get(batch.batch_id).note == "wait"
    client.batches.update_status(batch.batch_id, "Open", note=None)
    assert client.batches.get(batch.batch_id).note == "wait"
    edited = client.batches.edit(batch.batch_id, batch_code="2026-04", note="April")
    assert (edited.batch_code, edited.note) == ("2026-04", "April")
    closed = client.batches.close(batch.batch_id)
    assert (closed.is_open, closed.batch_status) == (False, "closed")
    with pytest.raises(EciBadRequestError, match="only a batch that is Open or Pending"):
        client.batches.close(batch.batch_id)
    client.batches.delete(batch.batch_id)
    assert eci_sandbox.batches() == []


def test_a_taken_code_is_the_servers_to_refuse(client: EciClient) -> None:
    client.batches.open("A")
    with pytest.raises(EciBadRequestError) as caught:
        client.batches.open("A")
    assert "already in use" in caught.value.body


def test_a_status_is_compared_in_any_case() -> None:
    batch = BatchResponse.model_validate({"batchStatus": "pending"})
    assert batch.has_status("Pending")
    assert not batch.has_status("Open")
    assert not BatchResponse().has_status("Open")
