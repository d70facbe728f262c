"""Keys, permissions, headers and formats of errors."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.sandbox_api import Api


def test_a_missing_or_unknown_key_is_401(sandbox, api):
    headers = {"Content-Type": "application/json"}
    for given in ({}, {"ECI-ApiKey": "sandbox-unknown"}):
        answer = requests.get(sandbox.url + "/api/v3/me", headers=headers | given, timeout=10)
        assert answer.status_code == 401
    assert api.call("GET", "/api/v3/me").status_code == 200


def test_a_revoked_key_is_401_at_once(sandbox, other):
    assert other.call("GET", "/api/v3/me").status_code == 200
    sandbox.revoke_key(other.session.headers["ECI-ApiKey"])
    assert other.call("GET", "/api/v3/me").status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_every_request_needs_the_json_content_type(sandbox, method):
    headers = {"ECI-ApiKey": sandbox.api_key}
    path = "/api/v3/batch" if method == "POST" else "/api/v3/batch/1"
    for content_type in (None, "text/plain"):
        sent = headers if content_type is None else headers | {"Content-Type": content_type}
        answer = requests.request(method, sandbox.url + path, headers=sent, data=b"{}", timeout=10)
        assert answer.status_code == 415
    accepted = headers | {"Content-Type": "application/json; charset=utf-8"}
    assert requests.get(sandbox.url + "/api/v3/batch", headers=accepted, timeout=10).status_code == 200


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_permission_answers_either_status(sandbox, status):
    sandbox.settings.permission_status = status
    reader = Api(sandbox, sandbox.add_user("reader", create=False, delete=False, manage=False))
    assert reader.call("POST", "/api/v3/batch", {"batchCode": "x"}).status_code == status
    assert reader.call("GET", "/api/v3/batch").status_code == 200


def test_each_endpoint_requires_its_permission(sandbox, api):
    batch = api.open_batch("b")
    blind = Api(sandbox, sandbox.add_user("blind", view=False))
    assert blind.call("GET", "/api/v3/batch").status_code == 403
    assert blind.call("GET", f"/api/v3/batch/{batch}").status_code == 403
    assert blind.call("GET", "/api/v3/workflow/billImport").status_code == 403
    assert blind.call("GET", "/api/v3/import/bill/profile").status_code == 403
    assert blind.call("GET", "/api/v3/task").status_code == 200, "tasks list no permission"
    keeper = Api(sandbox, sandbox.add_user("keeper", delete=False))
    assert keeper.call("DELETE", f"/api/v3/batch/{batch}").status_code == 403
    sandbox.set_permissions("keeper", delete=True)
    assert keeper.call("DELETE", f"/api/v3/batch/{batch}").status_code == 204


def test_me_shows_user_permissions_and_a_token_that_field_reduction_hides(sandbox, other):
    me = other.get("/api/v3/me")
    assert me["systemUserCode"] == "other"
    assert me["fullName"] == "Other User"
    assert me["permissions"]["billsAndBatches"] == {
        "view": True,
        "create": True,
        "edit": True,
        "delete": True,
        "manage": False,
    }
    assert me["token"] == sandbox.token
    assert other.get("/api/v3/me", field="systemUserCode,fullName") == {
        "systemUserCode": "other",
        "fullName": "Other User",
    }


def test_workflow_follows_the_setting_and_bill_capture_forces_it(sandbox, api):
    path = "/api/v3/workflow/billImport"
    assert api.get(path)["errorHandling"] == "ProcessValidBills"
    sandbox.settings.bill_capture = True
    assert api.get(path)["errorHandling"] == "MarkBatchPending"


@pytest.mark.parametrize(
    ("error_format", "content_type", "begins"),
    [
        ("json", "application/json", '{"message"'),
        ("json_string", "application/json", '"Batch'),
        ("text", "text/plain", "Batch"),
        ("html", "text/html", "<html"),
    ],
)
def test_errors_come_in_the_chosen_format(sandbox, api, error_format, content_type, begins):
    sandbox.settings.error_format = error_format
    answer = api.call("GET", "/api/v3/batch/99")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.text.startswith(begins)
    assert "Batch 99 was not found." in answer.text


def test_the_date_header_is_the_sandbox_clock(sandbox, api):
    assert api.call("GET", "/api/v3/me").headers["Date"] == "Mon, 05 Jan 2026 08:00:00 GMT"
    sandbox.advance(-3600)
    assert api.call("GET", "/api/v3/me").headers["Date"] == "Mon, 05 Jan 2026 07:00:00 GMT"


def test_a_deprecated_path_names_its_successor(sandbox, api):
    sandbox.settings.deprecated = {"/api/v3/batch": "v202701 OpenBatchV202701"}
    assert api.call("GET", "/api/v3/batch").headers["ECI-Deprecated"] == "v202701 OpenBatchV202701"
    assert "ECI-Deprecated" not in api.call("GET", "/api/v3/me").headers


def test_requests_are_logged(sandbox, api, other):
    api.call("POST", "/api/v3/batch", {"batchCode": "x", "misspelt": 1}, params={"a": "b c"})
    other.call("GET", "/api/v3/batch/77")
    first, second = sandbox.requests
    assert (first.method, first.path, first.query) == ("POST", "/api/v3/batch", {"a": "b c"})
    assert first.body == {"batchCode": "x", "misspelt": 1}
    assert first.headers["eci-apikey"] == sandbox.api_key
    assert (first.status, first.user, first.fault) == (200, "sandbox", None)
    assert first.connection.startswith("127.0.0.1:")
    assert first.at == "2026-01-05T08:00:00.000Z"
    assert (second.status, second.user) == (404, "other")
    assert first.connection != second.connection
    sandbox.clear_requests()
    assert sandbox.requests == []
