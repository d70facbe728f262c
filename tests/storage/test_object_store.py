"""Paths whose store is opened, and a file in a store replaced by a whole one or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.core.errors import EciStoreError
from eci_provider.storage.object_store import missing_package, open_path, replace_file
from tests.support.stores import UnwillingStore, WholeStore

OLD, NEW = b"what was there before", b"what is there now"
PATH = "/bucket/folder/file.csv"

# Opening


@pytest.mark.parametrize("as_text", [True, False])
def test_a_local_path_is_opened_as_it_is(as_text: bool, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(NEW)
    path = tmp_path / "file.csv"
    assert open_path(str(path) if as_text else path) == path


@pytest.mark.parametrize("as_url", [True, False])
def test_a_url_is_opened_with_its_store(as_url: bool, memory: MemoryFileSystem) -> None:
    memory.pipe(PATH, NEW)
    url = f"memory:/{PATH}"
    path = open_path(url if as_url else ObjectStoragePath(url))
    with path.open("rb") as file:
        assert (path.name, path.exists(), file.read()) == ("file.csv", True, NEW)


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("s3://bucket/file.csv", r"apache-airflow-providers-amazon\[s3fs\]"),
        ("gs://bucket/file.csv", "apache-airflow-providers-google"),
        ("nowhere://bucket/file.csv", "the Airflow provider that opens such URLs"),
        ("nowhere://user:secret@bucket/file.csv?sig=secret", "the Airflow provider that opens such URLs"),
    ],
)
def test_a_store_whose_package_is_missing_is_refused_with_its_name(url: str, package: str) -> None:
    scheme = url.partition("://")[0]
    with pytest.raises(
        EciStoreError, match=rf"no installed package opens {scheme}:// \(.*Install {package} where"
    ) as caught:
        open_path(url)
    assert not caught.value.retry_helps
    assert caught.value.details["file"] == url.replace("secret", "***")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, ["a.csv"]])
def test_what_is_no_path_is_returned_for_others_to_refuse(value: Any) -> None:
    assert open_path(value) is value


def test_other_errors_of_a_store_name_no_package() -> None:
    assert missing_package("s3://bucket/file.csv", ValueError("no such bucket")) is None
    assert missing_package("s3://bucket/file.csv", ConnectionError("s3fs is gone")) is None


# Replacing


@pytest.fixture
def draft(tmp_path: Path) -> str:
    """The file that replaces another."""
    (tmp_path / "draft").write_bytes(NEW)
    return str(tmp_path / "draft")


@pytest.fixture
def unwilling() -> Iterator[UnwillingStore]:
    """A store that does not replace a file by a move, with a file."""
    store = UnwillingStore()
    store.pipe(PATH, OLD)
    yield store
    store.store.clear()


def test_an_object_is_sent_once_under_its_own_name(draft: str) -> None:
    store = WholeStore()
    replace_file(store, draft, PATH)
    assert (store.sent, store.objects) == ([PATH], {PATH: NEW})


@pytest.mark.parametrize("step", ["put_file", "mv"])
def test_a_store_that_fails_keeps_what_was_there(
    step: str, draft: str, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe(PATH, OLD)

    def failing(_: object, path: str, *others: str, **named: Any) -> None:
        if step == "put_file":
            memory.pipe(others[0], b"half")
        raise ConnectionError("the store is gone")

    monkeypatch.setattr(MemoryFileSystem, step, failing)
    with pytest.raises(ConnectionError, match="the store is gone"):
        replace_file(memory, draft, PATH)
    assert memory.find("/bucket") == [PATH]
    assert memory.cat(PATH) == OLD


@pytest.mark.parametrize("says_so", [False, True])
def test_a_store_that_replaces_nothing_gets_the_file_all_the_same(
    says_so: bool, draft: str, unwilling: UnwillingStore
) -> None:
    unwilling.says_so = says_so
    replace_file(unwilling, draft, PATH)
    assert unwilling.find("/bucket") == [PATH]
    assert unwilling.cat(PATH) == NEW


@pytest.mark.parametrize("failing", [(0,), (1,)])
def test_a_store_that_replaces_nothing_and_fails_gets_its_earlier_file_back(
    failing: tuple[int, ...], draft: str, unwilling: UnwillingStore
) -> None:
    unwilling.failing = failing
    with pytest.raises(ConnectionError, match="the store is gone"):
        replace_file(unwilling, draft, PATH)
    assert unwilling.find("/bucket") == [PATH]
    assert unwilling.cat(PATH) == OLD


def test_a_store_that_moves_nothing_and_says_nothing_is_an_error(
    draft: str, unwilling: UnwillingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UnwillingStore, "mv", lambda *_, **__: None)
    with pytest.raises(FileExistsError, match=r"was not moved to .*, and the store does not say why"):
        replace_file(unwilling, draft, PATH)
    assert unwilling.cat(PATH) == OLD
    assert unwilling.find("/bucket") == [PATH]
