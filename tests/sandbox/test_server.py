"""A sandbox in a process: start, stop, keys, state and clock."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest
import requests

from eci_provider.sandbox import Sandbox
from tests.sandbox.sandbox_api import Api, advanced


def test_importing_the_package_does_not_load_the_server():
    code = "import sys, eci_provider.sandbox; print({'fastapi', 'uvicorn', 'openpyxl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_only_loopback_is_bound(sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    assert sandbox.url.startswith("http://127.0.0.1:")
    with socket.socket() as other:
        other.settimeout(1)
        # On Linux, all of 127/8 is this machine. Only a socket that is bound to all addresses would answer.
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_the_key_is_long_and_new_for_each_sandbox(sandbox):
    assert sandbox.api_key.startswith("sandbox-")
    assert len(sandbox.api_key) >= 32
    with Sandbox() as second:
        assert second.api_key != sandbox.api_key
        assert second.url != sandbox.url
        assert Api(second, sandbox.api_key).call("GET", "/api/v3/me").status_code == 401


def test_stop_is_quick_and_leaves_nothing_behind():
    def hang():
        with contextlib.suppress(requests.ConnectionError):
            api.call("GET", "/api/v3/me")

    before = set(threading.enumerate())
    handler = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        running = Sandbox().start()
        api = Api(running)
        assert api.call("GET", "/api/v3/me").status_code == 200
        running.fault("GET", "/api/v3/me", hang=True)
        threading.Thread(target=hang).start()
        while len(running.requests) < 2:
            time.sleep(0.005)
        address = ("127.0.0.1", int(running.url.rpartition(":")[2]))
        begun = time.monotonic()
        running.stop()
        assert time.monotonic() - begun < 1
    with socket.socket() as late:
        assert late.connect_ex(address) != 0
    while set(threading.enumerate()) - before:
        assert time.monotonic() - begun < 2, threading.enumerate()
        time.sleep(0.01)
    assert signal.getsignal(signal.SIGINT) is handler
    running.stop()


def test_a_file_keeps_the_state_and_the_unfinished_import(tmp_path):
    path = str(tmp_path / "state.db")
    with Sandbox(path, clock="virtual", delay=10) as first:
        first.add_account("1001", ["M1"])
        guid = Api(first).import_file(advanced(["1001"]), importNote="kept").json()["taskGUId"]
        first.advance(4)
        key = first.api_key
    with Sandbox(path, clock="virtual") as second:
        assert second.api_key == key
        assert second.now().isoformat() == "2026-01-05T08:00:04+00:00"
        assert Api(second, key).task(guid)["endDate"] is None
        second.advance(6)
        task = Api(second, key).task(guid)
        assert (task["taskNote"], task["currentSuccessCount"]) == ("kept", 1)


def test_reset_deletes_everything_except_users(sandbox, api, other):
    api.imported(advanced(["1001"], ["nobody"]))
    sandbox.settings.echo_notes = False
    sandbox.fault("GET", "/api/v3/me", times=None, status=500)
    sandbox.reset()
    for look in (sandbox.batches, sandbox.tasks, sandbox.bills, sandbox.kickouts, sandbox.accounts):
        assert look() == []
    assert sandbox.settings.echo_notes is True
    assert sandbox.requests == []
    assert other.call("GET", "/api/v3/me").status_code == 200
    assert api.open_batch("first again") == 1


def test_unknown_settings_and_values_are_refused(sandbox):
    with pytest.raises(AttributeError):
        sandbox.settings.error_handing = "ProcessValidBills"
    with pytest.raises(ValueError, match="error_handling"):
        sandbox.settings.error_handling = "processValidBills"


def test_a_real_clock_can_be_moved():
    with Sandbox() as running:
        behind = time.time() - running.now().timestamp()
        assert abs(behind) < 5
        running.advance(3600)
        assert running.now().timestamp() - time.time() > 3590


def test_the_fixture_is_a_new_sandbox(eci_sandbox):
    assert eci_sandbox.batches() == []
    assert Api(eci_sandbox).get("/api/v3/me")["systemUserCode"] == "sandbox"


def test_many_clients_at_the_same_time_lose_nothing(sandbox):
    def work(number):
        api = Api(sandbox)
        for turn in range(5):
            api.open_batch(f"{number}-{turn}")
            assert len(sandbox.batches()) >= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {batch["batch_code"] for batch in sandbox.batches()} == {
        f"{n}-{t}" for n in range(10) for t in range(5)
    }
