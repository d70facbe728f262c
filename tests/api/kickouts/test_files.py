"""The file of each kicked-out row: each row once, even if file names are wrong or missing."""

from __future__ import annotations

import json
import socket
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciNotFoundError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID
from tests.support.raw_server import RawServer, http

HEADER = BILLS.partition(b"\n")[0] + b"\n"
BASE = f"/api/v202401/import/bill/task/{GUID}/kickout"
#: A report as these tests see it: of each row its file and its account.
Rows = list[tuple[str, str]]


def _bills(*accounts: str) -> bytes:
    return HEADER + b"".join(f"{account},20250101,20250131,A,M9,,7.00\n".encode() for account in accounts)


@pytest.fixture
def imported(client: EciClient, tmp_path: Path) -> Callable[..., str]:
    """Import a ZIP of such files, all of whose rows are kicked out."""

    def submit(**files: Sequence[str]) -> str:
        with zipfile.ZipFile(tmp_path / "bills.zip", "w") as archive:
            for name, accounts in files.items():
                archive.writestr(name, _bills(*accounts))
        return client.bill_imports.submit(tmp_path / "bills.zip")

    return submit


def _rows(report: Any, column: str = "ACCOUNT") -> Rows:
    return [(row.file, dict(row.cells)[column]) for row in report]


