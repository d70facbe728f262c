from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest
import requests
from sandbox_api import Api, advanced

from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.__main__ import add_accounts, main


def test_importing_the_package_does_not_load_the_server():
    code = "import sys, eci_provider.sandbox; print({'fastapi', 'uvicorn', 'openpyxl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_only_loopback_is_bound(sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    assert sandbox.url.startswith("http://127.0.0.1:")
    with socket.socket() as other:
        other.settimeout(1)
        # On Linux all of 127/8 is this machine: only a socket bound to every address would answer.
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_the_key_is_long_recognisable_and_new_each_time(sandbox):
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


def test_reset_forgets_all_but_users(sandbox, api, other):
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


def test_settings_refuse_what_they_do_not_know(sandbox):
    with pytest.raises(AttributeError):
        sandbox.settings.error_handing = "ProcessValidBills"
    with pytest.raises(ValueError, match="error_handling"):
        sandbox.settings.error_handling = "processValidBills"


def test_a_real_clock_runs_and_can_be_moved():
    with Sandbox() as running:
        behind = time.time() - running.now().timestamp()
        assert abs(behind) < 5
        running.advance(3600)
        assert running.now().timestamp() - time.time() > 3590


def test_the_fixture_is_a_fresh_sandbox(eci_sandbox):
    assert eci_sandbox.batches() == []
    assert Api(eci_sandbox).get("/api/v3/me")["systemUserCode"] == "sandbox"


def test_many_clients_at_once_lose_nothing(sandbox):
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


class TestControl:
    """What other processes may do over HTTP."""

    def call(self, sandbox, method, path, content=None, **headers):
        sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        data = None if content is None else json.dumps(content)
        return requests.request(method, sandbox.url + path, data=data, headers=sent, timeout=10)

    def test_it_does_what_the_object_does(self, sandbox, api):
        assert self.call(sandbox, "POST", "/sandbox/accounts", {"code": "77", "meters": ["M"]}).status_code == 200
        key = self.call(sandbox, "POST", "/sandbox/users", {"code": "u", "create": False}).json()["api_key"]
        user = Api(sandbox, key)
        assert user.call("POST", "/api/v3/batch", {"batchCode": "x"}).status_code == 403
        assert self.call(sandbox, "PATCH", "/sandbox/settings", {"delay": 5}).json()["delay"] == 5
        assert self.call(sandbox, "GET", "/sandbox/settings").json()["echo_notes"] is True
        fault = {"method": "GET", "path": "/api/v3/me", "status": 500}
        assert self.call(sandbox, "POST", "/sandbox/faults", fault).json() == {"fault": "status=500"}
        assert api.call("GET", "/api/v3/me").status_code == 500
        self.call(sandbox, "POST", "/sandbox/faults", {"chaos": {"503": 1.0}, "seed": 1})
        assert api.call("GET", "/api/v3/me").status_code == 503
        self.call(sandbox, "DELETE", "/sandbox/faults")
        guid = api.import_file(advanced(["77", "20250101", "20250131", "A", "M"])).json()["taskGUId"]
        moved = self.call(sandbox, "POST", "/sandbox/clock", {"advance": 5}).json()
        assert moved == {"now": "2026-01-05T08:00:05+00:00"}
        state = self.call(sandbox, "GET", "/sandbox/state").json()
        assert [task["task_guid"] for task in state["tasks"]] == [guid]
        assert [bill["account"] for bill in state["bills"]] == ["77"]
        assert set(state) >= {"batches", "tasks", "bills", "kickouts", "profiles", "accounts"}
        log = self.call(sandbox, "GET", "/sandbox/requests").json()
        assert [entry["status"] for entry in log] == [403, 500, 503, 200]
        self.call(sandbox, "DELETE", "/sandbox/requests")
        assert sandbox.requests == []
        self.call(sandbox, "POST", "/sandbox/reset", {})
        assert sandbox.tasks() == []

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::2]:80"])
    @pytest.mark.parametrize("path", ["/", "/sandbox/state", "/sandbox/requests"])
    def test_other_host_names_are_refused(self, sandbox, host, path):
        assert self.call(sandbox, "GET", path, Host=host).status_code == 403

    @pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8"])
    def test_loopback_names_are_welcome(self, sandbox, host):
        assert self.call(sandbox, "GET", "/sandbox/state", Host=host).status_code == 200

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_writes_need_json(self, sandbox, content_type):
        for method, path in (
            ("POST", "/sandbox/reset"),
            ("PATCH", "/sandbox/settings"),
            ("DELETE", "/sandbox/faults"),
        ):
            assert self.call(sandbox, method, path, {}, Content_Type=content_type).status_code == 415

    @pytest.mark.parametrize(
        ("method", "path", "content"),
        [
            ("PATCH", "/sandbox/settings", {"unknown": 1}),
            ("PATCH", "/sandbox/settings", {"delay": "5"}),
            ("PATCH", "/sandbox/settings", {"error_format": "xml"}),
            ("POST", "/sandbox/faults", {"method": "GET", "path": "/x"}),
            ("POST", "/sandbox/faults", {"unknown": 1}),
            ("POST", "/sandbox/faults", {"chaos": {"drop": 1}}),
            ("POST", "/sandbox/accounts", {"meters": ["M"]}),
            ("POST", "/sandbox/accounts", {"code": "1", "meters": [{"serial_number": "1"}]}),
            ("POST", "/sandbox/users", {"code": "u", "fly": True}),
            ("POST", "/sandbox/users", {"code": "sandbox"}),
            ("POST", "/sandbox/clock", {"advance": "1"}),
            ("POST", "/sandbox/clock", []),
        ],
    )
    def test_nonsense_is_400(self, sandbox, method, path, content):
        assert self.call(sandbox, method, path, content).status_code == 400


