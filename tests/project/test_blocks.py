"""Every code block of the README and the pages runs as it is pasted, with the wheel, not with the source tree."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.blocks import ROOT, Block, blocks, for_this_airflow
from tests.support.first_steps import FirstSteps
from tests.support.wheel import build_wheel, clean_environ, environment_with

# All blocks run while the first test is set up: half a minute, and minutes on a busy machine.
pytestmark = pytest.mark.timeout(600)

#: Blocks that do not run, by their page and first line, and why.
NOT_RUN = {
    ("README.md", "make demo"): "tests/dev/demo runs it, and make test runs this",
    ("CONTRIBUTING.md", "make venv"): "takes minutes; test_contributing checks that the targets exist",
    ("CONTRIBUTING.md", "make test"): "the same",
    ("CONTRIBUTING.md", "make docs"): "the same",
    ("CONTRIBUTING.md", "make constraints"): "needs a package index",
    ("docs/performance.md", "make bench"): "takes an hour; tests/dev/benchmarks runs parts of it",
}
#: What the output of a block must show, as the page says; other blocks only have to succeed.
SHOWN = {
    "docs/connection.md": ["Connection success!", "(True, "],
    "docs/bill-files.md": ["electric.csv: 2 rows, 2 bills, 0 errors, 0 warnings"],
}


def _is_left_out(block: Block) -> bool:
    return any(block.page == page and block.code.startswith(start) for page, start in NOT_RUN)


RUN = [block for block in blocks() if block.kind != "output" and not _is_left_out(block)]


@dataclass
class Outcome:
    """
    What became of the blocks.

    :param problems: by the names of blocks.
    :param packages: from where the package was imported.
    :param steps: what the first steps have left.
    :param shown: what the first steps, and all other blocks, have printed.
    """

    problems: dict[str, str]
    packages: list[str]
    steps: dict[str, Any]
    shown: tuple[str, str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Run all blocks: the README's in one shell, all others beside it in one process."""
    folder = tmp_path_factory.mktemp("blocks")
    wheel = build_wheel(folder / "wheel")
    steps = FirstSteps([block for block in RUN if block.page == "README.md"], wheel, folder / "steps")
    steps.start()
    try:
        report, shown = _run_pages(wheel, folder / "pages")
    finally:
        done = steps.finish()
    problems = dict(report["problems"])
    if done["failed"]:
        problems[done["failed"]] = steps.log[-4000:]
    return Outcome(problems, [report["package"], done.get("package", "")], done, (steps.log, shown))


def _run_pages(wheel: Path, folder: Path) -> tuple[dict[str, Any], str]:
    for name in ("airflow", "dags", "home", "code", "work"):
        (folder / name).mkdir(parents=True)
    commands = environment_with(wheel, folder / "environment")
    for name in ("page_runner.py", "page_world.py"):
        shutil.copy(ROOT / "tests" / "support" / name, folder / "code")
    for block in RUN:
        if block.saved_as:
            (folder / "dags" / Path(block.saved_as).name).write_text(for_this_airflow(block.code))
    chosen = [
        {**asdict(block), "code": for_this_airflow(block.code), "name": block.name, "kind": block.kind}
        for block in RUN
        if block.page != "README.md"
    ]
    job = folder / "job.json"
    job.write_text(json.dumps({"blocks": chosen, "folder": str(folder / "work")}))
    environ = clean_environ(
        folder / "home",
        AIRFLOW_HOME=str(folder / "airflow"),
        AIRFLOW__CORE__DAGS_FOLDER=str(folder / "dags"),
        PYTHONPATH=str(folder / "code"),
        S3_FOLDER=str(folder / "s3"),
    )
    environ["PATH"] = f"{commands}:{environ['PATH']}"
    done = subprocess.run(
        [commands / "python", "-c", f"import page_runner; page_runner.main({str(job)!r})"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    report: dict[str, Any] = json.loads((folder / "work" / "report.json").read_text())
    return report, done.stdout + done.stderr


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.name)
def test_runs_as_pasted(outcome: Outcome, block: Block) -> None:
    assert block.kind != "unknown", "name the language: python, text for output, or none for a shell"
    assert outcome.problems.get(block.name) is None, outcome.problems[block.name]


def test_the_package_came_from_the_wheel(outcome: Outcome) -> None:
    assert [path for path in outcome.packages if Path(path).is_relative_to(ROOT)] == []
    assert [path for path in outcome.packages if "site-packages" not in path] == []


def test_the_first_steps_end_as_the_page_says(outcome: Outcome) -> None:
    assert outcome.steps["batches"] == [["closed", 2]]


def test_the_log_of_the_first_steps_is_the_one_that_is_shown(outcome: Outcome) -> None:
    (block,) = [block for block in blocks() if block.page == "docs/start.md" and block.kind == "output"]
    pattern = r"\s+".join(r"\S+" if "…" in word else re.escape(word) for word in block.code.split())

    assert re.search(pattern, outcome.shown[0], re.DOTALL)


@pytest.mark.parametrize("page", SHOWN)
def test_what_is_shown_as_success_is_printed(outcome: Outcome, page: str) -> None:
    for text in SHOWN[page]:
        assert text in outcome.shown[1]


@pytest.mark.parametrize(("page", "start"), NOT_RUN)
def test_a_block_that_is_left_out_exists(page: str, start: str) -> None:
    assert [block for block in blocks() if block.page == page and block.code.startswith(start)]
