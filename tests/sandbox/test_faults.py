"""Faults on demand, and chaos."""

from __future__ import annotations

import base64
import socket
import threading
import time

import pytest
import requests

from eci_provider.sandbox import Sandbox
from tests.sandbox.sandbox_api import Api, advanced

BATCH, ME, IMPORT = "/api/v3/batch", "/api/v3/me", "/api/v3/import/bill"
IMPORT_REQUEST = {"fileName": "bills.csv", "data": base64.b64encode(advanced(["1001"]).encode()).decode()}


def codes(sandbox):
    return [batch["batch_code"] for batch in sandbox.batches()]


def opened(api, code="b"):
    return api.call("POST", BATCH, {"batchCode": code})


@pytest.mark.parametrize(("drop", "committed"), [("before", []), ("after", ["b"])])
def test_a_drop_leaves_the_client_without_an_answer(sandbox, api, drop, committed):
    fault = sandbox.fault("POST", BATCH, drop=drop)
    with pytest.raises(requests.ConnectionError):
        opened(api)
    assert codes(sandbox) == committed
    assert fault.hits == 1
    record = sandbox.requests[-1]
    assert (record.status, record.fault, record.body) == (None, f"drop={drop}", {"batchCode": "b"})
    assert opened(api, "next").status_code == 200


def test_a_late_request_takes_effect_at_its_own_time(sandbox, api):
    sandbox.fault("POST", "/api/v3/import/bill", drop="late", commit_after=12)
    sandbox.settings.delay = 5
    with pytest.raises(requests.ConnectionError):
        api.import_file(advanced(["1001"]), importNote="late")
    assert api.get("/api/v3/task") == []
    sandbox.advance(11.9)
    assert sandbox.tasks() == []
    sandbox.advance(60)
    (task,) = api.get("/api/v3/task")
    assert (task["beginDate"], task["endDate"]) == ("2026-01-05T08:00:12.000Z", "2026-01-05T08:00:17.000Z")
    assert task["taskNote"] == "late"
    assert sandbox.requests[0].status is None


def test_imports_that_are_due_before_a_late_request_end_before_it(sandbox, api):
    sandbox.settings.delay = 5
    api.into("new self-contained batch", newBatchCode="X")
    sandbox.fault("POST", "/api/v3/import/bill", drop="late", commit_after=12)
    with pytest.raises(requests.ConnectionError):
        api.into("smart batch", newBatchCode="X")
    sandbox.advance(60)
    # At second 12 the first import has ended and its batch is closed, so the code is in use.
    assert [code[:2] for code in codes(sandbox)] == ["X", "X "]


def test_an_inspection_processes_a_late_request(sandbox, api):
    sandbox.fault("POST", BATCH, drop="late", commit_after=1)
    with pytest.raises(requests.ConnectionError):
        opened(api)
    sandbox.advance(1)
    assert codes(sandbox) == ["b"]


@pytest.mark.parametrize(("double", "named"), [("first", 0), ("second", 1)])
def test_a_doubled_request_takes_effect_twice_and_one_answer_comes_back(sandbox, api, double, named):
    fault = sandbox.fault("POST", IMPORT, double=double)
    guid = api.import_file(advanced(["1001"]), importNote="once").json()["taskGUId"]
    tasks = sandbox.tasks()
    assert [task["note"] for task in tasks] == ["once", "once"]
    assert guid == tasks[named]["task_guid"]
    assert (fault.hits, sandbox.requests[0].fault, len(sandbox.requests)) == (1, f"double={double}", 1)


@pytest.mark.parametrize(("double", "status"), [("first", 200), ("second", 400)])
def test_the_second_of_a_doubled_request_may_be_refused(sandbox, api, double, status):
    sandbox.fault("POST", BATCH, double=double)
    assert opened(api).status_code == status
    assert sandbox.requests[0].status == status
    assert codes(sandbox) == ["b"]


@pytest.mark.parametrize(
    "kind", [{"drop": "after"}, {"drop": "late", "commit_after": 1}, {"hang": True, "commit": True}]
)
def test_a_doubled_request_may_be_lost_all_the_same(sandbox, api, kind):
    sandbox.fault("POST", IMPORT, double="second", **kind)
    with pytest.raises((requests.ConnectionError, requests.ReadTimeout)):
        api.session.post(sandbox.url + IMPORT, json=IMPORT_REQUEST, timeout=0.5)
    sandbox.advance(1)
    assert len(sandbox.tasks()) == 2


def test_a_doubled_request_that_does_not_take_effect_has_none(sandbox, api):
    sandbox.fault("POST", BATCH, double="second", drop="before")
    with pytest.raises(requests.ConnectionError):
        opened(api)
    assert codes(sandbox) == []


@pytest.mark.parametrize(("commit", "committed"), [(None, []), (False, []), (True, ["b"])])
def test_a_status_replaces_the_answer(sandbox, api, commit, committed):
    sandbox.fault("POST", BATCH, status=503, headers={"Retry-After": "7"}, body={"message": "busy"}, commit=commit)
    answer = opened(api)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (503, "7", {"message": "busy"})
    assert answer.headers["Date"] == "Mon, 05 Jan 2026 08:00:00 GMT"
    assert codes(sandbox) == committed
    assert sandbox.requests[-1].status == 503


