"""A report of kickouts: rows by name, messages counted, by file; whatever the server's answer looks like."""

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
    EciNotFoundError,
    EciUnreadableResponseError,
    EciValidationError,
)
from eci_provider.api.kickouts import messages as kickout_messages
from eci_provider.api.kickouts import sums as kickout_sums
from eci_provider.api.kickouts.files import kickout_file_name
from eci_provider.api.kickouts.report import KickoutReport, KickoutRow
from eci_provider.core.spill import Spill
from eci_provider.sandbox import Sandbox
from tests.api.conftest import BILLS, GUID, RawServer, http

BASE = f"/api/v202401/import/bill/task/{GUID}/kickout"
FIELDS = [
    {"id": 1, "name": "Why"},
    {"id": 2, "name": "ACCOUNT"},
    {"id": 3, "name": "Use"},
    {"id": 4, "name": "Use"},
]


def _row(*values: Any) -> list[dict[str, Any]]:
    return [{"fieldId": number, "value": value} for number, value in enumerate(values, start=1)]


@pytest.fixture
def answering(eci_sandbox: Sandbox, client: EciClient) -> Any:
    """Let the server answer with these messages and this body of details."""

    def prepare(messages: Any, details: Any, **summary: Any) -> KickoutReport:
        body = {"taskGuid": GUID, "kickoutMessages": messages, **summary}
        eci_sandbox.fault("GET", f"{BASE}/summary", times=9, status=200, body=body)
        eci_sandbox.fault("GET", f"{BASE}/detail", times=9, status=200, body=details)
        return client.kickouts.report(GUID)

    return prepare


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


def test_the_files_of_a_zip_are_told_apart_by_their_names(client: EciClient, zip_import: str) -> None:
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


def test_an_iteration_counts_anew(client: EciClient, kicked_out: str) -> None:
    report = client.kickouts.report(kicked_out)
    assert list(report) == list(report)
    assert report.rows == 1


# Shapes


@pytest.mark.parametrize(
    "details",
    [
        {"fields": FIELDS, "data": [_row("no", "1001", "5", "6"), _row("no", "1002", "7", "8")]},
        {"data": [_row("no", "1001", "5", "6"), _row("no", "1002", "7", "8")], "fields": FIELDS},
        {
            "DATA": [
                [
                    {"FieldID": "1", "Value": "no"},
                    {"fieldid": "2", "VALUE": 1001},
                    None,
                    {"fieldId": 4, "value": 6},
                    {"fieldId": 3, "value": 5},
                ],
                _row("no", 1002, 7, 8),
            ],
            "other": {"data": [1]},
            "Fields": [{"Id": field["id"], "NAME": field["name"]} for field in FIELDS],
            "more": [[[]]],
        },
    ],
    ids=["as documented", "fields last", "other cases, types and keys"],
)
def test_any_shape_gives_the_same_rows(details: Any, answering: Any) -> None:
    report = answering(["no"], details, fileName="Kickouts_a.csv")
    assert [row.cells for row in report] == [
        [("ACCOUNT", "1001"), ("Use", "5"), ("Use", "6")],
        [("ACCOUNT", "1002"), ("Use", "7"), ("Use", "8")],
    ]
    assert report.digest() == [{"message": "no", "rows": 2}]


def test_missing_unknown_and_doubled_cells_lose_nothing(answering: Any) -> None:
    rows = [
        [{"fieldId": 1, "value": "no"}, {"fieldId": 99, "value": "?"}],
        [{"value": "no"}, {"fieldId": 2}, {"fieldId": 3, "value": "5"}, {"fieldId": 3, "value": "again"}],
        [],
        None,
    ]
    report = answering(["no"], {"fields": FIELDS, "data": rows})
    assert [row.cells for row in report] == [
        [("ACCOUNT", ""), ("Use", ""), ("Use", ""), ("", "?")],
        [("ACCOUNT", ""), ("Use", "5"), ("Use", ""), ("", "no"), ("Use", "again")],
        [("ACCOUNT", ""), ("Use", ""), ("Use", "")],
    ]
    assert [row.message for row in report] == ["no", "no", ""]


