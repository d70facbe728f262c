"""The link "Open in EnergyCAP": from the connection's template, while the task waits and after it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.links import LINK_KEY, EciLink, browser_url, filled_template
from eci_provider.operators import CreateImportProfileOperator, ImportBillsOperator, OpenBatchOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import bill_file


def test_there_is_no_link_without_a_template(sandbox: Sandbox) -> None:
    operator = OpenBatchOperator(task_id="open", batch_code="one")

    end = run(operator)

    assert LINK_KEY not in end.xcoms
    assert EciLink().get_link(operator, ti_key=None) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_link_is_there_while_the_task_waits_and_after_it_failed(
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    connect(monkeypatch, sandbox.url, sandbox.api_key, ui_url_template="{host}/task/{task_guid}")
    sandbox.settings.delay = 1e9
    operator = ImportBillsOperator(
        task_id="import", file=str(bill_file(tmp_path, "A-1")), deferrable=deferrable, timeout=60
    )

    end = run(operator)

    assert end.state == "failed"
    guid = end.xcoms["task_guid"]
    assert end.xcoms[LINK_KEY] == f"{sandbox.url}/task/{guid}"
    assert EciLink().get_link(operator, ti_key=None) == f"{sandbox.url}/task/{guid}"  # type: ignore[arg-type]


def test_a_link_to_the_batch_appears_when_the_batch_is_known(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect(
        monkeypatch, sandbox.url, sandbox.api_key, ui_url_template="https://ui.example/{batch_id}/{batch_code}"
    )
    sandbox.add_account("A-1")

    end = run(
        ImportBillsOperator(
            task_id="import",
            file=str(bill_file(tmp_path, "A-1")),
            batch_settings={"batch_mode": "new batch", "new_batch_code": "a/b c?"},
        )
    )

    assert end.xcoms[LINK_KEY] == f"https://ui.example/{end.result['batch_id']}/a%2Fb%20c%3F"


@pytest.mark.parametrize(
    "template", ["{task}", "{host.__class__}", "{0}", "{}", "{task_guid", "}", "{task_id:d}", "{task_guid!r}"]
)
def test_a_template_that_cannot_be_filled_is_refused_with_the_connection(
    template: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = f"https://x/{template}"
    connect(monkeypatch, sandbox.url, sandbox.api_key, ui_url_template=template)

    end = run(OpenBatchOperator(task_id="open", batch_code="one"))

    assert isinstance(end.error, EciValidationError)
    assert "connection 'eci_default': extra ui_url_template" in str(end.error)
    assert sandbox.requests == []
    assert filled_template(template, "https://host", {"task_guid": "g"}) is None


def test_airflow_finds_the_link_where_tasks_leave_it() -> None:
    sensor = EciTaskSensor(task_id="wait", task_guid="123e4567-e89b-12d3-a456-426614174000")

    assert EciLink().xcom_key == LINK_KEY
    assert [link.name for link in sensor.operator_extra_links] == ["Open in EnergyCAP"]
    assert CreateImportProfileOperator.operator_extra_links == ()


def test_half_a_character_in_a_batch_code_breaks_no_link() -> None:
    link = filled_template("{host}/{batch_code}", "https://app.energycap.com", {"batch_code": "cut \ud83d"})

    assert link == "https://app.energycap.com/cut%20%EF%BF%BD"


# The link to a report


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/reports/a b.csv", "file:///reports/a%20b.csv"),
        ("file:///reports/a.csv", "file:///reports/a.csv"),
        ("https://host/a.csv?sig=secret", "https://host/a.csv?sig=***"),
        ("https://user:secret@host/a.csv", "https://host/a.csv"),
        (
            "s3://aws_default@bucket/2026/a b#1?.csv",
            "https://s3.console.aws.amazon.com/s3/object/bucket?prefix=2026/a%20b%231%3F.csv",
        ),
        ("gs://bucket/2026/a.csv", "https://console.cloud.google.com/storage/browser/_details/bucket/2026/a.csv"),
        ("abfs://reports@account.dfs.core.windows.net/a.csv", "abfs://reports@account.dfs.core.windows.net/a.csv"),
    ],
)
def test_the_link_shows_the_place_and_no_credentials(path: str, url: str) -> None:
    assert browser_url(path) == url


def test_a_relative_path_is_one_of_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert browser_url("report.csv") == f"file://{tmp_path}/report.csv"
