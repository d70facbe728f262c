"""Paged lists: pages are fetched when needed, and always end."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from eci_provider.api import EciClient, paging
from eci_provider.api.errors import EciUnreadableResponseError
from eci_provider.core import clock
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID
from tests.support.raw_server import RawServer, http


@pytest.fixture
def five_batches(eci_sandbox: Sandbox, client: EciClient) -> list[str]:
    codes = [f"B{number}" for number in range(5)]
    for code in codes:
        client.batches.open(code)
    eci_sandbox.clear_requests()
    return codes


def asked(sandbox: Sandbox) -> list[str]:
    return [record.query["pageNumber"] for record in sandbox.requests]


def test_pages_are_fetched_when_their_first_item_is_wanted(
    eci_sandbox: Sandbox, client: EciClient, five_batches: list[str]
) -> None:
    found = client.batches.list(page_size=2)
    assert asked(eci_sandbox) == []
    seen = []
    for batch, pages in zip(found, (1, 1, 2, 2, 3), strict=True):
        seen.append(batch.batch_code)
        assert asked(eci_sandbox) == [str(number) for number in range(1, pages + 1)]
    assert seen == five_batches
    assert asked(eci_sandbox) == ["1", "2", "3"]


@pytest.mark.parametrize(("page_size", "pages"), [(1, 5), (4, 2), (5, 1), (1000, 1)])
def test_no_page_beyond_the_last_is_asked_for(
    page_size: int, pages: int, eci_sandbox: Sandbox, client: EciClient, five_batches: list[str]
) -> None:
    assert [batch.batch_code for batch in client.batches.list(page_size=page_size)] == five_batches
    assert asked(eci_sandbox) == [str(number) for number in range(1, pages + 1)]
    assert {record.query["pageSize"] for record in eci_sandbox.requests} == {str(page_size)}


def test_the_largest_page_is_the_default(eci_sandbox: Sandbox, client: EciClient) -> None:
    assert list(client.batches.list()) == []
    assert list(client.tasks.list()) == []
    assert [record.query["pageSize"] for record in eci_sandbox.requests] == ["1000", "1000"]


@pytest.mark.parametrize("page_size", [0, 1001, -1, 2**31, True, "10", 2.5, None], ids=repr)
def test_page_sizes_beyond_the_bounds_are_refused_at_once(
    page_size: Any, client: EciClient, refusal: Callable[..., str]
) -> None:
    bound = "must be a whole number from 1 to 1000"
    expected = f"page_size is {page_size!r}: {bound}"
    assert refusal(client.batches.list, page_size=page_size) == f"GetBatchesV3: {expected}"
    assert refusal(client.tasks.list, page_size=page_size) == f"GetTasksV3: {expected}"


@pytest.mark.parametrize("total", [None, "", "many", "²", "-1"], ids=repr)
def test_without_a_total_only_an_empty_page_is_the_last(
    total: str | None, eci_sandbox: Sandbox, client: EciClient
) -> None:
    headers = {} if total is None else {"TotalPages": total}
    for body in ([{"batchId": 1}], [{"batchId": 2}, {"batchId": 3}], []):
        eci_sandbox.fault("GET", "/api/v3/batch", status=200, headers=headers, body=body)
    assert [batch.batch_id for batch in client.batches.list(page_size=2)] == [1, 2, 3]
    assert asked(eci_sandbox) == ["1", "2", "3"]


def test_header_names_are_read_in_any_case(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/batch", status=200, headers={"totalpages": "1"}, body=[{"batchId": 1}])
    assert [batch.batch_id for batch in client.batches.list(page_size=1)] == [1]
    assert asked(eci_sandbox) == ["1"]


def test_an_empty_page_ends_the_list_whatever_the_header_says(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/batch", times=3, status=200, headers={"TotalPages": "999999999"}, body=[])
    assert list(client.batches.list()) == []
    assert asked(eci_sandbox) == ["1"]


@pytest.mark.parametrize("body", [{}, {"items": []}, '"x"', ["x"], [None], [{"batchId": "x"}]], ids=repr)
def test_what_is_no_list_of_objects_is_unreadable(body: Any, eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/batch", status=200, body=body)
    with pytest.raises(
        EciUnreadableResponseError, match=r"^GetBatchesV3: GET /api/v3/batch was answered with 200"
    ):
        next(client.batches.list())


def test_a_page_that_fails_midway_is_asked_for_again(
    eci_sandbox: Sandbox, client: EciClient, five_batches: list[str], waits: list[float]
) -> None:
    eci_sandbox.fault("GET", "/api/v3/batch", skip=1, drop="before")
    assert [batch.batch_code for batch in client.batches.list(page_size=2)] == five_batches
    assert asked(eci_sandbox) == ["1", "2", "2", "3"]
    assert len(waits) == 1


def test_a_server_that_repeats_a_page_does_not_hold_the_reader(eci_sandbox: Sandbox) -> None:
    page = [{"batchId": number} for number in range(2)]
    eci_sandbox.fault("GET", "/api/v3/batch", times=None, status=200, body=page)

    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        assert len(list(client.batches.list(page_size=2))) == 4

    assert len(eci_sandbox.requests) == 2


@pytest.mark.parametrize(
    ("headers", "pages"),
    [
        ({"TotalPages": "1", "PageSize": "2", "TotalNumberOfRecords": "3"}, 2),
        ({"TotalPages": "0", "TotalNumberOfRecords": "3"}, 2),
        ({"TotalPages": "1", "TotalNumberOfRecords": "999999999999"}, 3),
        ({"TotalPages": "2", "TotalNumberOfRecords": "1"}, 2),
        ({"TotalNumberOfRecords": "3"}, 3),
        ({"TotalPages": "1", "TotalNumberOfRecords": "many"}, 1),
        ({"TotalPages": "1", "TotalNumberOfRecords": "2"}, 1),
    ],
    ids=str,
)
def test_of_two_headers_the_one_that_shows_more_is_believed(
    headers: dict[str, str], pages: int, eci_sandbox: Sandbox, client: EciClient
) -> None:
    for body in ([{"batchId": 1}, {"batchId": 2}], [{"batchId": 3}], []):
        eci_sandbox.fault("GET", "/api/v3/batch", status=200, headers=headers, body=body)
    assert len(list(client.batches.list())) == (2 if pages == 1 else 3)
    assert asked(eci_sandbox) == [str(number) for number in range(1, pages + 1)]


@contextmanager
def endless(waits: list[float], **headers: str) -> Iterator[tuple[RawServer, EciClient]]:
    """Serve a list whose pages always differ, to a client."""
    numbers = itertools.count(1)
    named = [f"{name}: {value}" for name, value in headers.items()]

    def page(connection: Any) -> None:
        number = next(numbers)
        items = [{"batchId": number, "taskGUId": GUID[:-6] + f"{number:06}"}]
        connection.sendall(http("200 OK", json.dumps(items).encode(), *named))

    with RawServer(page) as server, EciClient(server.url, "key", sleep=waits.append) as client:
        yield server, client


@pytest.mark.parametrize("total", [None, "999999999"])
@pytest.mark.parametrize("resource", ["batches", "tasks"])
def test_a_list_without_an_end_ends(
    resource: str, total: str | None, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 100)
    with endless(waits, **({"TotalPages": total} if total else {})) as (server, client):
        found = getattr(client, resource).list()
        with pytest.raises(
            EciUnreadableResponseError, match=r"did not end within 100 pages, and was not read on\."
        ):
            list(found)
    assert len(server.requests) == 100
    assert waits == [0.1] * 81  # before each page from the 21st on, and before it is found out


def test_a_list_ends_by_the_callers_deadline(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 3, 30, tzinfo=timezone.utc)
    monkeypatch.setattr(clock, "utc_now", lambda: moment + timedelta(seconds=sum(waits)))
    with endless(waits) as (server, client):
        for resource in (client.batches, client.tasks):
            waits.clear()
            with pytest.raises(EciUnreadableResponseError, match=r"29 pages, by 2026-03-30T00:00:01\+00:00, and"):
                list(resource.list(deadline=moment + timedelta(seconds=1)))
    assert len(server.requests) == 58


def test_a_list_ends_by_the_time_of_its_requests(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LONGEST_WALK", 2.0)
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)  # so that pauses alone count
    with (
        endless(waits) as (server, client),
        pytest.raises(EciUnreadableResponseError, match=r"did not end within 2 s and 39 pages"),
    ):
        list(client.batches.list())
    assert len(server.requests) == 39


def test_a_search_reads_no_more_pages_than_it_may(waits: list[float]) -> None:
    moment = datetime.now(timezone.utc)
    with endless(waits) as (server, client):
        assert len(list(client.tasks.search({GUID}, moment, max_pages=20))) == 20
        with pytest.raises(EciUnreadableResponseError, match="1 pages, by "):
            list(client.tasks.search({GUID}, moment, max_pages=20, deadline=moment))
    assert len(server.requests) == 21
    assert waits == []
