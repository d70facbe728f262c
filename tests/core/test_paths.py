"""Paths and URLs: what they name, which name the same place, and how they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.core.paths import OpenablePath, is_remote, local_path, openable, redact_path, same_place
from tests.support.stores import StorePath


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("{here}/bills.csv", True),
        ("file://{here}/bills.csv", True),
        ("local://{here}/bills.csv", True),
        ("{here}/folder/../bills.csv", True),
        ("{here}/link.csv", True),
        ("bills.csv", True),
        ("{here}/other.csv", False),
        ("s3://{here}/bills.csv", False),
    ],
)
def test_local_paths_are_compared_after_links_are_followed(
    other: str, is_same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.csv").symlink_to(tmp_path / "bills.csv")
    assert same_place(str(tmp_path / "bills.csv"), other.format(here=tmp_path)) is is_same


def test_urls_are_compared_as_they_are_written() -> None:
    assert same_place("s3://bucket/bills.csv", "s3://bucket/bills.csv")
    assert not same_place("s3://bucket/bills.csv", "s3://bucket/a/../bills.csv")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/reports/a b.csv", "/reports/a b.csv"),
        ("s3://aws_default@bucket/a#1?.csv", "s3://aws_default@bucket/a#1?.csv"),
        ("ftp://u:secret@/r.csv", "ftp://u:***@/r.csv"),
        ("ftp://u:sec:r@et@host:21/a@b.csv", "ftp://u:***@host:21/a@b.csv"),
        ("https://host:443/a@b/bills.csv", "https://host:443/a@b/bills.csv"),
        ("https://host/bills.csv?sig=se=cret&se=secret&x", "https://host/bills.csv?sig=***&se=***&x"),
        ("bills.csv?sig=secret", "bills.csv?sig=***"),
        ("simplecache::sftp://u:secret@host/a", "simplecache::sftp://u:***@host/a"),
    ],
)
def test_a_path_is_shown_without_secrets(path: str, said: str) -> None:
    assert redact_path(path) == said


# What a path is


class FilePath(StorePath):
    """A local path as Airflow's ObjectStoragePath has one."""

    protocol = "file"


@pytest.mark.parametrize(
    ("path", "remote", "local"),
    [
        ("folder/a.csv", False, Path("folder/a.csv")),
        (Path("folder/a.csv"), False, Path("folder/a.csv")),
        (FilePath(None, "/folder/a.csv"), False, Path("/folder/a.csv")),
        (StorePath(None, "/bucket/a.csv"), True, None),
    ],
)
def test_a_path_is_local_or_in_a_store(path: str | Path | StorePath, remote: bool, local: Path | None) -> None:
    assert (is_remote(path), local_path(path)) == (remote, local)


def test_what_can_be_opened_stays_as_it_is() -> None:
    path = StorePath(None, "/bucket/a.csv")
    assert isinstance(path, OpenablePath)
    assert openable(path) is path
    assert openable("folder/a.csv") == Path("folder/a.csv")
