"""A bill file is read by its extension, and what cannot be read is reported with its row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import check_file, split_file
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.reading import header_of
from tests.support.bill_files import MAPPING, FileInMemory, archive, read_at_once, row, rows_of, text


@pytest.mark.parametrize(
    ("name", "content", "row", "words"),
    [
        ("bills.csv", b"", None, "no header row"),
        ("bills.csv", b",,\n\n", None, "no header row"),
        ("bills.csv", b"A\ngood\nM\xfcnchen\n", 3, "not UTF-8"),
        ("bills.csv", b"\xff\xfeA\x00", 1, "not UTF-8"),
        ("bills.csv", "A,B\r\n1,2\r\n".encode("utf-16-le"), 1, "not UTF-8"),
        ("bills.csv", "A,B\r\n1,2\r\n".encode("utf-16-be"), 1, "not UTF-8"),
        ("bills.csv", b'A\n1\n"a"b\n', 3, "quote that is out of place"),
        ("bills.csv", b'A\n1\n"a"b\n' + b"1\n" * 2_200_000, 3, "quote that is out of place"),
        ("bills.csv", b'A\n1\n"never closed\n2\n', 3, "quote that is out of place"),
        ("bills.csv", b"A\n" + b"x" * 5_000_000, 2, "too long"),
        ("bills.csv", b"A\n" + b'"\n",' * 2_000_000, 2, "too long"),
        ("bills.pdf", b"%PDF", None, ".csv, .dat, .txt, .xlsx, .zip"),
        ("bills.xlsx", b"PK no workbook", None, "Excel workbook"),
        ("bills.zip", b"PK no archive", None, "not a readable ZIP"),
        ("bills.zip", archive([]), None, "no file in it"),
        ("bills.zip", archive([("a.csv", b"A\n"), ("b.pdf", b"%PDF")]), None, "'b.pdf'"),
        (
            "bills.zip",
            archive([("a.csv", b"A\n" + b"1234567\n" * 99)]).replace(b"K\x05\x06", b"K\x05\x07"),
            None,
            "ZIP",
        ),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_row(
    name: str, content: bytes, row: int | None, words: str
) -> None:
    for at_once in ((32 * 1024, 96), (32 * 1024, 1)):
        with read_at_once(*at_once), pytest.raises(EciBillFileError) as caught:
            rows_of(name, content)

        assert caught.value.row == row
    assert words in str(caught.value)
    assert not caught.value.retry_helps


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(EciBillFileError, match="no such file"):
        header_of(tmp_path / "missing.csv")
    with pytest.raises(EciBillFileError, match="a folder"):
        header_of(str(tmp_path / "folder.csv"))


def test_importing_the_package_loads_neither_airflow_nor_the_http_library_nor_openpyxl() -> None:
    script = """
import sys
import eci_provider.bills
from eci_provider.bills import *
print("\\n".join(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert "eci_provider.bills.reading" in done.stdout.split()
    assert set(done.stdout.split()).isdisjoint({"airflow", "openpyxl", "requests", "urllib3"})


@pytest.mark.parametrize("file", [None, "", " ", "None", "{{ ds }}.csv", 5])
@pytest.mark.parametrize("read", [check_file, header_of, lambda file: split_file(file, "parts")])
def test_what_names_no_file_is_refused(read: Callable[[Any], object], file: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^\w+: file is .*: must "):
        read(file)


@pytest.mark.parametrize("file", [None, "", "None", 5])
def test_a_sample_file_must_be_one(file: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^check_file: sample_file is .*: must "):
        check_file("bills.csv", mapping={"sample_file": file, "account_code": "Account"})


def test_a_bill_file_and_a_sample_file_are_opened_once(tmp_path: Path) -> None:
    content = text(row(), row(account="2")).encode()
    checked, split, sample = (FileInMemory(name, content) for name in ("a.csv", "b.csv", "sample.csv"))
    names = {
        "sample_file": sample,
        "date_format": "mm/dd/yyyy",
        "account_code": "Account",
        "start_date": "Start",
        "end_date": "End",
        "observations": [{"column": "Charge", "observation_type_code": "CHG", "unit_code": "USD"}],
    }

    assert list(check_file(checked, mapping=names)) == []
    split_file(split, tmp_path, mapping=MAPPING, rows_per_file=1)

    assert (checked.opened, split.opened, sample.opened) == (1, 1, 1)