def test_faults_skip_count_and_match_patterns(sandbox, api):
    sandbox.fault("GET", "/api/v3/batch/*", skip=1, times=2, status=500, body="oops")
    batch = opened(api).json()["batchId"]
    seen = [api.call("GET", f"{BATCH}/{batch}").status_code for _ in range(5)]
    assert seen == [200, 500, 500, 200, 200]
    sandbox.fault("*", BATCH, times=None, status=429)
    assert {api.call("GET", BATCH).status_code for _ in range(5)} == {429}
    assert api.call("GET", ME).status_code == 200
    sandbox.clear_faults()
    assert api.call("GET", BATCH).status_code == 200


def test_a_truncated_answer_announces_more_than_it_sends(sandbox, api):
    sandbox.fault("POST", BATCH, truncate=10)
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])), timeout=5) as raw:
        body = b'{"batchCode": "b"}'
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nECI-ApiKey: {sandbox.api_key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall(head.encode() + body)
        received = b"".join(iter(lambda: raw.recv(4096), b""))
    announced = int(received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert announced > 100
    assert received.partition(b"\r\n\r\n")[2] == b'{"batchId"'
    assert codes(sandbox) == ["b"]


def test_garbage_has_status_200_and_is_not_json(sandbox, api):
    sandbox.fault("POST", BATCH, garbage=True)
    answer = opened(api)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        answer.json()
    assert codes(sandbox) == ["b"]


def test_a_redirect_has_its_location(sandbox, api):
    sandbox.fault("GET", ME, redirect="http://127.0.0.1:9/elsewhere")
    sandbox.fault("GET", ME, redirect="/api/v3/batch", status=302)
    first, second = (api.call("GET", ME, allow_redirects=False) for _ in range(2))
    assert (first.status_code, first.headers["Location"]) == (307, "http://127.0.0.1:9/elsewhere")
    assert (second.status_code, second.headers["Location"]) == (302, "/api/v3/batch")


def test_a_delay_comes_after_the_effect_and_delays_no_other_request(sandbox, api):
    sandbox.fault("POST", BATCH, delay=1)
    begun = time.monotonic()
    waiting = threading.Thread(target=opened, args=(Api(sandbox),))
    waiting.start()
    while not sandbox.requests:
        time.sleep(0.005)
    assert codes(sandbox) == ["b"]
    assert api.call("GET", ME).status_code == 200
    assert waiting.is_alive()
    waiting.join()
    assert time.monotonic() - begun >= 1


def test_clearing_faults_ends_a_hanging_request(sandbox):
    fault = sandbox.fault("GET", ME, hang=True)
    ended = []

    def hang():
        try:
            Api(sandbox).call("GET", ME)
        except requests.ConnectionError:
            ended.append("dropped")

    waiting = threading.Thread(target=hang)
    waiting.start()
    while not fault.hits:
        time.sleep(0.005)
    waiting.join(0.1)
    assert waiting.is_alive()
    sandbox.clear_faults()
    waiting.join(5)
    assert ended == ["dropped"]


def test_a_client_may_disconnect_at_any_time(sandbox, api):
    sandbox.fault("GET", ME, hang=True)
    sandbox.fault("GET", BATCH, delay=5)
    for path in (ME, BATCH):
        with pytest.raises(requests.ReadTimeout):
            api.session.get(sandbox.url + path, timeout=0.05)
    assert api.call("GET", ME).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"drop": "sometimes"},
        {"double": "third"},
        {"status": 99},
        {"drop": "after", "commit_after": 1},
        {"misspelt": True},
    ],
)
def test_wrong_faults_are_refused(sandbox, kind):
    with pytest.raises((ValueError, TypeError)):
        sandbox.fault("GET", ME, **kind)


def storm(seed: int) -> tuple[list[object], list[object], list[str]]:
    with Sandbox(clock="virtual") as sandbox:
        sandbox.chaos(seed, {"drop_before": 0.1, "drop_after": 0.1, "503": 0.2, "429": 0.2, "garbage": 0.1})
        answered: list[object] = []
        api = Api(sandbox)
        for number in range(100):
            try:
                answered.append(opened(api, f"b{number}").status_code)
            except requests.ConnectionError:
                answered.append(None)
        return answered, [record.fault for record in sandbox.requests], codes(sandbox)


def test_chaos_depends_on_its_seed_and_the_log_shows_it():
    answered, faults, found = storm(7)
    assert storm(7) == (answered, faults, found)
    assert storm(8)[1] != faults
    assert {"drop=before", "drop=after", "status=503", "status=429", "garbage=True", None} == set(faults)
    committed = [
        f"b{number}" for number, fault in enumerate(faults) if fault in (None, "drop=after", "garbage=True")
    ]
    assert found == committed
    expected = {"drop=before": None, "drop=after": None, "status=503": 503, "status=429": 429}
    assert answered == [expected.get(fault, 200) for fault in faults]


def test_chaos_refuses_unknown_kinds_and_impossible_probabilities(sandbox):
    for kinds in ({"drop": 0.1}, {"503": 0.6, "429": 0.6}):
        with pytest.raises(ValueError, match=r"chaos|probabilities"):
            sandbox.chaos(1, kinds)
