"""The check from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eci_provider.bills.__main__ import main
from tests.support.bill_files import MAPPING, NYCHA, NYCHA_NAMES, row, text


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(MAPPING))
    return str(file)


def test_a_good_file_in_an_interpreter_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps({**NYCHA_NAMES, "sample_file": str(NYCHA)}))

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "eci_provider.bills",
            "check",
            str(NYCHA),
            "--mapping",
            str(tmp_path / "names.json"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"{NYCHA.name}, row 24: warning out_of_order: " in done.stdout
    assert done.stdout.splitlines()[-1] == f"{NYCHA}: 59 rows, 39 bills, 0 errors, 6 warnings"


def test_letters_that_the_output_cannot_show_do_not_end_the_check(mapping: str, tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(row(start="März"), row(account="2")), "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "eci_provider.bills", "check", str(file), "--mapping", mapping],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert "'M\\xe4rz' is not a date" in done.stdout


def test_errors_are_printed_and_it_ends_with_1(
    mapping: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(row(end=""), row(meter="M2")))
    known = tmp_path / "known.txt"
    known.write_text("\ufeffM1\n\n M3 \n")

    code = main(["check", str(file), "--mapping", mapping, "--meters", str(known), "--off", "meter_empty"])

    assert code == 1
    assert capsys.readouterr().out.splitlines() == [
        "bills.csv, row 2, column 'End': error required_empty: It must not be empty.",
        "bills.csv, row 3, column 'Meter': error meter_unknown: "
        "'M2' is not among the meters given for account '1001'.",
        f"{file}: 2 rows, 2 bills, 2 errors, 0 warnings",
    ]


def test_several_files_and_warnings_that_fail(
    mapping: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    for number, file in enumerate(files):
        Path(file).write_text(text(row(account=str(number)), [*row(account=str(number + 5)), "more"]))

    code = main(["check", *files, "--mapping", mapping, "--fail-on", "row_wide", "--min-rows", "5"])

    assert code == 1
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "error row_wide",
        "error row_wide",
        "error too_few_rows",
        "4 rows, 4 bills, 3 errors, 0 warnings",
    ]
    assert main(["check", *files, "--mapping", mapping]) == 0


@pytest.mark.parametrize(
    "arguments", [["--off", "nothing"], ["--mapping", "missing.json"], ["--accounts", "missing"]]
)
def test_a_check_that_cannot_be_made_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", str(NYCHA), *arguments])

    assert code == 2
    assert "could not be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--mapping", b"[1]", "column_mapping is [1]: must be a dict"),
        ("--mapping", b"{", "given: it is not JSON"),
        ("--mapping", b"\xff{}", "given: it is not UTF-8. Save it as UTF-8"),
        ("--accounts", b"1001\nZ\xfcrich\n", "given: it is not UTF-8"),
        ("--meters", b"\xff", "given: it is not UTF-8"),
    ],
)
def test_options_that_cannot_be_read_end_it_with_2_and_a_sentence(
    option: str, content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given").write_bytes(content)

    code = main(["check", str(NYCHA), option, str(tmp_path / "given")])

    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The check could not be made. ")
    assert words in line


def test_a_reader_that_closes_the_output_ends_it(mapping: str, tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(*[row(account=str(number), charge="x") for number in range(10_000, 12_000)]))
    command = [sys.executable, "-m", "eci_provider.bills", "check", str(file), "--mapping", mapping]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as check:
        assert check.stdout is not None
        assert check.stderr is not None
        assert "row 2, column 'Charge'" in check.stdout.readline()
        check.stdout.close()
        printed = check.stderr.read()
        code = check.wait(timeout=60)

    assert (code, printed) == (141, "")


def test_a_url_is_refused_as_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "s3://bills/2026-10.csv"]) == 2
    assert "s3://bills/2026-10.csv: it is a URL, and this command reads local files" in capsys.readouterr().err
