"""What the README shows works as shown, and the pages link to what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def _first_dag() -> str:
    section = README.split("## A first DAG")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    if airflow_version.startswith("2."):
        return found.group(1).replace("from airflow.sdk import dag", "from airflow.decorators import dag")
    return found.group(1)


def test_the_first_dag_parses_and_has_about_twenty_lines(tmp_path: Path) -> None:
    path = tmp_path / "first.py"
    path.write_text(_first_dag().replace("\nmonthly_bills()\n", "\nprint(sorted(monthly_bills().task_ids))\n"))

    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "['close_batch', 'import_bills', 'open_batch']" in done.stdout
    assert len([line for line in _first_dag().splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("target", ["demo", "test", "ui", "matrix"])
def test_every_command_it_names_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert f"make {target}" in README
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_page_that_is_linked_exists(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)[^)]*\)", page.read_text()):
        assert (page.parent / target).is_file(), target
