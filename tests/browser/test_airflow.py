"""Airflow's own pages: the form of a connection and its test, a run with its links, the form of the review."""

from __future__ import annotations

import json
import re
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
from tests.support.review_airflow import bills_file, review
from tests.support.whole_airflow import WholeAirflow, running

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

IMPORT, REVIEW, RUN = "eci_bill_import", "eci_kickout_review", "review"
(CONNECTION,) = get_provider_info()["connection-types"]
FIELDS: dict[str, dict[str, Any]] = CONNECTION["conn-fields"]
NARROW = {"width": 420, "height": 800}
KEY = "a-key-that-nobody-has"
STORED = ("conn_type", "host", "port", "extra")


@pytest.fixture(scope="module")
def airflow(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAirflow]:
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
        settings = {**connection, "AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
        with running(WholeAirflow, home, energycap, [IMPORT, REVIEW], **settings) as airflow:
            for dag_id in (IMPORT, REVIEW):
                airflow.unpause(dag_id)
            bills = bills_file(airflow.home, RUN, "known", "unknown")
            airflow.trigger(REVIEW, RUN, {"file": str(bills)}, "2026-02-01T00:00:00Z")
            yield airflow


@pytest.fixture(scope="module")
def session(airflow: WholeAirflow, chromium: Browser) -> list[Any]:
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


def test_nobody_gets_in_without_the_password(airflow: WholeAirflow, page: Page) -> None:
    _log_in(page, airflow.url, "wrong")

    page.get_by_text("Invalid credentials").wait_for()
    assert page.context.cookies() == []


def _open_form(page: Page, airflow: WholeAirflow) -> Locator:
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
    width: str, airflow: WholeAirflow, signed_in: Page, picture: Picture
) -> None:
    if width == "narrow":
        signed_in.set_viewport_size(NARROW)
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
    airflow: WholeAirflow, signed_in: Page, monkeypatch: pytest.MonkeyPatch
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
def connections(airflow: WholeAirflow) -> dict[str, tuple[str, str]]:
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
        "right": ("Test Connection Successful", f"Connected to Sandbox at {url}: the API key is Sandbox User (sandbox)'s"),
        "wrong_key": (failed, f"401 from {url}: the API key is wrong or was deleted"),
        "wrong_host": (failed, "no connection to 127.0.0.1:9; check the host"),
        "no_key": (failed, "the API key is missing; set it as the connection's password"),
        # Airflow's own fault, of connections of any type. Once this is mended, the form need not show the port.
        "no_port": (failed, "Bad Request"),
    }


def test_the_button_tests_a_connection_and_says_why_it_fails(
    airflow: WholeAirflow, connections: dict[str, tuple[str, str]], signed_in: Page, picture: Picture
) -> None:
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


def _open_task(page: Page, airflow: WholeAirflow, dag: str, run: str, task: str) -> None:
    page.goto(f"{airflow.url}/dags/{dag}/runs/{run}/tasks/{task}")


def _xcoms(airflow: WholeAirflow, dag: str, run: str) -> dict[tuple[str, str], Any]:
    """Return the XComs of a run by task and key."""
    entries = airflow.ask(f"dags/{dag}/dagRuns/{run}/taskInstances/~/xcomEntries?limit=500")["xcom_entries"]
    keys = [(entry["task_id"], entry["key"]) for entry in entries]
    path = f"dags/{dag}/dagRuns/{run}/taskInstances"
    return {(task, key): airflow.ask(f"{path}/{task}/xcomEntries/{key}")["value"] for task, key in keys}


def test_the_links_of_a_run_lead_to_its_batch_and_its_import(
    airflow: WholeAirflow, signed_in: Page, picture: Picture
) -> None:
    run = str(airflow.until("a run", lambda: airflow.runs(IMPORT))[0]["dag_run_id"])
    assert airflow.end(IMPORT, run) == "success"
    xcoms = _xcoms(airflow, IMPORT, run)
    places = {
        "import_bills": f"imports/{xcoms['import_bills', 'task_guid']}",
        "close_batch": f"batches/{xcoms['open_batch', 'batch_id']}",
    }
    assert [key for key, value in xcoms.items() if value in (None, "")] == []

    for name, place in places.items():
        _open_task(signed_in, airflow, IMPORT, run, f"{name}/details")
        with signed_in.expect_popup() as opened:
            signed_in.get_by_role("link", name="Open in EnergyCAP").click()
        assert opened.value.url == f"{airflow.energycap.url}/{place}"
        opened.value.close()
    assert signed_in.get_by_role("link", name="Kickout report").count() == 0

    signed_in.goto(f"{airflow.url}/dags/{IMPORT}/runs/{run}")
    signed_in.get_by_role("link", name="close_batch").first.wait_for()
    picture(signed_in, "airflow-run")


def test_a_person_answers_in_the_form_of_the_review(
    airflow: WholeAirflow, signed_in: Page, picture: Picture
) -> None:
    task = review(1)
    airflow.until(
        "the question", lambda: airflow.tasks(REVIEW, RUN)[task]["state"] in ("awaiting_input", "deferred")
    )
    _open_task(signed_in, airflow, REVIEW, RUN, f"{task}/required_actions")
    form = signed_in.get_by_text(re.compile("1 rows kicked out, 1 bills imported"))
    form.first.wait_for()
    picture(signed_in, "kickout-review")
