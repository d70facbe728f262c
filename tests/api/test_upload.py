"""Bill files: which are refused, and which objects are accepted in place of a path."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, BillBytes

WANTED = "its name must end in one of .csv, .dat, .txt, .xlsx, .zip"


def test_a_missing_file_is_refused(client: EciClient, refusal: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    expected = f"bill_imports.submit: file is {str(file)!r}: there is no such file"
    assert refusal(client.bill_imports.submit, file) == expected
    assert refusal(client.bill_imports.submit, str(file)) == expected


def test_an_empty_file_is_refused_and_one_byte_is_not(
    eci_sandbox: Sandbox, client: EciClient, refusal: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "bills.csv"
    file.touch()
    message = f"bill_imports.submit: file is {str(file)!r}: it is empty, 0 bytes"
    assert refusal(client.bill_imports.submit, file) == message
    file.write_bytes(b"x")
    client.bill_imports.submit(file)
    assert eci_sandbox.requests[-1].body["data"] == "eA=="


def test_a_folder_is_refused(client: EciClient, refusal: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "bills.zip"
    folder.mkdir()
    message = f"bill_imports.submit: file is {str(folder)!r}: it is a folder"
    assert refusal(client.bill_imports.submit, folder) == message


def test_a_pipe_is_refused(client: EciClient, refusal: Callable[..., str], tmp_path: Path) -> None:
    """It would have to be read twice: for its length, and to be sent."""
    pipe = tmp_path / "bills.csv"
    os.mkfifo(pipe)
    message = f"bill_imports.submit: file is {str(pipe)!r}: it is a pipe, which cannot be read twice"
    assert refusal(client.bill_imports.submit, pipe) == message


@pytest.mark.parametrize(
    "name", ["bills", "bills.pdf", "bills.xls", "bills.csv.gz", ".csv", "bills.", "bills.csv "]
)
def test_a_type_that_the_importer_cannot_read_is_refused(
    name: str, client: EciClient, refusal: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(BILLS)
    assert refusal(client.bill_imports.submit, file) == f"bill_imports.submit: file is {name!r}: {WANTED}"
    # A name given for the file counts for it, also when the file's own would do.
    message = refusal(client.bill_imports.submit, BillBytes(), name)
    assert message == f"bill_imports.submit: file_name is {name!r}: {WANTED}"


@pytest.mark.parametrize("name", ["march/bills.csv", "/bills.csv", "..\\bills.csv", "C:\\bills.csv"])
def test_a_name_with_a_folder_in_it_is_refused(name: str, client: EciClient, refusal: Callable[..., str]) -> None:
    message = refusal(client.bill_imports.submit, BillBytes(), name)
    assert message == f"bill_imports.submit: file_name is {name!r}: it must be a name without a folder"


def test_an_empty_name_is_refused(client: EciClient, refusal: Callable[..., str]) -> None:
    assert refusal(client.bill_imports.submit, BillBytes(), "").startswith("bill_imports.submit: file_name is ''")


@pytest.mark.parametrize("extension", [".csv", ".dat", ".txt", ".xlsx", ".zip", ".CSV", ".Xlsx"])
def test_readable_types_are_sent_under_the_files_own_name(
    extension: str, eci_sandbox: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    file = tmp_path / f"bills of march{extension}"
    file.write_bytes(BILLS)
    client.bill_imports.submit(file)
    assert eci_sandbox.requests[0].body["fileName"] == f"bills of march{extension}"


def test_a_given_name_makes_a_file_of_any_name_readable(
    eci_sandbox: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    file = tmp_path / "bills.part"
    file.write_bytes(BILLS)
    client.bill_imports.submit(file, "bills.csv")
    assert eci_sandbox.requests[0].body["fileName"] == "bills.csv"


def test_a_path_like_object_is_opened(eci_sandbox: Sandbox, client: EciClient, bill_file: Path) -> None:
    class PathLike:
        def __fspath__(self) -> str:
            return str(bill_file)

    for file in (PathLike(), pathlib.PurePath(bill_file)):
        client.bill_imports.submit(file)
    assert {record.body["fileName"] for record in eci_sandbox.requests} == {"bills.csv"}
    assert len(eci_sandbox.requests) == 2
