"""The writer of a kickout report: what it adds to a result, and what it raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.core.errors import EciValidationError
from eci_provider.outcome.result import ImportResult, ReportStatus
from eci_provider.reports import EciReportError
from eci_provider.reports.kickouts import KickoutReportWriter
from eci_provider.sandbox import Sandbox
from eci_provider.waiting.status import Outcome
from tests.support.report_rows import read_csv
from tests.support.waiting_tasks import bill_file


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[EciClient]:
    """A client of the sandbox."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        yield client


@pytest.fixture
def kicked_out(sandbox: Sandbox, client: EciClient, tmp_path: Path) -> str:
    """The GUID of an import of which one row was kicked out."""
    sandbox.add_account("A-1")
    return client.bill_imports.submit(bill_file(tmp_path, "A-1", "A-2"))


def _result(client: EciClient, task_guid: str, outcome: Outcome) -> ImportResult:
    return ImportResult.from_task(client.tasks.get(task_guid), task_guid, outcome=outcome)


def test_a_report_is_written_and_noted_in_the_result(client: EciClient, kicked_out: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.csv"
    writer = KickoutReportWriter(path, source="here")
    before = _result(client, kicked_out, "completed_with_kickouts")

    result, error = writer.add_report(before, client, reattaches=True)

    assert (result.report, error) == (ReportStatus(str(path)), None)
    assert (before.report, result.task_guid) == (None, kicked_out)
    assert len(read_csv(path)) == 2


@pytest.mark.parametrize("path", [None, "", "None"])
def test_without_a_path_no_report_is_written(path: str | None, client: EciClient, kicked_out: str) -> None:
    before = _result(client, kicked_out, "completed_with_kickouts")
    assert KickoutReportWriter(path, source="here").add_report(before, client, reattaches=True) == (before, None)
    assert list(Path.cwd().iterdir()) == []


def test_an_import_that_failed_gets_no_report(client: EciClient, kicked_out: str, tmp_path: Path) -> None:
    writer = KickoutReportWriter(tmp_path / "report.csv", source="here")
    result, error = writer.add_report(_result(client, kicked_out, "failed"), client, reattaches=True)
    assert (result.report, error) == (ReportStatus(), None)
    assert not (tmp_path / "report.csv").exists()


@pytest.mark.parametrize("reattaches", [True, False])
def test_a_report_that_cannot_be_written_keeps_the_result(
    reattaches: bool, client: EciClient, kicked_out: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    writer = KickoutReportWriter(tmp_path / "file" / "report.csv", source="here")
    before = _result(client, kicked_out, "completed_with_kickouts")

    result, error = writer.add_report(before, client, reattaches=reattaches)

    assert result.report == ReportStatus(error="it could not be written (File exists).")
    assert isinstance(error, EciReportError)
    assert error.retry_helps is reattaches
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [str(error)]
    assert before.summary in error.message
    assert ("sends nothing again and writes the report" in error.message) is reattaches
    assert ("would import again: write the report with" in error.message) is not reattaches
    assert f"KickoutReportOperator with task_guid={kicked_out!r}" in error.message


def test_rows_that_energycap_does_not_return_are_the_reason(
    client: EciClient, kicked_out: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    before = _result(client, kicked_out, "completed_with_kickouts")
    sandbox.fault("GET", f"/api/v202401/import/bill/task/{kicked_out}/kickout/detail", status=403)
    writer = KickoutReportWriter(tmp_path / "report.csv", source="here")

    result, error = writer.add_report(before, client, reattaches=True)

    assert result.report is not None
    assert str(result.report.error).startswith("EnergyCAP did not return its rows. GET /api/v202401/")
    # The next attempt may have the permission.
    assert error is not None
    assert error.retry_helps


def test_names_that_cannot_be_found_cost_nothing_else(
    client: EciClient, kicked_out: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> list[str]:
        raise RuntimeError("the names are gone")

    writer = KickoutReportWriter(tmp_path / "report.csv", source="here", find_names=broken)
    written = writer.write(client, client.tasks.get(kicked_out), kicked_out)

    assert written["rows"] == 1
    assert "does not tell rows apart by file. RuntimeError: the names are gone" in caplog.text


def test_an_import_that_has_not_ended_gets_no_report(sandbox: Sandbox, client: EciClient, tmp_path: Path) -> None:
    sandbox.settings.delay = 60
    task_guid = client.bill_imports.submit(bill_file(tmp_path, "A-2"))
    writer = KickoutReportWriter(tmp_path / "report.csv", source="here")
    with pytest.raises(EciReportError, match=rf"import {task_guid} is still running \(status 'In progress'\)"):
        writer.write(client, client.tasks.get(task_guid), task_guid)
    assert not (tmp_path / "report.csv").exists()


def test_wrong_arguments_are_refused_by_their_names() -> None:
    for path, problem in (("report", "must end in"), ("{{ ds }}.csv", "a template that was not rendered")):
        with pytest.raises(EciValidationError, match=rf"^here: kickout_report is '{path}': .*{problem}"):
            KickoutReportWriter(path, source="here")
    with pytest.raises(EciValidationError, match=r"^here: path is '': must name the file"):
        KickoutReportWriter(None, name="path", source="here", is_required=True)
    with pytest.raises(EciValidationError, match=r"^here: kickout_report is 'b\.csv', where the bill file lies"):
        KickoutReportWriter("b.csv", source="here", file="b.csv")
