"""Data of the API's tests: a bill file, a column mapping, the documentation's examples, and the requests sent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, BinaryIO

from eci_provider.sandbox import Sandbox

GUID = "123e4567-e89b-12d3-a456-426614174000"
#: An Advanced file: two bills, the second of an account that no sandbox here knows.
BILLS = (
    b"ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,VENDORCODE,CHG:USD:Charge\n"
    b"1001,20250101,20250131,A,M1,,12.50\n"
    b"9999,20250101,20250131,A,M9,,7.00\n"
)
MAPPING = {
    "dateFormat": "yyyymmdd",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "observations": [{"columnIndex": 4, "observationTypeCode": "CHG", "caption": "Charge", "unitCode": "USD"}],
}
#: A file's header, in which two columns have the same name and one has none, and a mapping by its names.
HEADER = ["Account", "Start", "End", "Use", "Charge", "Charge", ""]
NAMES: dict[str, Any] = {
    "date_format": "yyyymmdd",
    "account_code": "Account",
    "start_date": " Start ",
    "end_date": "End",
    "observations": [{"column": "Use", "observation_type_code": "USE", "unit_code": "kWh"}],
}
EXAMPLES = Path(__file__).parents[1] / "api" / "examples"


class BillBytes:
    """A bill file that is no local path: anything with a name, ``exists`` and ``open`` will do."""

    name = "bills.csv"

    def __init__(self, content: bytes = BILLS) -> None:
        self._content = content

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> BinaryIO:
        assert mode == "rb"
        return io.BytesIO(self._content)


def example(name: str) -> dict[str, Any]:
    """Return the example body of a documentation page, unchanged."""
    body: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return body


def sent(sandbox: Sandbox) -> list[tuple[str, str, dict[str, str], Any]]:
    """Return method, path, query and JSON body of every request that arrived."""
    return [(record.method, record.path, record.query, record.body) for record in sandbox.requests]
