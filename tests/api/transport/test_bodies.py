"""Bodies of answers: how much is read, and that an echoed key is masked."""

from __future__ import annotations

import gzip

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.errors import EciBadRequestError, EciUnreadableResponseError
from eci_provider.api.transport import bodies
from eci_provider.sandbox import Sandbox
from tests.support.raw_server import RawServer
from tests.support.raw_server import http as answer


def test_a_key_that_a_good_answer_echoes_is_masked(eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault(
        "GET", "/api/v3/batch/1", status=200, body={"batchId": 1, "note": f"hi {eci_sandbox.api_key}"}
    )

    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        assert client.batches.get(1).note == "hi ***"


@pytest.mark.parametrize("key", ["test", "batch", "2026"])
def test_a_key_that_may_be_a_word_is_left_in_good_answers(key: str) -> None:
    with Sandbox(api_key=key) as sandbox, EciClient(sandbox.url, key) as client:
        opened = client.batches.open(f"{key}-2026-01")
        assert (opened.batch_id, opened.batch_code) == (1, f"{key}-2026-01")
        sandbox.fault("GET", "/api/v3/batch/1", status=400, body=f"No {key}.")
        with pytest.raises(errors.EciBadRequestError, match=r"said: No \*\*\*\.$"):
            client.batches.get(1)


def test_neither_names_nor_numbers_are_masked() -> None:
    body = {"batchId": 1, "batchCode": "batchCode 12345678", "runningTotal": 1234567890, "note": ["x batchCode"]}
    for key, code in (("batchCode", "*** 12345678"), ("12345678", "batchCode ***")):
        with Sandbox(api_key=key) as sandbox, EciClient(sandbox.url, key) as client:
            sandbox.fault("GET", "/api/v3/batch/1", status=200, body={**body, "note": f"x {key}"})
            batch = client.batches.get(1)
        assert (batch.batch_id, batch.batch_code, batch.running_total) == (1, code, 1234567890)
        assert batch.note == "x ***"


def test_a_key_that_a_good_answer_spells_in_its_own_way_is_masked() -> None:
    with Sandbox(api_key="key+0123456789") as sandbox, EciClient(sandbox.url, "key+0123456789") as client:
        body = b'{"batchId": 1, "note": "hi key\\u002B0123456789"}'
        sandbox.fault("GET", "/api/v3/batch/1", status=200, body=body)
        assert client.batches.get(1).note == "hi ***"


ME = "/api/v3/me"


def test_a_body_larger_than_the_bound_is_not_read_on(
    eci_sandbox: Sandbox, client: EciClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGEST_BODY", 100_000)
    eci_sandbox.fault("GET", ME, times=None, status=200, body=b'{"fullName": "' + b"x" * 5_000_000 + b'"}')
    with pytest.raises(EciUnreadableResponseError, match=r"answered with more than 100000 bytes") as caught:
        client.account.me()
    assert len(caught.value.message) < 1000
    eci_sandbox.fault("POST", "/api/v3/batch", status=400, body=b"x" * 5_000_000)
    with pytest.raises(EciBadRequestError) as refused:
        client.batches.open("A")
    assert refused.value.body == "x" * 497 + "..."


def test_large_answers_within_the_bound_are_read_whole(eci_sandbox: Sandbox, client: EciClient) -> None:
    name = "é" * 3_000_000
    eci_sandbox.fault("GET", ME, status=200, body={"fullName": name})
    assert client.account.me().full_name == name


def test_the_status_of_a_refusal_counts_though_its_body_breaks_off(
    eci_sandbox: Sandbox, client: EciClient
) -> None:
    """A POST that was refused was not carried out, however little of the answer arrives."""
    eci_sandbox.fault("POST", "/api/v3/batch", status=400, body={"message": "No such thing."}, truncate=12)
    with pytest.raises(EciBadRequestError) as caught:
        client.batches.open("A")
    assert caught.value.body == '{"message":'


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe\x00", b'{"a": 1', b"NotJSON", b"1" * 5000, b""])
def test_a_body_that_is_no_json_object_is_unreadable(body: bytes, eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault("GET", ME, times=None, status=200, body=body)
    with (
        EciClient(eci_sandbox.url, eci_sandbox.api_key, max_retries=0) as client,
        pytest.raises(EciUnreadableResponseError) as caught,
    ):
        client.account.me()
    assert caught.value.status == 200
    assert len(caught.value.message) < 1000


def test_compressed_answers_are_read() -> None:
    body = gzip.compress(b'{"fullName": "Jane"}')
    server = RawServer(answer("200 OK", body, "Content-Encoding: gzip", "Content-Type: application/json"))
    with server, EciClient(server.url, "key") as client:
        assert client.account.me().full_name == "Jane"


def test_what_only_looks_like_markup_stays_in_an_excerpt(eci_sandbox: Sandbox, client: EciClient) -> None:
    body = "<html><b\nclass='x'>No </b> &lt; " + "<" * 70_000
    eci_sandbox.fault("GET", ME, status=400, body=body)
    with pytest.raises(EciBadRequestError) as caught:
        client.account.me()
    assert caught.value.body.startswith("No   &lt; <<<<")
    assert len(caught.value.body) == bodies.EXCERPT
