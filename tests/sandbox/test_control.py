"""The sandbox's controls for other processes."""

from __future__ import annotations

import json

import pytest
import requests

from tests.sandbox.sandbox_api import Api, advanced


class TestControl:
    """Requests of other processes."""

    def call(self, sandbox, method, path, content=None, **headers):
        sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        data = None if content is None else json.dumps(content)
        return requests.request(method, sandbox.url + path, data=data, headers=sent, timeout=10)

    def test_it_does_the_same_as_the_object(self, sandbox, api):
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
    @pytest.mark.parametrize(
        "path", ["/", "/batches/1", "/imports/1", "/assets/live.js", "/sandbox/state", "/sandbox/requests"]
    )
    def test_other_host_names_are_refused(self, sandbox, host, path):
        assert self.call(sandbox, "GET", path, Host=host).status_code == 403

    @pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8"])
    def test_loopback_names_are_accepted(self, sandbox, host):
        assert self.call(sandbox, "GET", "/sandbox/state", Host=host).status_code == 200

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_changes_require_json(self, sandbox, content_type):
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
    def test_wrong_input_is_400(self, sandbox, method, path, content):
        assert self.call(sandbox, method, path, content).status_code == 400

    def test_an_account_without_a_code_is_refused_with_an_example(self, sandbox):
        answer = self.call(sandbox, "POST", "/sandbox/accounts", {"meters": ["M"]})
        assert 'code is required, as in {"code": "1003", "meters": ["M-3"]}.' in answer.text.replace("\\", "")
