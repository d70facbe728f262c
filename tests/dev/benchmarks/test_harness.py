"""The harness of the benchmarks: their page, their server, and triggers in Airflow's own runner."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from dev.benchmarks.__main__ import PROGRAMS, SECTIONS
from dev.benchmarks.children import environment, serving
from dev.benchmarks.results import PAGE, Section, Target, record
from dev.benchmarks.task_server import guid_of
from eci_provider.api import EciClient


def test_the_page_has_a_place_for_every_section() -> None:
    places = re.findall(r"<!-- measured: (\w+) -->", PAGE.read_text())

    assert sorted(places) == sorted((*SECTIONS, *PROGRAMS))


def test_a_section_replaces_its_older_version_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: get -->\nold\n<!-- end: get -->\nafter\n")
    section = Section("get", "One GET", ("way", "ms"), "Twice.")
    section.rows.append((r"a\1", "2"))
    section.targets += [Target("ours", 1.25, 1.25), Target("theirs", 1.26, 1.25)]

    record("get", section.markdown(), page)
    record("get", section.markdown(), page)

    text = page.read_text()
    assert text.startswith("before\n<!-- measured: get -->\n### One GET\n")
    assert text.endswith("<!-- end: get -->\nafter\n")
    assert "old" not in text
    assert text.count("| a\\1 | 2 |") == 1
    assert [line.rpartition(": ")[2] for line in text.splitlines() if line.startswith("- ")] == [
        "held",
        "**missed**",
    ]
    with pytest.raises(ValueError, match="has 0 places for 'upload'"):
        record("upload", "text", page)


def test_a_benchmark_gets_no_variables_of_the_users_airflow_or_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "Mine")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    made = environment(SSL_CERT_FILE="here")

    assert not {"AIRFLOW__CORE__EXECUTOR", "PYTHONDONTWRITEBYTECODE"} & made.keys()
    assert made["SSL_CERT_FILE"] == "here"


def test_the_server_answers_as_our_client_expects() -> None:
    with serving("dev.benchmarks.task_server", "--tasks", "1500") as port:
        url = f"http://127.0.0.1:{port}"
        with EciClient(url, "K" * 40) as client:
            guids = [task.task_guid for task in client.tasks.list()]
            with urllib.request.urlopen(f"{url}/end?tasks=7&over=0") as answer:  # noqa: S310
                assert list(json.load(answer)) == ["7"]
            while not client.tasks.get(guid_of(7)).end_date:
                pass
            still = client.tasks.get(guid_of(8))
        with urllib.request.urlopen(f"{url}/counts") as answer:  # noqa: S310
            counts = json.load(answer)

    assert guids == [guid_of(number) for number in range(1500)]
    assert (still.status, still.end_date) == ("Running", None)
    assert counts["list"] == 2
    assert counts["task"] >= 2


@pytest.mark.skipif(
    airflow_version.startswith(("2.", "3.0")), reason="the runner is only measured on the newest Airflow"
)
def test_waiting_is_measured_in_airflows_own_runner() -> None:
    from dev.benchmarks.waits import measure_wait  # older Airflows do not have all that it imports

    found = measure_wait("ours", 30, 0.5)

    assert found.cpu > 0
    assert len(found.delays) == 30
    assert min(found.delays) > 0
