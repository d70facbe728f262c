"""A report appears whole or not at all, on a disk and in a store; and what is there stays until then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.api.kickouts.report import KickoutRow
from eci_provider.reports import EciReportError, write_report
from tests.support.report_rows import MIXED, Rows

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

OLD = "what was there before"
DYING = """
import os, signal, sys
from eci_provider.api.kickouts.report import KickoutRow
from eci_provider.reports import write_report

class Dying:
    noun = title = "Kickouts"
    def __iter__(self):
        yield KickoutRow("a.csv", "no", [("A", "1")])
    def without_rows(self):
        return []

import eci_provider.reports.md_report as md
md._cell = lambda value: os.kill(os.getpid(), signal.SIGKILL)
write_report(Dying(), sys.argv[1])
"""


class Broken(Rows):
    """Rows that break off."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def __iter__(self) -> Iterator[KickoutRow]:
        yield from MIXED
        raise self._error


class Store(AsyncFileSystem):  # type: ignore[misc]
    """A store whose objects are there once they were sent to their end."""

    protocol = "whole"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.sent: list[str] = []

    async def _put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        self.sent.append(rpath)
        self.objects[rpath] = Path(lpath).read_bytes()


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """A store that shows a file from its first byte on."""
    store = MemoryFileSystem()
    attach("memory", fs=store)
    yield store
    store.store.clear()


def test_folders_are_made_and_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.csv"
    write_report(Rows(), str(path))
    with path.open() as reading:
        write_report(MIXED, path)
        # Whoever reads the earlier one meanwhile reads it to its end: another file took its name, in one step.
        assert reading.read() == "File,Row,Column,Message\n"
    assert len(path.read_text().splitlines()) == 9
    assert os.listdir(path.parent) == ["report.csv"]


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_link_goes_on_and_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "report.csv"
    path.write_text(OLD)
    path.chmod(mode)
    (tmp_path / "link.csv").symlink_to("folder/report.csv")

    done = write_report(MIXED, tmp_path / "link.csv")

    assert done["path"] == str(tmp_path / "link.csv")
    assert os.readlink(tmp_path / "link.csv") == "folder/report.csv"
    assert len(path.read_text().splitlines()) == 9
    assert path.stat().st_mode & 0o777 == mode


def test_a_file_url_is_a_local_path(tmp_path: Path) -> None:
    done = write_report(MIXED, f"file://{tmp_path}/report.csv")
    assert done["path"] == f"file://{tmp_path}/report.csv"
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 9