def test_rows_of_a_file_whose_name_is_missing_are_listed(
    client: EciClient, imported: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    guid = imported(**{"a.csv": ["1"], "b.csv": ["2", "3"]})
    report = client.kickouts.report(guid, ["a.csv", "a.xlsx"])

    assert _rows(report) == [("a.csv", "1"), ("bills.zip", "2"), ("bills.zip", "3")]
    assert report.rows == 3
    assert report.files() == [{"file": "bills.zip", "rows": 2}, {"file": "a.csv", "rows": 1}]
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"import {guid}: 2 of 3 rows" in warning
    assert "knows no kickouts of 'a.xlsx'." in warning


def test_a_name_without_kickouts_causes_no_warning(
    client: EciClient, imported: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    guid = imported(**{"a.csv": ["1"], "b.csv": ["2", "3"]})

    assert len(_rows(client.kickouts.report(guid, ["a.csv", "good.csv", "b.csv"]))) == 3
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_each_of_several_equal_rows_is_listed_once(client: EciClient, imported: Callable[..., str]) -> None:
    guid = imported(**{"a.csv": ["1", "1"], "b.csv": ["1", "1", "1"], "c.csv": ["2"]})

    assert _rows(client.kickouts.report(guid, ["a.csv", "c.csv"])) == [
        *[("a.csv", "1")] * 2,
        ("c.csv", "2"),
        *[("bills.zip", "1")] * 3,
    ]


@pytest.mark.parametrize("names", [["may/a.csv", "may_a.csv"], ["a.csv", "Kickouts_a.csv"]])
def test_files_that_share_a_kickout_file_are_listed_together(
    names: list[str], client: EciClient, imported: Callable[..., str]
) -> None:
    guid = imported(**{names[0]: ["1"], names[1]: ["2"], "b.csv": ["3"]})
    both = f"{names[0]} or {names[1]}"

    rows = _rows(client.kickouts.report(guid, [*names, "b.csv"]))

    assert sorted(rows) == sorted([(both, "1"), (both, "2"), ("b.csv", "3")])


def test_rows_by_name_that_match_the_whole_import_are_each_read_once(
    client: EciClient, imported: Callable[..., str], eci_sandbox: Sandbox
) -> None:
    guid = imported(**{"a.csv": ["1"], "b.csv": ["2"]})
    before = len(eci_sandbox.requests)

    list(client.kickouts.report(guid, ["a.csv", "b.csv"]))

    asked = [record.path.partition("/kickout/")[2] for record in eci_sandbox.requests[before:]]
    assert sorted(asked) == ["Kickouts_a.csv/detail", "Kickouts_b.csv/detail", "detail", "summary"]


def test_an_import_without_kickouts_is_not_read_by_name(client: EciClient, eci_sandbox: Sandbox) -> None:
    report = client.kickouts.report(GUID, ["a.csv", "b.csv"], missing_ok=True)

    assert list(report) == []
    assert report.rows == 0
    assert [record.path for record in eci_sandbox.requests] == [f"{BASE}/summary", f"{BASE}/detail"]


# Servers whose rows by name differ from those of the whole import


def _details(*rows: Sequence[str]) -> dict[str, Any]:
    fields = [{"id": number, "name": name} for number, name in enumerate(("Message", "ACCOUNT", "Use", "Use"))]
    data = [[{"fieldId": number, "value": value} for number, value in enumerate(row)] for row in rows]
    return {"fields": fields, "data": data}


@pytest.fixture
def answering(eci_sandbox: Sandbox) -> Callable[..., None]:
    """Let the server answer with these rows of the whole (404 without), and by the names of kickout files."""

    def prepare(whole: dict[str, Any] | None, **by_name: dict[str, Any]) -> None:
        summary = {"kickoutMessages": ["no"], "fileName": "Kickouts_bills.zip"}
        eci_sandbox.fault("GET", f"{BASE}/summary", times=9, status=200 if whole else 404, body=summary)
        eci_sandbox.fault("GET", f"{BASE}/detail", times=9, status=200 if whole else 404, body=whole)
        for name, body in by_name.items():
            eci_sandbox.fault("GET", f"{BASE}/Kickouts_{name}.csv/detail", times=9, status=200, body=body)

    return prepare


def test_names_that_return_the_same_rows_duplicate_none(
    client: EciClient, answering: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    every = _details(["no", "1"], ["no", "2"])
    answering(every, a=every, A=every)

    assert _rows(client.kickouts.report(GUID, ["a.csv", "A.csv"])) == [("bills.zip", "1"), ("bills.zip", "2")]
    assert "EnergyCAP returned 4 rows, some of them more than once" in caplog.text


@pytest.mark.parametrize("whole", [None, _details()], ids=["404", "no rows"])
def test_rows_by_name_are_listed_if_the_whole_import_has_none(
    whole: dict[str, Any] | None, client: EciClient, answering: Callable[..., None]
) -> None:
    answering(whole, a=_details(["no", "1"]), b=_details(["no", "2"]))
    report = client.kickouts.report(GUID, ["a.csv", "x.csv", "b.csv"])

    assert _rows(report) == [("a.csv", "1"), ("b.csv", "2")]
    assert report.rows == 2
    assert report.digest() == [{"message": "no", "rows": 2}]


def test_an_import_that_is_not_found_at_all_is_an_error(client: EciClient, answering: Callable[..., None]) -> None:
    answering(None)
    with pytest.raises(EciNotFoundError):
        list(client.kickouts.report(GUID, ["a.csv", "b.csv"]))


def test_a_row_is_the_same_with_other_ids_order_and_columns(
    client: EciClient, answering: Callable[..., None]
) -> None:
    fields = [{"id": 9, "name": "Use"}, {"id": 8, "name": "ACCOUNT"}, {"id": 7, "name": "Use"}]
    data = [[{"fieldId": 9, "value": "5"}, {"fieldId": 7, "value": "6"}, {"fieldId": 8, "value": "1"}]]
    whole = _details(["", "1", "5", "6"], ["", "1", "6", "5"], ["", "2", "", ""])
    answering(whole, a={"data": data, "fields": fields})

    rows = list(client.kickouts.report(GUID, ["a.csv", "b.csv"]))

    uses = [(row.file, [value for name, value in row.cells if name == "Use"]) for row in rows]
    assert uses == [("a.csv", ["5", "6"]), ("bills.zip", ["6", "5"]), ("bills.zip", ["", ""])]


def test_complete_rows_by_name_are_listed_by_file_though_spelled_otherwise(
    client: EciClient, answering: Callable[..., None]
) -> None:
    whole = _details(["Row 1: no", "1"], ["Row 2: no", "2"])
    answering(whole, a=_details(["no", "1"]), b=_details(["no", "2"]))

    assert _rows(client.kickouts.report(GUID, ["a.csv", "b.csv"])) == [("a.csv", "1"), ("b.csv", "2")]


def test_rows_by_name_that_are_spelled_otherwise_are_not_duplicated(
    client: EciClient, answering: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    answering(_details(["Row 1: no", "1"], ["Row 2: no", "2"]), a=_details(["no", "1"]))

    assert _rows(client.kickouts.report(GUID, ["a.csv"])) == [("bills.zip", "1"), ("bills.zip", "2")]
    assert "spells rows otherwise" in caplog.text


def test_a_connection_lost_within_a_file_loses_no_row_of_the_file_before(waits: list[float]) -> None:
    def answer(*accounts: str) -> bytes:
        return http("200 OK", json.dumps(_details(*(["no", account] for account in accounts))).encode())

    def torn(connection: socket.socket) -> None:
        connection.sendall(answer("3", "4")[:-20])
        connection.shutdown(socket.SHUT_RDWR)

    summary = http("200 OK", b'{"kickoutMessages": ["no"]}')
    answers = (summary, answer("1", "2", "3", "4"), answer("1", "2"), torn, answer("3", "4"))
    with RawServer(*answers) as server, EciClient(server.url, "key-1", sleep=waits.append) as client:
        rows = _rows(client.kickouts.report(GUID, ["a.csv", "b.csv"]))

    assert rows == [("a.csv", "1"), ("a.csv", "2"), ("b.csv", "3"), ("b.csv", "4")]
    assert len(waits) == 1