def test_the_page_shows_everything_and_runs_nothing(sandbox, api):
    evil = "<script>alert(1)</script>"
    api.open_batch(f"batch {evil}", note=f"note {evil}")
    api.imported(advanced([f"account {evil}"], ["1001"]), f"file {evil}.csv", importNote=f"import {evil}")
    page = requests.get(sandbox.url + "/", timeout=10)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>EnergyCAP sandbox</title>" in page.text
    assert "<script" not in page.text
    for shown in ("batch", "note", "account", "file", "import"):
        assert f"{shown} &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert sandbox.tasks()[0]["task_guid"] in page.text
    assert "Completed with kickouts" in page.text
    assert "12.50" in page.text
    assert "src=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_accounts_of_a_csv_file(sandbox, tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_text("account,meter,vendor,service_start,active\n5,A,V,2020-01-01,\n5,B,V,,\n6,,,,false\n")
    add_accounts(sandbox, str(path))
    five, six = sandbox.accounts()[2:]
    assert ([meter["code"] for meter in five["meters"]], five["vendor_code"]) == (["A", "B"], "V")
    assert (five["service_start"], five["active"]) == ("2020-01-01", True)
    assert (six["code"], six["meters"], six["active"]) == ("6", [], False)
    path.write_text("account\n5\n")
    with pytest.raises(ValueError, match="meter"):
        add_accounts(sandbox, str(path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_and_ends_cleanly(number, tmp_path):
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,meter\n1001,M1\n")
    key = "sandbox-chosen-key"
    command = [sys.executable, "-X", "dev", "-m", "eci_provider.sandbox", "--port", "0", "--virtual-clock"]
    process = subprocess.Popen(
        [*command, "--api-key", key, "--accounts", str(accounts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        lines = iter(process.stdout.readline, "")
        exported = next(line for line in lines if line.startswith("export AIRFLOW_CONN_ECI_DEFAULT='"))
        connection = json.loads(exported.partition("'")[2].rpartition("'")[0])
        assert (connection["conn_type"], connection["password"]) == ("eci", key)
        headers = {"ECI-ApiKey": key, "Content-Type": "application/json"}
        me = requests.get(connection["host"] + "/api/v3/me", headers=headers, timeout=10)
        assert me.headers["Date"] == "Mon, 05 Jan 2026 08:00:00 GMT"
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_the_command_says_why_it_cannot_start(sandbox, capsys):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for arguments in (["--port", sandbox.url.rpartition(":")[2]], ["--path", "/no/such/folder/state.db"]):
            assert main(arguments) == 1
            assert capsys.readouterr().err.startswith("The sandbox cannot start: ")
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