@pytest.mark.parametrize("name", ["report.csv", "report.xlsx", "report.md"])
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_what_was_there(name: str, error: BaseException, tmp_path: Path) -> None:
    (tmp_path / name).write_text(OLD)
    with pytest.raises(type(error)):
        write_report(Broken(error), tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == OLD


def test_a_process_that_dies_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text(OLD)
    done = subprocess.run([sys.executable, "-c", DYING, str(path)], timeout=100, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == OLD


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(OLD)
    with pytest.raises(EciReportError, match=r"'.*file/report\.csv': it could not be written \(") as caught:
        write_report(MIXED, tmp_path / "file" / "report.csv")
    assert caught.value.retry_helps
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(EciReportError, match="could not be written"):
        write_report(MIXED, tmp_path / "folder.csv")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.csv"]


# Stores


@pytest.mark.parametrize("as_path", [False, True])
def test_a_store_gets_the_report(as_path: bool, memory: MemoryFileSystem) -> None:
    url = "memory://bucket/reports/report.csv"
    memory.pipe("/bucket/reports/report.csv", OLD.encode())
    place = ObjectStoragePath(url) if as_path else url
    done = write_report(MIXED, place)
    assert done["path"] == str(place)
    assert list(memory.find("/bucket")) == ["/bucket/reports/report.csv"]
    assert len(memory.cat("/bucket/reports/report.csv").splitlines()) == 9


@pytest.mark.parametrize("step", ["put_file", "mv"])
def test_a_store_that_fails_keeps_what_was_there(
    step: str, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/bucket/report.csv", OLD.encode())

    def failing(_: object, path: str, *others: str, **named: Any) -> None:
        if step == "put_file":
            memory.pipe(others[0], b"half")
        raise ConnectionError("the store is gone")

    monkeypatch.setattr(MemoryFileSystem, step, failing)
    with pytest.raises(EciReportError, match=r"did not take it \(ConnectionError: the store is gone\)"):
        write_report(MIXED, "memory://bucket/report.csv")
    assert memory.find("/bucket") == ["/bucket/report.csv"]
    assert memory.cat("/bucket/report.csv") == OLD.encode()


class Unwilling(MemoryFileSystem):  # type: ignore[misc]
    """
    A store that does not replace a file by a move: it says nothing, as WebHDFS, or refuses, as SMB.

    Of moves to other places it fails those that are listed, counted from 0.
    """

    cachable = False
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    says_so = False
    failing: tuple[int, ...] = ()
    moves = 0

    def mv(self, source: str, target: str, **_: Any) -> None:
        if self.exists(target):
            if self.says_so:
                raise OSError(17, "there is one")
            return
        self.moves += 1
        if self.moves - 1 in self.failing:
            raise ConnectionError("the store is gone")
        super().mv(source, target)


@pytest.fixture
def unwilling() -> Iterator[Unwilling]:
    """Such a store with a report."""
    store = Unwilling()
    store.pipe("/bucket/report.csv", OLD.encode())
    yield store
    store.store.clear()


def _write_to(store: Unwilling) -> None:
    class Place:
        protocol, path, fs = "unwilling", "/bucket/report.csv", store

    write_report(MIXED, Place(), "csv")


@pytest.mark.parametrize("says_so", [False, True])
def test_a_store_that_replaces_nothing_gets_the_report_all_the_same(says_so: bool, unwilling: Unwilling) -> None:
    unwilling.says_so = says_so
    _write_to(unwilling)
    assert unwilling.find("/bucket") == ["/bucket/report.csv"]
    assert len(unwilling.cat("/bucket/report.csv").splitlines()) == 9


@pytest.mark.parametrize("failing", [(0,), (1,)])
def test_a_store_that_replaces_nothing_and_fails_keeps_what_was_there(
    failing: tuple[int, ...], unwilling: Unwilling
) -> None:
    unwilling.failing = failing
    with pytest.raises(EciReportError, match=r"did not take it \(ConnectionError: the store is gone\)"):
        _write_to(unwilling)
    assert unwilling.find("/bucket") == ["/bucket/report.csv"]
    assert unwilling.cat("/bucket/report.csv") == OLD.encode()


def test_a_store_that_moves_nothing_and_says_nothing_is_told(
    unwilling: Unwilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unwilling, "mv", lambda *_, **__: None)
    with pytest.raises(EciReportError, match=r"was not moved to .*, and the store does not say why"):
        _write_to(unwilling)
    assert unwilling.cat("/bucket/report.csv") == OLD.encode()
    assert unwilling.find("/bucket") == ["/bucket/report.csv"]


def test_a_store_whose_package_is_missing_is_told_with_it() -> None:
    with pytest.raises(EciReportError, match=r"Install apache-airflow-providers-amazon\[s3fs\] where") as caught:
        write_report(Broken(AssertionError("rows were read")), "s3://bucket/report.csv")
    assert not caught.value.retry_helps


def test_neither_a_password_nor_a_signature_is_told() -> None:
    class Place:
        protocol, path = "whole", "reports/report.csv"

        @property
        def fs(self) -> object:
            raise ConnectionError(f"{self} is gone")

        def __str__(self) -> str:
            return "whole://user:secret@host/reports/report.csv?sig=secret&x=secret"

    with pytest.raises(EciReportError, match="ConnectionError") as caught:
        write_report(MIXED, Place(), "csv")
    told = f"{caught.value} {caught.value.details}"
    assert "whole://user:***@host/reports/report.csv?sig=***&x=*** is gone" in told
    assert "secret" not in told


def test_nothing_is_sent_of_a_report_that_breaks_off(memory: MemoryFileSystem) -> None:
    with pytest.raises(RuntimeError):
        write_report(Broken(RuntimeError()), "memory://bucket/report.csv")
    assert memory.find("/bucket") == []


def test_an_object_is_sent_once_under_its_own_name() -> None:
    store = Store()
    attach("whole", fs=store)

    class Place:
        protocol, path, fs = "whole", "bucket/report.csv", store

    write_report(MIXED, Place(), "csv")
    assert store.sent == ["bucket/report.csv"]
    assert len(store.objects["bucket/report.csv"].splitlines()) == 9


def test_a_store_that_nobody_knows_is_told_before_rows_are_read() -> None:
    with pytest.raises(EciReportError, match="no installed package opens nowhere://"):
        write_report(Broken(AssertionError("rows were read")), "nowhere://bucket/report.csv")
