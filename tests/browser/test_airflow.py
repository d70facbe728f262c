"""Airflow's own pages: the form of a connection and its test, a run with its links, the form of the review."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow import __version__ as airflow_version

from dev.demo.bills import Bills
from dev.support.environment import connection_variable
from eci_provider.api.options import ClientOptions
from eci_provider.get_provider_info import get_provider_info
from eci_provider.hooks.eci import EciHook
from eci_provider.sandbox import Sandbox
from tests.support.review_airflow import Reviewed, review
from tests.support.whole_airflow import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

Picture = Callable[["Page | Locator", str], Path]

pytestmark = [
    pytest.mark.skipif(
        tuple(map(int, airflow_version.split(".")[:2])) < (3, 3),
        reason="these are the pages of Airflow 3.3; older ones look otherwise",
    ),
    # A whole Airflow starts; a loaded machine may take minutes for that.
    pytest.mark.timeout(600),
]

IMPORT, REVIEW, RUN = "eci_bill_import", "eci_kickout_review", "january"
(CONNECTION,) = get_provider_info()["connection-types"]
FIELDS: dict[str, dict[str, Any]] = CONNECTION["conn-fields"]
KEY = "a-key-that-nobody-has"
STORED = ("conn_type", "host", "port", "extra")


@pytest.fixture(scope="module")
def airflow(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    """Start an Airflow whose DAGs run while the other pages are tested; the review waits for an answer."""
    home = tmp_path_factory.mktemp("browser") / "home"
    with Sandbox() as energycap:
        for building, meters in Bills.read().meters.items():
            energycap.add_account(building, meters)
        energycap.add_account("known", ["M1"])
        connection = connection_variable(
            energycap.url,
            energycap.api_key,
            settle_time=1,
            ui_url_template="{host}/imports/{task_guid} {host}/batches/{batch_id}",
        )
        settings = {
            **connection,
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }
        with running(Reviewed, home, energycap, [IMPORT, REVIEW], **settings) as airflow:
            for dag_id in (IMPORT, REVIEW):
                airflow.unpause(dag_id)
            airflow.trigger(IMPORT, RUN, {})
            airflow.begin(RUN, "known", "Hillside A", "Hillside B", "Hillside C")
            yield airflow


@pytest.fixture(scope="module")
def session(airflow: Reviewed, chromium: Browser) -> list[Any]:
    """Log in through the page, and return the cookies."""
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    _log_in(page, airflow.url, airflow.password)
    page.wait_for_url(f"{airflow.url}/")
    cookies = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def signed_in(page: Page, session: list[Any]) -> Page:
    """Return a page of a browser that is logged in."""
    page.context.add_cookies(session)
    return page


def _log_in(page: Page, url: str, password: str) -> None:
    page.goto(url)
    page.get_by_label("Username").fill("admin")
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_nobody_gets_in_without_the_password(airflow: Reviewed, page: Page) -> None:
    _log_in(page, airflow.url, "wrong")

    page.get_by_text("Invalid credentials").wait_for()
    assert page.context.cookies() == []


def _open_form(page: Page, airflow: Reviewed) -> Locator:
    """Open the form of a new EnergyCAP connection."""
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").fill("EnergyCAP")
    page.keyboard.press("Enter")
    form.get_by_text("Standard Fields").wait_for()
    return form


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_the_form_explains_each_field_and_requires_none(
    width: str, airflow: Reviewed, signed_in: Page, picture: Picture
) -> None:
    signed_in.set_viewport_size({"width": 1280 if width == "wide" else 420, "height": 1000})
    form = _open_form(signed_in, airflow)
    if width == "wide":
        picture(form, "connection-form")
    required = form.get_by_text("*", exact=True)
    assert required.count() == 2  # Airflow's own: the id and the type of the connection
    assert all(form.get_by_label(name).is_visible() for name in ("Environment URL", "API key", "Port"))
    assert [form.get_by_label(name).count() for name in ("Login", "Schema")] == [0, 0]

    for section in dict.fromkeys(field["schema"]["section"] for field in FIELDS.values()):
        form.get_by_text(section, exact=True).click()
        for field in (field for field in FIELDS.values() if field["schema"]["section"] == section):
            form.get_by_text(field["label"], exact=True).wait_for()
            form.get_by_text(field["description"], exact=True).wait_for()
    assert required.count() == 2
    assert form.locator("textarea[id^=element_]").count() == 0  # each field has an input of its own kind
    assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_form_stores_what_the_hook_reads(
    airflow: Reviewed, signed_in: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = _open_form(signed_in, airflow)
    for name, value in {"Connection ID": "filled_in", "API key": "some-key", "Port": "443"}.items():
        form.get_by_label(name).fill(value)
    form.get_by_text("Network and TLS").click()
    form.get_by_label("Check the TLS certificate").press("ArrowDown")
    signed_in.get_by_role("option", name="No: anyone on the way could read the API key").click()
    form.get_by_label("Seconds to wait for an answer").fill("120")
    form.get_by_label("Seconds to wait for a connection").fill("")
    form.get_by_text("Links in Airflow").click()
    form.locator("#element_ui_url_template").fill("{host}/batches/{batch_id}")
    form.get_by_role("button", name="Save").click()
    _row(signed_in, "filled_in").wait_for()

    stored = airflow.ask("connections/filled_in")
    monkeypatch.setenv(
        "AIRFLOW_CONN_FILLED_IN", json.dumps({**{name: stored[name] for name in STORED}, "password": "some-key"})
    )
    settings, default = EciHook("filled_in").settings, ClientOptions()
    assert settings.base_url == "https://app.energycap.com"
    assert (settings.verify, settings.timeout, settings.connect_timeout) == (False, 120, default.connect_timeout)
    assert (settings.ui_url_template, settings.report_url_template) == ("{host}/batches/{batch_id}", None)


def _row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))


@pytest.fixture(scope="module")
def connections(airflow: Reviewed) -> dict[str, tuple[str, str]]:
    """Store connections as the form does, and return for each name the title and the text of its test."""
    url, key = airflow.energycap.url, airflow.energycap.api_key
    port = int(url.rpartition(":")[2])
    stored = {
        "right": {"host": url, "port": port, "password": key},
        "wrong_key": {"host": url, "port": port, "password": KEY},
        "wrong_host": {"host": "http://127.0.0.1:9", "port": 9, "password": KEY},
        "no_key": {"host": url, "port": port},
        "no_port": {"host": url, "password": key},
    }
    for name, fields in stored.items():
        airflow.ask("connections", {"connection_id": name, "conn_type": "eci", **fields})
    failed = "Test Connection Failed"
    return {
        "right": (
            "Test Connection Successful",
            f"Connected to Sandbox at {url}: the API key is Sandbox User (sandbox)'s",
        ),
        "wrong_key": (failed, f"401 from {url}: the API key is wrong or was deleted"),
        "wrong_host": (failed, "no connection to 127.0.0.1:9; check the host"),
        "no_key": (failed, "the API key is missing; set it as the connection's password"),
        # Airflow's own fault, of connections of any type. Once this is mended, the form need not show the port.
        "no_port": (failed, "Bad Request"),
    }


def test_the_button_tests_a_connection_and_says_why_it_fails(
    airflow: Reviewed, connections: dict[str, tuple[str, str]], signed_in: Page, picture: Picture
) -> None:
    # High enough that no message of an earlier test covers a button.
    signed_in.set_viewport_size({"width": 1280, "height": 1600})
    signed_in.goto(f"{airflow.url}/connections")
    for name, (title, text) in connections.items():
        _row(signed_in, name).get_by_role("button", name="Test Connection").click()
        # The messages of earlier tests may still be there.
        message = signed_in.get_by_role("status").filter(has_text=text)
        message.wait_for()
        assert title in message.inner_text()
        assert not any(key in message.inner_text() for key in (KEY, airflow.energycap.api_key))
        if name == "right":
            picture(message, "test-connection")


def _open_task(page: Page, airflow: Reviewed, dag_id: str, task: str, tab: str) -> None:
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{RUN}/tasks/{task}/{tab}")


def _xcoms(airflow: Reviewed, dag_id: str) -> dict[tuple[str, str], Any]:
    """Return the XComs of a run by task and key."""
    path = f"dags/{dag_id}/dagRuns/{RUN}/taskInstances"
    entries = airflow.ask(f"{path}/~/xcomEntries?limit=500")["xcom_entries"]
    keys = [(entry["task_id"], entry["key"]) for entry in entries]
    return {(task, key): airflow.ask(f"{path}/{task}/xcomEntries/{key}")["value"] for task, key in keys}


def test_the_links_of_a_run_lead_to_its_batch_and_its_import(
    airflow: Reviewed, signed_in: Page, picture: Picture
) -> None:
    assert airflow.end_of(IMPORT, RUN) == "success"
    xcoms = _xcoms(airflow, IMPORT)
    assert [key for key, value in xcoms.items() if value in (None, "")] == []
    guid, batch_id = xcoms["import_bills", "task_guid"], xcoms["open_batch", "batch_id"]

    for task, path, title in (
        ("import_bills", f"imports/{guid}", "nycha_electric_bills.csv"),
        ("close_batch", f"batches/{batch_id}", xcoms["open_batch", "batch_code"]),
    ):
        _open_task(signed_in, airflow, IMPORT, task, "details")
        with signed_in.expect_popup() as opened:
            signed_in.get_by_role("link", name="Open in EnergyCAP").click()
        assert opened.value.url == f"{airflow.energycap.url}/{path}"
        assert title in opened.value.get_by_role("heading", level=1).inner_text()
        opened.value.close()

    signed_in.set_viewport_size({"width": 1280, "height": 600})
    signed_in.goto(f"{airflow.url}/dags/{IMPORT}/runs/{RUN}")
    signed_in.get_by_role("link", name="close_batch").last.wait_for()
    picture(signed_in, "airflow-run")


def test_a_report_in_a_folder_has_no_link(airflow: Reviewed, signed_in: Page) -> None:
    airflow.question(RUN)
    _open_task(signed_in, airflow, REVIEW, "import_bills", "details")

    signed_in.get_by_role("link", name="Open in EnergyCAP").wait_for()
    assert signed_in.get_by_role("link", name="Kickout report").count() == 0
    xcoms = _xcoms(airflow, REVIEW)
    assert Path(xcoms["import_bills", "kickout_report"]).is_file()
    assert [key for key, value in xcoms.items() if value in (None, "")] == []


def test_a_person_answers_in_the_form_of_the_review(airflow: Reviewed, signed_in: Page, picture: Picture) -> None:
    airflow.question(RUN)
    report = _xcoms(airflow, REVIEW)["import_bills", "kickout_report"]
    _open_task(signed_in, airflow, REVIEW, review(1), "required_actions")
    signed_in.get_by_text("3 rows kicked out, 1 bills imported").wait_for()
    assert signed_in.get_by_role("row").filter(has_text="Account code 'Hillside B' was not found.").count() == 1
    # A picture for everybody has no folder of this machine.
    signed_in.get_by_text(report).evaluate("shown => shown.textContent = '/srv/reports/kickouts.csv'")
    picture(signed_in, "kickout-review")

    signed_in.get_by_role("button", name="Void the batch").click()

    assert airflow.end(RUN) == "success"
    assert airflow.states(RUN)["question_1.void_batch"] == "success"
    assert airflow.bills_of(RUN) == {"known": False}
