"""A file appears whole or not at all, on a disk and in a store; what is there stays until then."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.core.errors import EciStoreError, EciValidationError
from eci_provider.storage.atomic import Folder, atomic_write, open_folder
from eci_provider.storage.errors import EciWriteError
from tests.support.stores import StorePath

OLD, NEW = b"what was there before", b"what is there now"
ERRORS = [RuntimeError("broken"), OSError(errno.EIO, "broken"), KeyboardInterrupt()]
DYING = """
import os, signal, sys
from eci_provider.storage.atomic import atomic_write

with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _write(destination: Any, content: bytes = NEW) -> None:
    with atomic_write(destination) as file:
        file.write(content)


def _break_off(destination: Any, error: BaseException) -> None:
    with atomic_write(destination) as file:
        file.write(NEW)
        raise error


def _open_folder(destination: Any) -> Folder:
    return open_folder(destination, name="to", description="the folder of the parts", source="here")


# On a disk


def test_folders_are_made_and_an_earlier_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.csv"
    _write(str(path), OLD)
    with path.open("rb") as reading:
        _write(path)
        # Whoever reads the earlier one meanwhile reads it to its end: another file took its name, in one step.
        assert reading.read() == OLD
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == ["file.csv"]


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_link_keeps_leading_to_the_file_and_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "file.csv"
    path.write_bytes(OLD)
    path.chmod(mode)
    (tmp_path / "link.csv").symlink_to("folder/file.csv")

    _write(tmp_path / "link.csv")

    assert os.readlink(tmp_path / "link.csv") == "folder/file.csv"
    assert path.read_bytes() == NEW
    assert path.stat().st_mode & 0o777 == mode


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    _write(tmp_path / ("x" * 255))
    assert (tmp_path / ("x" * 255)).read_bytes() == NEW


@pytest.mark.parametrize("as_url", [True, False])
def test_a_file_url_is_a_local_path(as_url: bool, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/folder/file.csv"
    _write(url if as_url else ObjectStoragePath(url))
    assert (tmp_path / "folder" / "file.csv").read_bytes() == NEW


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, bool]] = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append((os.fstat(number).st_ino, (tmp_path / "file.csv").exists()))
    )
    _write(tmp_path / "file.csv")
    assert synced == [((tmp_path / "file.csv").stat().st_ino, False)]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_breaks_off_leaves_what_was_there(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(OLD)
    with pytest.raises(type(error)) as caught:
        _break_off(tmp_path / "file.csv", error)
    assert caught.value is error
    assert os.listdir(tmp_path) == ["file.csv"]
    assert (tmp_path / "file.csv").read_bytes() == OLD


def test_a_draft_that_is_not_published_is_removed(tmp_path: Path) -> None:
    with _open_folder(tmp_path).open_draft("file.csv") as draft:
        draft.stream.write(NEW)
    assert os.listdir(tmp_path) == []


def test_a_process_that_dies_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(OLD)
    done = subprocess.run([sys.executable, "-c", DYING, str(tmp_path / "file.csv")], timeout=100, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "file.csv").read_bytes() == OLD


def test_a_destination_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(EciWriteError, match=r"'.*file/file\.csv': it could not be written \(") as caught:
        _write(tmp_path / "file" / "file.csv")
    assert caught.value.retry_helps
    assert caught.value.details["path"] == str(tmp_path / "file" / "file.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(EciWriteError, match="could not be written"):
        _write(tmp_path / "folder.csv")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.csv"]


def test_a_full_disk_is_named_when_the_rest_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "file.csv").write_bytes(OLD)
    with pytest.raises(EciWriteError, match=r"it could not be written \(No space left on device\)"):
        _write(tmp_path / "file.csv")
    assert (tmp_path / "file.csv").read_bytes() == OLD
    assert os.listdir(tmp_path) == ["file.csv"]


# In a store


@pytest.mark.parametrize("as_path", [False, True])
def test_a_store_gets_the_file(as_path: bool, memory: MemoryFileSystem) -> None:
    url = "memory://bucket/folder/file.csv"
    memory.pipe("/bucket/folder/file.csv", OLD)
    _write(ObjectStoragePath(url) if as_path else url)
    assert list(memory.find("/bucket")) == ["/bucket/folder/file.csv"]
    assert memory.cat("/bucket/folder/file.csv") == NEW


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_nothing_is_sent_of_what_breaks_off(error: BaseException, memory: MemoryFileSystem) -> None:
    with pytest.raises(type(error)):
        _break_off("memory://bucket/file.csv", error)
    assert memory.find("/bucket") == []


def test_a_store_that_fails_is_named(memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ConnectionError("the store is gone")

    memory.pipe("/bucket/file.csv", OLD)
    monkeypatch.setattr(MemoryFileSystem, "mv", failing)
    with pytest.raises(EciWriteError, match=r"did not take it \(ConnectionError: the store is gone\)") as caught:
        _write("memory://bucket/file.csv")
    assert caught.value.retry_helps
    assert memory.cat("/bucket/file.csv") == OLD


def test_a_store_that_nothing_opens_is_refused_before_anything_is_written() -> None:
    with (
        pytest.raises(EciStoreError, match=r"no installed package opens nowhere://"),
        atomic_write("nowhere://b/f"),
    ):
        pytest.fail("the block was entered")


@pytest.mark.parametrize("error", [ImportError, ConnectionError])
def test_neither_a_password_nor_a_signature_is_shown(error: type[Exception]) -> None:
    path = StorePath(error(f"{StorePath(None, '/bucket/file.csv')} is gone"), "/bucket/file.csv")
    with pytest.raises((EciStoreError, EciWriteError)) as caught, atomic_write(path):
        pytest.fail("the block was entered")
    reported = f"{caught.value} {caught.value.details}"
    assert "test://user:***@host/bucket/file.csv?sig=***&x=*** is gone" in reported
    assert "secret" not in reported


# Folders


def test_a_folder_is_made_and_files_in_it_are_written(tmp_path: Path, memory: MemoryFileSystem) -> None:
    published = []
    for destination in (str(tmp_path / "a" / "b"), f"file://{tmp_path}/c", ObjectStoragePath("memory://d/e")):
        with _open_folder(destination).open_draft("file.csv") as draft:
            draft.stream.write(NEW)
            published.append(draft.publish())
    *local, remote = published
    assert local == [f"{tmp_path}/a/b/file.csv", f"{tmp_path}/c/file.csv"]
    assert remote in ("memory://d/e/file.csv", "memory:///d/e/file.csv")  # as the version of the store spells it
    assert (tmp_path / "a" / "b" / "file.csv").read_bytes() == NEW
    assert (tmp_path / "c" / "file.csv").read_bytes() == NEW
    assert memory.cat("/d/e/file.csv") == NEW


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    for destination in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(EciValidationError, match=r"^here: to is '.*': there is a file of that name"):
            _open_folder(destination)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(EciWriteError, match=r"it could not be written \(Read-only file system\)"):
        _open_folder(tmp_path / "folder")


def test_a_folder_in_a_store_that_nothing_opens_is_refused() -> None:
    with pytest.raises(EciStoreError, match="no installed package opens nowhere://"):
        _open_folder("nowhere://bucket/folder")
