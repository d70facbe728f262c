"""The operator that writes a kickout report: arguments, result, log, link."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.api import EciClient
from eci_provider.api.errors import EciNotFoundError, EciValidationError
from eci_provider.get_provider_info import get_provider_info
from eci_provider.links import REPORT_LINK_KEY, KickoutReportLink
from eci_provider.operators import KickoutReportOperator
from eci_provider.reports import EciReportError
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"


def _report(**arguments: Any) -> KickoutReportOperator:
    return KickoutReportOperator(task_id="report", **arguments)


def _imported(sandbox: Sandbox, file: Path) -> str:
    sandbox.add_account("A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(file)


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    """A ZIP of two files; of the bills of an account that EnergyCAP does not know, two are in the second."""
    with zipfile.ZipFile(tmp_path / "bills.zip", "w") as archive:
        archive.write(bill_file(tmp_path, "A-1", "A-2"), "one.csv")
        archive.write(bill_file(tmp_path, "A-2", "A-2", "A-3"), "two.csv")
    return tmp_path / "bills.zip"


def test_the_report_is_written_told_and_linked(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    guid = _imported(sandbox, bill_file(tmp_path, "A-1", "A-2"))
    path = tmp_path / "2026" / "report.csv"
    operator = _report(task_guid="{{ params.guid }}", path=f"{tmp_path}/{{{{ params.year }}}}/report.csv")

    end = run(operator, params={"guid": guid, "year": 2026})

    (stored,) = sandbox.kickouts(guid)
    assert end.state == "success", end.error
    assert end.result == {
        "task_guid": guid,
        "path": str(path),
        "format": "csv",
        "rows": 1,
        "messages": [{"message": stored["message"], "rows": 1}],
        "files": [{"file": "bills.csv", "rows": 1}],
    }
    header, row = _read(path)
    assert dict(zip(header, row, strict=True))["ACCOUNT"] == "A-2"
    assert f"Import {guid}: 1 rows kicked out, see {path}.\n         1 x {stored['message']}" in (
        capsys.readouterr().out + caplog.text
    )
    assert (end.xcoms["task_guid"], end.xcoms["path"]) == (guid, str(path))
    # No browser opens a file of a worker.
    assert REPORT_LINK_KEY not in end.xcoms


def test_the_link_leads_where_the_connection_says(
    sandbox: Sandbox, memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guid = _imported(sandbox, bill_file(tmp_path, "A-2"))
    connect(monkeypatch, sandbox.url, sandbox.api_key, report_url_template="https://files.example.com/{path}")

    end = run(_report(task_guid=guid, path="memory://reports/2026/a b.csv"))

    assert end.result["path"] == "memory://reports/2026/a b.csv"
    assert end.xcoms[REPORT_LINK_KEY] == "https://files.example.com/2026/a%20b.csv"


@pytest.mark.parametrize("how", ["file", "file_names"])
def test_the_files_of_a_zip_are_told_apart(how: str, sandbox: Sandbox, zipped: Path, tmp_path: Path) -> None:
    guid = _imported(sandbox, zipped)
    named = {"file": f"file://{zipped}"} if how == "file" else {"file_names": ["one.csv", "two.csv"]}

    end = run(_report(task_guid=guid, path=str(tmp_path / "report.csv"), **named))

    assert end.result["files"] == [{"file": "two.csv", "rows": 3}, {"file": "one.csv", "rows": 1}]
    assert [(row[0], row[4]) for row in _read(tmp_path / "report.csv")[1:]] == [
        ("one.csv", "A-2"),
        ("two.csv", "A-2"),
        ("two.csv", "A-2"),
        ("two.csv", "A-3"),
    ]


@pytest.mark.parametrize("name", ["gone.zip", "broken.zip"])
def test_a_zip_that_cannot_be_read_any_more_costs_only_the_names(
    name: str,
    sandbox: Sandbox,
    zipped: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    guid = _imported(sandbox, zipped)
    (tmp_path / "broken.zip").write_text("no ZIP")

    end = run(_report(task_guid=guid, path=str(tmp_path / "report.md"), file=str(tmp_path / name)))

    assert end.result["files"] == [{"file": "bills.zip", "rows": 4}]
    assert "does not tell rows apart by file" in capsys.readouterr().out + caplog.text


def test_an_import_without_kickouts_makes_a_report_without_rows(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    guid = _imported(sandbox, bill_file(tmp_path, "A-1"))
    for status in (200, 404):
        if status == 404:
            sandbox.fault("GET", f"/api/v202401/import/bill/task/{guid}/kickout/*", times=9, status=404)
        end = run(_report(task_guid=guid, path=str(tmp_path / f"{status}.csv")))

        assert (end.result["rows"], end.result["messages"], end.result["files"]) == (0, [], [])
        assert _read(tmp_path / f"{status}.csv") == [["File", "Row", "Column", "Message"]]
        assert "has no kickouts; the report at" in capsys.readouterr().out + caplog.text


def test_an_import_whose_reads_lag_is_reported(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.task_lag, sandbox.settings.lists_lag = 10, True
    guid = _imported(sandbox, bill_file(tmp_path, "A-2"))

    end = run(_report(task_guid=guid, path=str(tmp_path / "report.csv")))

    assert end.result["rows"] == 1


def test_a_report_of_an_unknown_import_is_none(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    end = run(_report(task_guid=GUID, path=str(tmp_path / "report.csv")))

    assert isinstance(end.error, EciNotFoundError)
    assert end.is_final
    assert list(tmp_path.iterdir()) == []


def test_a_report_of_an_import_that_goes_on_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.settings.delay = 60
    guid = _imported(sandbox, bill_file(tmp_path, "A-2"))
    operator = _report(task_guid=guid, path=str(tmp_path / "report.csv"))

    early = run(operator)
    sandbox.advance(61)
    late = run(operator)

    assert isinstance(early.error, EciReportError)
    assert "is still running (status 'In progress')" in str(early.error)
    assert not early.is_final
    assert early.xcoms.get(REPORT_LINK_KEY) is None
    assert late.result["rows"] == 1


def test_the_result_is_small_whatever_the_server_says(sandbox: Sandbox, tmp_path: Path) -> None:
    guid = _imported(sandbox, bill_file(tmp_path, "A-2"))
    long = "ü" * 20_000
    rows = [[{"fieldId": 1, "value": f"{number}{long}"}] for number in range(20)]
    base = f"/api/v202401/import/bill/task/{guid}/kickout"
    summary = {"kickoutMessages": [f"{number}{long}" for number in range(20)]}
    sandbox.fault("GET", f"{base}/summary", status=200, body=summary)
    fields = [{"id": 1, "name": "A"}]
    sandbox.fault("GET", f"{base}/detail", status=200, body={"fields": fields, "data": rows * 12})
    sandbox.fault("GET", f"{base}/*/detail", times=99, status=200, body={"fields": fields, "data": rows})

    names = [f"{number} {'ß' * 200}.csv" for number in range(12)]
    end = run(_report(task_guid=guid, path=str(tmp_path / "report.csv"), file_names=names))

    assert end.result["rows"] == 240
    assert len(end.result["messages"]) == len(end.result["files"]) == 10
    assert len(json.dumps(end.result)) < 16 * 1024


# Arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"format": "pdf"}, "format is 'pdf'"),
        ({"format": "xlsx"}, "format is 'xlsx', but path is 'report.csv'"),
        ({"path": "report"}, "path is 'report': must end in"),
        ({"path": "ftp://u:secret@h/r?sig=secret"}, r"path is 'ftp://u:\*{3}@h/r\?sig=\*{3}': must end in"),
        ({"path": "{{ ds }}.csv", "format": "pdf"}, "format is 'pdf'"),
        ({"path": None}, "path is '': must name the file"),
        ({"task_guid": "None"}, "task_guid is 'None'"),
        ({"task_guid": None}, "task_guid is None"),
        ({"file_names": "a.csv"}, "file_names is 'a.csv': must be a list of names"),
        ({"file_names": [1]}, "file_names is"),
        ({"file": "a.zip", "file_names": ["a.csv"]}, "file and file_names are both given"),
        ({"file": "./report.csv"}, "path is 'report.csv', where the bill file lies"),
        ({"path": "s3://b/a.csv", "file": "s3://b/a.csv"}, "path is 's3://b/a.csv', where the bill file lies"),
    ],
)
def test_wrong_literals_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(EciValidationError, match=f"KickoutReportOperator 'report': {said}"):
        _report(**{"task_guid": GUID, "path": "report.csv", **arguments})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"task_guid": "{{ params.nothing }}"}, "task_guid is 'None'"),
        ({"task_guid": "{{ params.jinja }}"}, "task_guid is '{{ x }}'"),
        ({"path": "{{ params.jinja }}.csv"}, "path is '{{ x }}.csv': must name the file"),
        ({"path": "{{ params.nothing }}", "format": "csv"}, "path is 'None': must name the file"),
        ({"path": "report.{{ params.odd }}"}, "path is 'report.pdf'"),
        ({"path": "report.csv", "format": "{{ params.odd }}"}, "format is 'pdf'"),
        ({"path": "{{ params.odd }}.csv", "file": "file://{{ params.here }}/pdf.csv"}, "where the bill file lies"),
    ],
)
def test_wrong_templates_are_refused_before_anything_is_sent(
    arguments: dict[str, Any], said: str, sandbox: Sandbox
) -> None:
    operator = _report(**{"task_guid": GUID, "path": "report.csv", **arguments})

    end = run(operator, params={"nothing": None, "odd": "pdf", "here": str(Path.cwd()), "jinja": "{{ x }}"})

    assert isinstance(end.error, EciValidationError)
    assert said in str(end.error)
    assert end.is_final
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["format", "file", "file_names"])
def test_an_optional_argument_that_rendered_to_nothing_is_left_out(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    guid = _imported(sandbox, bill_file(tmp_path, "A-2"))
    arguments: dict[str, Any] = {name: "{{ params.nothing }}"}
    operator = _report(task_guid=guid, path=str(tmp_path / "report.csv"), **arguments)

    end = run(operator, params={"nothing": None})

    assert (end.error, end.result["format"], end.result["rows"]) == (None, "csv", 1)


# The link


def test_airflow_knows_the_link() -> None:
    operator = _report(task_guid=GUID, path="report.csv")
    assert [link.name for link in operator.operator_extra_links] == ["Open in EnergyCAP", "Kickout report"]
    assert KickoutReportLink().xcom_key == REPORT_LINK_KEY
    assert "eci_provider.links.KickoutReportLink" in get_provider_info()["extra-links"]
