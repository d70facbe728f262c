"""A plain HTTP client that follows the documentation, and files for it to send."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from typing import Any

import openpyxl
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

#: A column mapping, and the header of a file that it describes.
MAPPING = {
    "dateFormat": "mm/dd/yyyy",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "meterCodeColumnIndex": 4,
    "observations": [
        {"columnIndex": 5, "observationTypeCode": "TOTAL", "caption": "Charge", "unitCode": "USD"},
        {"columnIndex": 6, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"},
    ],
}
HEADER = "Account,Start,End,Meter,Charge,Energy\n"


class Api:
    """Client with one user's key. It does not check the status of most answers; the tests do."""

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
        """Import a file, and return its task right after the request."""
        response = self.import_file(data, file_name, **more)
        assert response.status_code == 200, response.text
        return self.task(response.json()["taskGUId"])

    def into(self, mode: str | None, data: str | None = None, **companions: Any) -> requests.Response:
        """Import one valid bill with batch settings."""
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
    """Return a file in Advanced format. Cells that a row does not have are those of a valid bill."""
    good = ["1001", "20250101", "20250131", "A", "M1", "", "100", "12.50"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ADVANCED)
    writer.writerows([*row, *good[len(row) :]] for row in rows)
    return text.getvalue()


def profile(api: Api, code: str = "P", **changed: object) -> str:
    """Create an import profile with the mapping, and return its code."""
    answer = api.call(
        "POST", "/api/v3/import/bill/profile", {"profileCode": code, "columnMapping": MAPPING | changed}
    )
    assert answer.status_code == 200, answer.text
    return code


def workbook(*rows: list[object]) -> bytes:
    """Return a workbook with rows in its first sheet, and a second sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("second").append(["not", "read"])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def zipped(**files: bytes | str) -> bytes:
    """Return a ZIP of files; ``__`` in a name stands for its dot."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return target.getvalue()
