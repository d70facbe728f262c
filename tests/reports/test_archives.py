"""The names of the files in a ZIP."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from eci_provider.bills.errors import EciBillFileError
from eci_provider.reports.archives import names_in_zip


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    """A ZIP with a folder and two files."""
    with zipfile.ZipFile(tmp_path / "bills.ZIP", "w") as archive:
        archive.mkdir("folder") if hasattr(archive, "mkdir") else archive.writestr("folder/", "")
        archive.writestr("folder/one.csv", "")
        archive.writestr("two.csv", "")
    return tmp_path / "bills.ZIP"


def test_files_are_listed_in_their_order_without_folders(zipped: Path) -> None:
    assert names_in_zip(str(zipped)) == ["folder/one.csv", "two.csv"]


def test_the_name_for_energycap_decides_whether_it_is_a_zip(zipped: Path) -> None:
    assert names_in_zip(zipped, "bills.csv") == []
    plain = zipped.rename(zipped.with_name("bills.csv"))
    assert names_in_zip(plain) == []
    assert names_in_zip(plain, "bills.zip") == ["folder/one.csv", "two.csv"]


@pytest.mark.parametrize("content", [b"no ZIP", None])
def test_a_zip_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "bills.zip").write_bytes(content)
    with pytest.raises(EciBillFileError, match=r"'.*bills\.zip': its names cannot be read \("):
        names_in_zip(tmp_path / "bills.zip")
