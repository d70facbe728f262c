"""A report of kickouts: rows with named columns, their messages and files, and lost connections."""

from __future__ import annotations

import errno
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciConnectionError,
    EciError,
    EciNotFoundError,
    EciValidationError,
)
from eci_provider.api.kickouts.files import kickout_file_name
from eci_provider.api.kickouts.report import KickoutRow
from eci_provider.core.spill import Spill
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID
from tests.support.kickout_answers import FIELDS, row
from tests.support.raw_server import RawServer, http


@pytest.fixture
def zip_import(eci_sandbox: Sandbox, client: EciClient, tmp_path: Path) -> str:
    """An import of three files, of which two have kickouts: the second has one column more."""
    eci_sandbox.add_account("1001", ["M1"])
    wider = BILLS.replace(b"CHG:USD:Charge", b"CHG:USD:Charge,USE:KWH:Use").replace(b".00\n", b".00,8\n")
    with zipfile.ZipFile(tmp_path / "bills.zip", "w") as archive:
        archive.writestr("north/a & b.csv", BILLS)
        archive.writestr("good.csv", BILLS.replace(b"9999,20250101,20250131,A,M9", b"1001,20250201,20250228,A,M1"))
        archive.writestr("c.csv", wider.replace(b"9999", b"8888"))
    return client.bill_imports.submit(tmp_path / "bills.zip")


def test_rows_have_the_files_own_columns_and_the_message_beside_them(
    client: EciClient, kicked_out: str, eci_sandbox: Sandbox
) -> None:
    (stored,) = eci_sandbox.kickouts(kicked_out)
    report = client.kickouts.report(kicked_out)

    assert list(report) == [
        KickoutRow(
            "bills.csv",
            stored["message"],
            [
                ("ACCOUNT", "9999"),
                ("STARTDATE", "20250101"),
                ("ENDDATE", "20250131"),
                ("ACE", "A"),
                ("METERCODE", "M9"),
                ("VENDORCODE", ""),
                ("CHG:USD:Charge", "7.00"),
            ],
        )
    ]
    assert report.rows == 1
    assert report.digest() == [{"message": stored["message"], "rows": 1}]
    assert report.files() == [{"file": "bills.csv", "rows": 1}]


def test_rows_of_a_zip_have_the_names_of_their_files(client: EciClient, zip_import: str) -> None:
    report = client.kickouts.report(zip_import, ["north/a & b.csv", "good.csv", "c.csv"])

    rows = list(report)
    assert [(row.file, row.cells[0]) for row in rows] == [
        ("north/a & b.csv", ("ACCOUNT", "9999")),
        ("c.csv", ("ACCOUNT", "8888")),
    ]
    assert [len(row.cells) for row in rows] == [7, 8]
    assert report.files() == [{"file": "north/a & b.csv", "rows": 1}, {"file": "c.csv", "rows": 1}]
    assert report.rows == 2


@pytest.mark.parametrize("names", [None, [], ["unknown.csv"]])
def test_without_names_that_the_server_knows_the_import_is_one_file(
    names: list[str] | None, client: EciClient, zip_import: str
) -> None:
    report = client.kickouts.report(zip_import, names)
    assert [row.file for row in report] == ["bills.zip", "bills.zip"]
    assert report.rows == 2


def test_a_kickout_files_name_is_taken_as_it_is() -> None:
    assert kickout_file_name("Kickouts_a.csv") == "Kickouts_a.csv"
    assert kickout_file_name("x/a.csv") == "Kickouts_x_a.csv"


def test_counting_gives_the_same_sums_as_iterating(client: EciClient, zip_import: str) -> None:
    names = ["north/a & b.csv", "c.csv"]
    read, counted = client.kickouts.report(zip_import, names), client.kickouts.report(zip_import, names).count()
    assert len(list(read)) == 2
    assert (counted.rows, counted.digest(), counted.files()) == (read.rows, read.digest(), read.files())


