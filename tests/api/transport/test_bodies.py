"""Bodies of answers: how much is read, and that an echoed key is masked."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.errors import EciBadRequestError, EciUnknownOutcomeError, EciUnreadableResponseError
from eci_provider.api.transport import bodies
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, BillBytes
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


def test_a_body_larger_than_its_kind_may_be_is_not_read_on(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", ME, times=None, status=200, body=b'{"fullName": "' + b"x" * 9_000_000 + b'"}')
    with pytest.raises(EciUnreadableResponseError, match=r"answered with more than 8,388,608 bytes") as caught:
        client.account.me()
    assert len(caught.value.message) < 1000
    eci_sandbox.fault("POST", "/api/v3/batch", status=400, body=b"x" * 5_000_000)
    with pytest.raises(EciBadRequestError) as refused:
        client.batches.open("A")
    assert refused.value.body == "x" * 497 + "..."


def test_large_answers_within_the_bound_are_read_whole(eci_sandbox: Sandbox, client: EciClient) -> None:
    name = "\u00e9" * 4_000_000
    eci_sandbox.fault("GET", ME, status=200, body=f'{{"fullName": "{name}"}}'.encode())
    assert client.account.me().full_name == name


def test_the_answer_to_an_import_is_a_guid_and_little_more(eci_sandbox: Sandbox, client: EciClient) -> None:
    body = {"taskGUId": GUID, "more": "x" * 70_000}
    eci_sandbox.fault("POST", "/api/v3/import/bill", status=200, commit=True, body=body)
    with pytest.raises(EciUnknownOutcomeError, match=r"answered with more than 65,536 bytes"):
        client.bill_imports.submit(BillBytes())


@pytest.mark.parametrize(
    ("value", "is_read"),
    [
        ("[" + "{}," * 49_000 + "{}]", True),
        ("[" + "{}," * 51_000 + "{}]", False),
        ("[" + "0," * 101_000 + "0]", False),
        ("[" + '"",' * 101_000 + '""]', False),
        ("[" + '"",' * 99_000 + '""]', True),
        ('"' + ",{[" * 300_000 + '"', True),
        ('["' + '\\\\\\",[\\"[,{' * 100_000 + '"]', True),
        ('["' + "\\\\" * 150_000 + '", "' + ",\\\\" * 150_000 + '"]', True),
    ],
    ids=lambda value: str(value)[:12],
)
def test_values_are_counted_before_they_are_made(
    value: str, is_read: bool, eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault(
        "GET", "/api/v3/batch/1", times=None, status=200, body=f'{{"batchId": 1, "x": {value}}}'.encode()
    )
    if is_read:
        assert client.batches.get(1).model_extra == {"x": json.loads(value)}
        return
    with pytest.raises(EciUnreadableResponseError, match="but its body has more than 100,000 values"):
        client.batches.get(1)


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


def _gzip(content: bytes, level: int = 9) -> bytes:
    """Return compressed content that is the same at any time, since it names a test."""
    return gzip.compress(content, level, mtime=0)


NAMED = b'{"fullName": "Jane"}'


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", _gzip(NAMED)),
        ("GZIP", _gzip(NAMED[:7]) + _gzip(b"") + _gzip(NAMED[7:])),
        ("x-gzip", _gzip(NAMED) + b"\0" * 512),
        ("deflate", zlib.compress(NAMED)),
        ("deflate", zlib.compress(NAMED)[2:-4]),  # some servers leave out zlib's header and checksum
        ("identity", NAMED),
    ],
)
def test_compressed_answers_are_read(encoding: str, body: bytes) -> None:
    server = RawServer(answer("200 OK", body, f"Content-Encoding: {encoding}", "Content-Type: application/json"))
    with server, EciClient(server.url, "key") as client:
        assert client.account.me().full_name == "Jane"


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("gzip", _gzip(b"[" * 100_000_000, 1), r"more than 8,388,608 bytes"),
        ("deflate", zlib.compress(b" " * 100_000_000, 1), r"more than 8,388,608 bytes"),
        (
            "gzip, gzip",
            _gzip(_gzip(NAMED)),
            "its body is compressed in a way that was not requested",
        ),
        ("br", b"x", "its body is compressed in a way that was not requested"),
        ("gzip", b"x" * 100, "its body is compressed, and damaged"),
        ("gzip", _gzip(NAMED)[:-12], "its body is not JSON"),
    ],
    ids=["gzip", "deflate", "twice", "other", "damaged", "cut"],
)
def test_a_compressed_answer_is_not_larger_than_others(encoding: str, body: bytes, said: str) -> None:
    server = RawServer(answer("200 OK", body, f"Content-Encoding: {encoding}"))
    with server, EciClient(server.url, "key", max_retries=0) as client:
        tracemalloc.start()
        try:
            with pytest.raises(EciUnreadableResponseError, match=said):
                client.account.me()
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
        finally:
            tracemalloc.stop()


def test_a_refusal_in_an_unknown_encoding_is_a_refusal() -> None:
    with (
        RawServer(answer("400 Bad Request", b"x", "Content-Encoding: br")) as server,
        EciClient(server.url, "key") as client,
        pytest.raises(EciBadRequestError),
    ):
        client.account.me()


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (b"{}", r"its body has more than 10,000 values"),
        (b'{"batchCode": "' + b"x" * 100_000 + b'"}', r"its body has more than 67,108,864 bytes"),
    ],
    ids=["many", "large"],
)
def test_a_page_of_a_list_is_read_while_it_arrives(items: bytes, said: str) -> None:
    body = _gzip(b"[" + items + (b"," + items) * (80_000_000 // len(items)) + b"]", 1)
    server = RawServer(answer("200 OK", body, "Content-Encoding: gzip"))
    with server, EciClient(server.url, "key", max_retries=0) as client:
        tracemalloc.start()
        try:
            for call in (lambda: list(client.batches.list(fields=["batchId"])), client.import_profiles.list):
                with pytest.raises(EciUnreadableResponseError, match=said):
                    call()
            assert tracemalloc.get_traced_memory()[1] < 150_000_000
        finally:
            tracemalloc.stop()


def test_what_only_looks_like_markup_stays_in_an_excerpt(eci_sandbox: Sandbox, client: EciClient) -> None:
    body = "<html><b\nclass='x'>No </b> &lt; " + "<" * 70_000
    eci_sandbox.fault("GET", ME, status=400, body=body)
    with pytest.raises(EciBadRequestError) as caught:
        client.account.me()
    assert caught.value.body.startswith("No   &lt; <<<<")
    assert len(caught.value.body) == bodies.EXCERPT
