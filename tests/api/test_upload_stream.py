"""The streamed body: byte for byte the plain JSON of the same request, from whatever can be opened."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import example, given
from hypothesis import strategies as st

from eci_provider.api import EciClient, upload
from eci_provider.api.bill_imports import BillImportOptions
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID, BillBytes
from tests.support.raw_server import RawServer, http
from tests.support.run_task import run

NOTES = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\\")).map("b{}.csv".format)


class Dripping(io.RawIOBase):
    """A stream that hands out a few bytes at a time and may be unable to seek, as those of stores are."""

    def __init__(self, content: bytes, most: int, *, seeks: bool) -> None:
        self._content, self._most, self._seeks, self._position = content, most, seeks, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        start = self._position
        self._position = min(len(self._content), start + min(size, self._most))
        return self._content[start : self._position]

    def seek(self, offset: int, whence: int = 0) -> int:
        if not self._seeks:
            raise ValueError("Cannot seek streaming HTTP file")
        assert (offset, whence) == (0, 2)
        self._position = len(self._content)
        return self._position

    def tell(self) -> int:
        return self._position


class DrippingFile:
    """A bill file that opens as a :class:`Dripping`."""

    name = "bills.csv"

    def __init__(self, content: bytes, most: int, *, seeks: bool) -> None:
        self._content, self._most, self._seeks = content, most, seeks

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> BinaryIO:
        return Dripping(self._content, self._most, seeks=self._seeks)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def taker() -> Iterator[RawServer]:
    """A server that takes everything."""
    with RawServer(http("200 OK", json.dumps({"taskGUId": GUID}).encode())) as server:
        yield server


@pytest.fixture(scope="module")
def sender(taker: RawServer) -> Iterator[EciClient]:
    with EciClient(taker.url, "K" * 40) as client:
        yield client


@pytest.fixture
def memory() -> ObjectStoragePath:
    """A folder of memory://, which stands for an object store."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    attach("memory", fs=MemoryFileSystem())
    folder = ObjectStoragePath("memory://uploads/march")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def arrived(taker: RawServer) -> bytes:
    """Return the body of the one request that arrived, which must be as long as its header says."""
    (request,) = taker.requests
    taker.requests.clear()
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"\r\nContent-Length: {len(body)}\r\n" in head.decode() + "\r\n"
    assert b"transfer-encoding" not in head.lower()
    return body


def plain(content: bytes, name: str, options: dict[str, Any]) -> bytes:
    """Return the body as it is without streaming."""
    data = base64.b64encode(content).decode()
    return json.dumps({**BillImportOptions(**options).wire(), "data": data, "fileName": name}).encode()


@given(
    content=st.binary(min_size=1, max_size=200),
    name=NAMES,
    note=NOTES,
    comment=NOTES,
    profile=st.none() | st.just('P "1"'),
    settings=st.sampled_from([None, {}, {"batchMode": "new batch", "newBatchCode": 'é"\\'}]),
    block=st.integers(1, 30).map(lambda count: 3 * count),
    most=st.integers(1, 100),
    seeks=st.booleans(),
)
@example(b"x", 'b","data": "".csv', '"data": ""', None, None, None, 3, 1, True)
@example(b"x" * 6, "b.csv", None, None, None, None, 3, 2, False)
def test_the_body_is_the_plain_json(
    taker: RawServer,
    sender: EciClient,
    content: bytes,
    name: str,
    note: str | None,
    comment: str | None,
    profile: str | None,
    settings: dict[str, Any] | None,
    block: int,
    most: int,
    seeks: bool,
) -> None:
    options = {"import_note": note, "comment": comment, "profile_code": profile, "batch_settings": settings}
    with mock.patch.object(upload, "BLOCK", block):
        file = DrippingFile(content, most, seeks=seeks)
        assert sender.bill_imports.submit(file, name, **options) == GUID  # type: ignore[arg-type]
    assert arrived(taker) == plain(content, name, options)


@pytest.mark.parametrize("beyond", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("blocks", [1, 3])
def test_a_local_file_around_the_edges_of_blocks(
    blocks: int, beyond: int, taker: RawServer, sender: EciClient, tmp_path: Path
) -> None:
    assert upload.BLOCK % 3 == 0
    file = tmp_path / "bills.csv"
    content = (bytes(range(256)) * 1000)[: upload.BLOCK * blocks + beyond]
    file.write_bytes(content)
    sender.bill_imports.submit(file)
    assert arrived(taker) == plain(content, "bills.csv", {})


def test_the_sandbox_imports_a_file_of_many_blocks(
    eci_sandbox: Sandbox, client: EciClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "BLOCK", 30)
    file = tmp_path / "bills.csv"
    header, row, _ = BILLS.splitlines(keepends=True)
    accounts = [str(1000 + number) for number in range(100)]
    for account in accounts:
        eci_sandbox.add_account(account, [f"M{account}"])
    rows = [row.replace(b"1001", code.encode()).replace(b"M1", b"M" + code.encode()) for code in accounts]
    file.write_bytes(header + b"".join(rows))
    task = client.tasks.get(client.bill_imports.submit(file))
    assert (task.status, task.current_success_count) == ("Completed", 100)


def test_a_path_of_a_store_is_streamed(
    eci_sandbox: Sandbox, client: EciClient, tmp_path: Path, memory: ObjectStoragePath
) -> None:
    content = bytes(range(256)) * 1000
    local = tmp_path / "local.csv"
    local.write_bytes(content)
    stored = memory / "memory.csv"
    stored.write_bytes(content)
    for path in (ObjectStoragePath(f"file://{local}"), stored):
        client.bill_imports.submit(path)
    bodies = [record.body for record in eci_sandbox.requests]
    assert [body["fileName"] for body in bodies] == ["local.csv", "memory.csv"]
    assert [base64.b64decode(body["data"]) == content for body in bodies] == [True, True]


def test_an_empty_file_of_a_store_is_refused(
    client: EciClient, eci_sandbox: Sandbox, memory: ObjectStoragePath
) -> None:
    path = memory / "empty.csv"
    path.write_bytes(b"")
    for file in (path, DrippingFile(b"", 1, seeks=False), BillBytes(b"")):
        with pytest.raises(upload.EciValidationError, match="it is empty, 0 bytes"):
            client.bill_imports.submit(file)
    assert eci_sandbox.requests == []


def test_the_operator_sends_a_file_of_a_store(sandbox: Sandbox, memory: ObjectStoragePath) -> None:
    (memory / "march.csv").write_bytes(BILLS)
    task = ImportBillsOperator(task_id="import", file=str(memory / "march.csv"), wait_for_completion=False)
    assert run(task).error is None
    (sent,) = [record.body for record in sandbox.requests if record.method == "POST"]
    assert (sent["fileName"], base64.b64decode(sent["data"])) == ("march.csv", BILLS)