def test_each_iteration_counts_from_zero(client: EciClient, kicked_out: str) -> None:
    report = client.kickouts.report(kicked_out)
    assert list(report) == list(report)
    assert report.rows == 1


def _details(*accounts: str) -> bytes:
    return json.dumps({"fields": FIELDS, "data": [row("no", account) for account in accounts]}).encode()


def _summary(*messages: str) -> bytes:
    return http("200 OK", json.dumps({"kickoutMessages": messages}).encode())


def _torn(connection: socket.socket) -> None:
    body = _details("1001", "1002")
    connection.sendall(http("200 OK", body)[: -len(body) // 3])
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("count_only", [False, True])
def test_a_connection_lost_in_the_middle_duplicates_no_row(count_only: bool, waits: list[float]) -> None:
    answers = (_summary("no"), _torn, _torn, http("200 OK", _details("1001", "1002")))
    with RawServer(*answers) as server, EciClient(server.url, "key-1", sleep=waits.append) as client:
        report = client.kickouts.report(GUID)
        if count_only:
            report.count()
        else:
            assert [dict(row.cells)["ACCOUNT"] for row in report] == ["1001", "1002"]
    assert report.rows == 2
    assert report.digest() == [{"message": "no", "rows": 2}]
    assert len(waits) == 2


def test_no_row_is_given_out_if_the_rows_are_never_complete(waits: list[float]) -> None:
    with RawServer(_summary("no"), _torn) as server:
        client = EciClient(server.url, "key-1", sleep=waits.append, max_retries=2)
        with client, pytest.raises(EciConnectionError):
            next(iter(client.kickouts.report(GUID)))
    assert len(server.requests) == 1 + 3


def test_rows_are_read_while_the_body_arrives() -> None:
    body, seen = _details("1001", "1002"), threading.Event()

    def halting(connection: socket.socket) -> None:
        answer = http("200 OK", body)
        connection.sendall(answer[:-20])
        seen.wait(60)
        connection.sendall(answer[-20:])

    def read(members: Iterator[tuple[str, Any]]) -> list[str]:
        names = []
        for name, _ in members:
            names.append(name)
            if name == "data":
                seen.set()
        return names

    with RawServer(halting) as server, EciClient(server.url, "key-1") as client:
        assert client.kickouts.stream(GUID, None, "detail", read) == ["fields"] * 4 + ["data"] * 2
        assert len(server.requests) == 1


def test_the_key_is_masked_wherever_the_body_is_cut() -> None:
    key = "secret-key-0123456789"
    body = _details("1001", f"of {key}!")
    for cut in range(body.index(key.encode()) - 1, body.index(key.encode()) + len(key) + 1, 5):

        def answer(connection: socket.socket, cut: int = cut) -> None:
            for part in (body[:cut], body[cut:]):
                connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
            connection.sendall(b"0\r\n\r\n")

        def chunked(connection: socket.socket, cut: int = cut) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            answer(connection, cut)

        with RawServer(_summary("no"), chunked) as server, EciClient(server.url, key) as client:
            assert [dict(row.cells)["ACCOUNT"] for row in client.kickouts.report(GUID)] == ["1001", "of ***!"]


def test_a_full_disk_is_not_reported_as_a_lost_connection(
    client: EciClient, kicked_out: str, eci_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spill, "add", full)
    with pytest.raises(EciError, match=r"on this machine \(OSError: No space left on device in ") as caught:
        list(client.kickouts.report(kicked_out))
    assert type(caught.value) is EciError
    assert [record.path.rpartition("/")[2] for record in eci_sandbox.requests] == ["summary", "detail"]


def test_a_missing_import_is_an_error_unless_missing_is_ok(client: EciClient) -> None:
    with pytest.raises(EciNotFoundError):
        client.kickouts.report(GUID).count()
    report = client.kickouts.report(GUID, missing_ok=True)
    assert list(report) == []
    assert report.rows == 0


def test_an_invalid_guid_is_refused_at_once(client: EciClient) -> None:
    with pytest.raises(EciValidationError, match="task_guid is 'None'"):
        client.kickouts.report("None")
