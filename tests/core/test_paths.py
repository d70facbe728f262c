"""Paths and URLs: which name the same place."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.core.paths import redact_path, same_place


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
