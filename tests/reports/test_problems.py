"""The report of a check, which can be read side by side with that of the kickouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.bills import EciBillFileError, check_file
from eci_provider.operators import CheckBillFileOperator, KickoutReportOperator
from eci_provider.reports import write_report
from eci_provider.sandbox import Sandbox
from tests.support.report_rows import read_csv
from tests.support.run_task import run

BILLS = """ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total
A-1,20260101,20260131,C,M-1,100.00
A-2,20260101,2026-31-01,C,M-1,100.00
A-3,20260101,20260131,C,M-1,x
"""


def _check(**arguments: Any) -> CheckBillFileOperator:
    return CheckBillFileOperator(task_id="check", **arguments)


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    """A file of three bills, two of which the importer kicks out."""
    (tmp_path / "bills.csv").write_text(BILLS)
    return tmp_path / "bills.csv"


def test_the_check_foretells_in_the_same_columns_what_is_kicked_out(
    sandbox: Sandbox, bills: Path, tmp_path: Path
) -> None:
    for account in ("A-1", "A-2", "A-3"):
        sandbox.add_account(account, ["M-1"])
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bills)

    check = run(_check(file=str(bills), report=str(tmp_path / "{{ params.name }}.csv")), params={"name": "check"})
    after = run(
        KickoutReportOperator(task_id="report", task_guid=guid, path=str(tmp_path / "kickouts.csv"), format="csv")
    )

    assert isinstance(check.error, EciBillFileError)
    assert check.result["report"] == str(tmp_path / "check.csv")
    assert check.result["errors"] == after.result["rows"] == 2
    foretold, kicked_out = read_csv(tmp_path / "check.csv"), read_csv(tmp_path / "kickouts.csv")
    assert foretold[0] == kicked_out[0]
    # File, and what the row says itself; the number of the row and the column are known to the check alone.
    assert sorted([row[0], *row[4:]] for row in foretold[1:]) == sorted(
        [row[0], *row[4:]] for row in kicked_out[1:]
    )
    assert sorted(row[1:3] for row in foretold[1:]) == [["3", "ENDDATE"], ["4", "COST:USD:Total"]]


def test_a_report_of_a_good_file_has_no_rows_and_names_it(bills: Path, tmp_path: Path) -> None:
    bills.write_text("".join(BILLS.splitlines(keepends=True)[:2]))

    end = run(_check(file=str(bills), report=str(tmp_path / "check.md")))

    assert end.state == "success", end.error
    assert (tmp_path / "check.md").read_text() == f"# Check of bill file {bills}\n\nProblems: 0\n"


def test_a_template_that_renders_to_nothing_means_no_report(bills: Path) -> None:
    end = run(_check(file=str(bills), on_problems="warn", report="{{ params.report }}"), params={"report": None})

    assert end.state == "success", end.error
    assert "report" not in end.result


def test_a_path_that_tells_no_format_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(
        EciValidationError, match=r"CheckBillFileOperator 'check': report is 'check\.pdf': must end in"
    ):
        _check(file="bills.csv", report="check.pdf")


def test_a_report_in_the_bill_files_place_is_refused(bills: Path) -> None:
    with pytest.raises(
        EciValidationError, match=r"write_report: path is '.*bills\.csv', where the bill file lies"
    ):
        write_report(check_file(bills), f"file://{bills}")
    assert bills.read_text() == BILLS


def test_a_check_of_a_bill_file_has_the_same_form(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(
        "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
        "1001,20260101,20260131,A,M1,5\n1002,20260101,2026x,A,M2,5\n,20260101,20260131,Q,M3,5\n"
    )
    done = write_report(check_file(file), tmp_path / "report.csv")

    header, *rows = read_csv(tmp_path / "report.csv")
    assert header[:4] == ["File", "Row", "Column", "Message"]
    assert header[4:] == ["ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", "COST:USD:Total"]
    told = {(row[0], row[1], row[2], row[3].split(":")[0], row[4]) for row in rows}
    assert ("bills.csv", "3", "ENDDATE", "error date_unreadable", "1002") in told
    assert ("bills.csv", "4", "ACCOUNT", "error required_empty", "") in told
    severities = [row[3].split()[0] for row in rows]
    assert severities == sorted(severities)
    assert done["rows"] == len(rows)
