"""A plain HTTP client that obeys the documentation, and files to send with it."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import requests

from eci_provider.sandbox import Sandbox

ADVANCED = [
    "ACCOUNT",
    "STARTDATE",
    "ENDDATE",
    "ACE",
    "METERCODE",
    "VENDORCODE",
    "USE:KWH:Energy",
    "CHG:USD:Charge",
]


class Api:
    """Requests with one user's key; every answer is checked for nothing, so tests say what they expect."""

    def __init__(self, sandbox: Sandbox, key: str | None = None) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"ECI-ApiKey": key or sandbox.api_key, "Content-Type": "application/json"})

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        return self.session.request(method, self.sandbox.url + path, json=json, timeout=10, **more)

    def get(self, path: str, **query: Any) -> Any:
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def open_batch(self, code: str, **more: Any) -> int:
        response = self.call("POST", "/api/v3/batch", {"batchCode": code, **more})
        assert response.status_code == 200, response.text
        return int(response.json()["batchId"])

    def set_status(self, batch_id: int, status: str, note: str | None = None, leave: bool | None = False) -> int:
        body = {"batchStatus": status, "leaveOpenBatchesAsIs": leave, "note": note}
        return self.call("PUT", f"/api/v202206/batch/{batch_id}/status", body).status_code

    def import_file(self, data: bytes | str, file_name: str = "bills.csv", **more: Any) -> requests.Response:
        raw = data.encode() if isinstance(data, str) else data
        body = {"data": base64.b64encode(raw).decode(), "fileName": file_name, **more}
        return self.call("POST", "/api/v3/import/bill", body)

    def imported(self, data: bytes | str, file_name: str = "bills.csv", **more: Any) -> dict[str, Any]:
        """Import and return the task as it stands after the request."""
        response = self.import_file(data, file_name, **more)
        assert response.status_code == 200, response.text
        return self.task(response.json()["taskGUId"])

    def into(self, mode: str | None, data: str | None = None, **companions: Any) -> requests.Response:
        """Import one good bill with batch settings."""
        settings = {"batchMode": mode, **companions}
        return self.import_file(data or advanced(["1001"]), batchSettings=settings)

    def task(self, guid: str) -> dict[str, Any]:
        task: dict[str, Any] = self.get(f"/api/v3/task/{guid}")
        return task

    def messages(self, guid: str) -> list[str]:
        summary = self.get(f"/api/v202401/import/bill/task/{guid}/kickout/summary")
        messages: list[str] = summary["kickoutMessages"]
        return messages


def advanced(*rows: list[str]) -> str:
    """Write an Advanced file; a row gives its first cells, the rest are those of a good bill."""
    good = ["1001", "20250101", "20250131", "A", "M1", "", "100", "12.50"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ADVANCED)
    writer.writerows([*row, *good[len(row) :]] for row in rows)
    return text.getvalue()
