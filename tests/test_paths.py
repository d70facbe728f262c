"""Paths and URLs: which name the same place."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.paths import same_place


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
