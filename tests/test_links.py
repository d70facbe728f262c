"""The links "Open in EnergyCAP" and "Kickout report": from a connection, whatever becomes of a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.links import LINK_KEY, REPORT_LINK_KEY, EciLink, KickoutReportLink, browser_url, filled_template
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


def test_a_task_that_fails_before_it_begins_leaves_no_empty_row(sandbox: Sandbox) -> None:
    end = run(ImportBillsOperator(task_id="import", file="{{ nothing.here }}"))

    assert end.state == "failed"
    assert end.xcoms == {}


def test_a_link_of_a_subclass_is_stored_by_airflow(sandbox: Sandbox) -> None:
    class OwnLink(EciLink.__base__):  # type: ignore[misc, name-defined]
        name = "Own"
        xcom_key = "own"

        def get_link(self, operator: object, *, ti_key: object) -> str:
            return "https://own.example"

    class Opens(OpenBatchOperator):
        operator_extra_links = (*OpenBatchOperator.operator_extra_links, OwnLink())

    end = run(Opens(task_id="open", batch_code="one"))

    assert end.xcoms["own"] == "https://own.example"
    assert LINK_KEY not in end.xcoms


@pytest.mark.parametrize("stored", ["https://ui.example/1", None])
@pytest.mark.parametrize(("link", "key"), [(EciLink(), LINK_KEY), (KickoutReportLink(), REPORT_LINK_KEY)])
def test_airflow_2_reads_the_url_in_xcom(
    link: EciLink | KickoutReportLink, key: str, stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("eci_provider.links.XCom.get_value", lambda *, ti_key, key: asked.append(key) or stored)

    assert link.get_link(OpenBatchOperator(task_id="open", batch_code="one"), ti_key=None) == (stored or "")  # type: ignore[arg-type]
    assert asked == [key]


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


def test_the_first_url_is_taken_whose_placeholders_are_known() -> None:
    template = "{host}/imports/{task_guid} {host}/batches/{batch_id}"

    def link(**facts: object) -> str | None:
        return filled_template(template, "https://eci", facts)

    assert link(batch_id=7) == "https://eci/batches/7"
    assert link(batch_id=None, task_guid="g") == link(batch_id=7, task_guid="g") == "https://eci/imports/g"
    assert link(batch_code="B") is None


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
        # A browser opens neither a file of a worker nor an object by its store's own URL.
        ("/reports/a b.csv", None),
        ("file:///reports/a.csv", None),
        ("report.csv", None),
        ("abfs://reports@account.dfs.core.windows.net/a.csv", None),
        ("memory://reports/a.csv", None),
        ("https://host/a.csv?sig=secret", "https://host/a.csv?sig=***"),
        ("https://user:secret@host/a.csv", "https://host/a.csv"),
        (
            "s3://aws_default@bucket/2026/a b#1?.csv",
            "https://s3.console.aws.amazon.com/s3/object/bucket?prefix=2026/a%20b%231%3F.csv",
        ),
        ("gs://bucket/2026/a.csv", "https://console.cloud.google.com/storage/browser/_details/bucket/2026/a.csv"),
    ],
)
def test_the_link_shows_the_place_and_no_credentials(path: str, url: str | None) -> None:
    assert browser_url(path) == url


@pytest.mark.parametrize(
    ("path", "template", "url"),
    [
        (
            "s3://minio@bills/2026/a b#1?.csv",
            "https://minio.example.com/browser/{bucket}/{path}",
            "https://minio.example.com/browser/bills/2026/a%20b%231%3F.csv",
        ),
        (
            "abfs://reports@account.dfs.core.windows.net/2026/a.csv",
            "https://portal.example.com/{bucket}?file={name}",
            "https://portal.example.com/reports?file=a.csv",
        ),
        (
            "abfs://azure@reports/a.csv",
            "https://portal.example.com/{bucket}",
            "https://portal.example.com/reports",
        ),
        (
            "https://user:secret@host/a.csv?sig=secret",
            "https://sign.example.com/?object={url}",
            "https://sign.example.com/?object=https%3A%2F%2Fhost%2Fa.csv%3Fsig%3D%2A%2A%2A",
        ),
        (
            "/srv/reports/a b.csv",
            "https://files.example.com/{path}",
            "https://files.example.com/srv/reports/a%20b.csv",
        ),
        ("file:///srv/a.csv", "https://files.example.com/{path}", "https://files.example.com/srv/a.csv"),
        # Of several, the first that fits; if none does, as without a template.
        (
            "/srv/a.csv",
            "https://minio.example.com/{bucket}/{path} https://files.example.com/{name}",
            "https://files.example.com/a.csv",
        ),
        ("/srv/a.csv", "https://minio.example.com/{bucket}/{path}", None),
    ],
)
def test_a_template_says_where_a_report_is_shown(path: str, template: str, url: str | None) -> None:
    assert browser_url(path, template) == url