@pytest.mark.parametrize("details", [{}, {"fields": None, "data": None}, {"fields": [], "data": []}], ids=repr)
@pytest.mark.parametrize(("messages", "rows"), [([], 0), (None, 0), (["no"], None)])
def test_messages_without_rows_mean_that_the_rows_are_not_told(
    details: Any, messages: Any, rows: int | None, answering: Any
) -> None:
    report = answering(messages, details)
    assert list(report) == []
    assert report.rows == rows
    assert report.without_rows() == (messages or [])
    assert report.files() == []


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"data": [["1001"]]}, "has a cell in row 1 that is not an object: '1001'"),
        ({"data": [_row("no"), "1001"]}, "has a row 2 that is not an array: '1001'"),
        ({"fields": ["ACCOUNT"]}, "has a field 1 that is not an object: 'ACCOUNT'"),
        ([], "is not an object"),
        (
            {"data": [[{"fieldId": 1, "value": "x" * 1_100_000}]]},
            "holds a value of more than 1,048,576 characters",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_rows_is_refused(details: Any, said: str, answering: Any) -> None:
    with pytest.raises(
        EciUnreadableResponseError, match=f"GET {BASE}/detail was answered with 200, but its body {said}"
    ):
        answering(["no"], details).count()


# Messages


@pytest.mark.parametrize(
    ("messages", "cells", "found"),
    [
        (["no", "never"], ("never", "1", "no"), "no; never"),
        (["no", "never"], (" no ", "1", "2"), "no"),
        (
            ["no such account", "too late"],
            ("Row 3: too late; no such account!", "1", "2"),
            "no such account; too late",
        ),
        ([{"message": "no", "count": 3}], ("no", "1", "2"), "no"),
        (["3 times: no"], ("no", "1", "2"), ""),
        (["", " "], ("", "1", "2"), ""),
    ],
)
def test_a_row_has_the_messages_that_stand_in_its_cells(
    messages: Any, cells: tuple[str, ...], found: str, answering: Any
) -> None:
    report = answering(messages, {"fields": FIELDS, "data": [_row(*cells)]})
    assert [row.message for row in report] == [found]


def test_a_column_called_message_tells_what_the_summary_does_not(answering: Any) -> None:
    fields = [{"id": 7, "name": "ACCOUNT"}, {"id": 8, "name": "Kickout Message"}]
    data = [[{"fieldId": 7, "value": "1001"}, {"fieldId": 8, "value": "no"}]]
    for messages in ([], ["1 row: no"]):
        report = answering(messages, {"fields": fields, "data": data})
        assert [(row.message, row.cells) for row in report] == [("no", [("ACCOUNT", "1001")])]
        assert {"message": "no", "rows": 1} in report.digest()


def test_of_more_messages_than_are_known_the_column_tells(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kickout_messages, "MOST_KNOWN", 1)
    report = answering(["a", "b"], {"fields": FIELDS, "data": [_row("a", "1"), _row("b", "2"), _row("b", "3")]})
    assert [row.message for row in report] == ["a", "b", "b"]
    assert report.digest() == [{"message": "b", "rows": 2}, {"message": "a", "rows": 1}]


def test_a_column_that_holds_more_than_the_message_stays(answering: Any) -> None:
    report = answering(["no"], {"fields": FIELDS, "data": [_row("no", "1"), _row("no, and more", "2")]})
    assert [dict(row.cells)["Why"] for row in report] == ["no", "no, and more"]


def test_the_digest_has_ten_messages_and_is_cut(answering: Any) -> None:
    messages = [f"{number} {'x' * 5000}" for number in range(12)]
    data = [_row(message) for number, message in enumerate(messages) for _ in range(number + 1)]
    report = answering(messages, {"fields": FIELDS, "data": data}).count()
    assert report.rows == 78
    assert [item["rows"] for item in report.digest()] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert len(json.dumps(report.digest())) < 8000


@pytest.mark.parametrize("told", ["all", "in another order", "none"])
def test_of_more_messages_than_memory_holds_the_most_frequent_are_told(told: str, answering: Any) -> None:
    own = [f"no {number} \ud800" for number in range(20_100)]
    messages = {"all": [*own, "late", "never"], "in another order": ["never", *own[::-1], "late"], "none": []}[
        told
    ]
    fields = [{"id": 1, "name": "Message"}]
    data = [_row(message) for message in [*own, *["late"] * 3, own[-1]]]

    report = answering(messages, {"fields": fields, "data": data}).count()

    assert report.rows == 20_104
    assert report.digest()[:2] == [{"message": "late", "rows": 3}, {"message": "no 20099 \ufffd", "rows": 2}]
    assert [item["rows"] for item in report.digest()[2:]] == [1] * 8
    # Of the others there was no room to know them.
    assert report.without_rows() == (["never"] if told == "in another order" else [])


def test_files_that_only_their_names_tell_are_counted_together(
    eci_sandbox: Sandbox, client: EciClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kickout_sums, "_MOST_IN_MEMORY", 2)
    fields = [{"id": 1, "name": "Message"}]
    for name, messages in (("detail", []), ("Kickouts_a.csv/detail", "abcc"), ("Kickouts_b.csv/detail", "dcb")):
        data = [_row(message) for message in messages]
        eci_sandbox.fault("GET", f"{BASE}/{name}", times=9, status=200, body={"fields": fields, "data": data})
    summary = {"kickoutMessages": ["b", "never"]}
    eci_sandbox.fault("GET", f"{BASE}/summary", times=9, status=200, body=summary)

    report = client.kickouts.report(GUID, ["a.csv", "b.csv"]).count()

    assert [(item["message"], item["rows"]) for item in report.digest()] == [
        ("c", 3),
        ("b", 2),
        ("a", 1),
        ("d", 1),
        ("never", 0),
    ]
    assert report.without_rows() == ["never"]


# Trouble


def _details(*accounts: str) -> bytes:
    return json.dumps({"fields": FIELDS, "data": [_row("no", account) for account in accounts]}).encode()


def _summary(*messages: str) -> bytes:
    return http("200 OK", json.dumps({"kickoutMessages": messages}).encode())


def _torn(connection: socket.socket) -> None:
    body = _details("1001", "1002")
    connection.sendall(http("200 OK", body)[: -len(body) // 3])
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("count_only", [False, True])
def test_a_connection_lost_in_the_middle_doubles_nothing(count_only: bool, waits: list[float]) -> None:
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


def test_nothing_is_given_out_of_rows_that_never_come_whole(waits: list[float]) -> None:
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


def test_a_full_disk_is_no_trouble_of_the_connection(
    client: EciClient, kicked_out: str, eci_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spill, "add", full)
    with pytest.raises(OSError, match="No space left"):
        list(client.kickouts.report(kicked_out))
    assert [record.path.rpartition("/")[2] for record in eci_sandbox.requests] == ["summary", "detail"]


def test_an_import_that_is_not_there_is_told_unless_that_is_fine(client: EciClient) -> None:
    with pytest.raises(EciNotFoundError):
        client.kickouts.report(GUID).count()
    report = client.kickouts.report(GUID, missing_ok=True)
    assert list(report) == []
    assert report.rows == 0


def test_a_guid_that_is_none_is_refused_at_once(client: EciClient) -> None:
    with pytest.raises(EciValidationError, match="task_guid is 'None'"):
        client.kickouts.report("None")
