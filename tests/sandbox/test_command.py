"""The command line of the sandbox."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import requests

from eci_provider.sandbox.__main__ import add_accounts, main


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
    # Not "-X dev": with it asyncio writes a line about each step that a busy machine makes slow.
    command = [sys.executable, "-W", "default", "-m", "eci_provider.sandbox", "--port", "0", "--virtual-clock"]
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
        for template in connection["extra"]["ui_url_template"].split():
            page = template.format(host=connection["host"], task_guid="none", batch_id=7)
            assert requests.get(page, timeout=10).headers["Content-Type"] == "text/html; charset=utf-8"
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
        assert main(["--port", "0", "--path", "/no/such/folder/state.db"]) == 1
        assert capsys.readouterr().err.startswith("The sandbox cannot start: ")
        port = sandbox.url.rpartition(":")[2]
        assert main(["--port", port]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"Port {port} of 127.0.0.1 is in use by ")
        assert re.search(r"Port (\d+) is free\. Take another one: --port \1\n$", said)
        assert main(["--port", "70000"]) == 2
        assert capsys.readouterr().err.startswith("70000 is no port: ports are 0 to 65535.")
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
