"""The README is short, its commands exist, and pages link to what exists. ``test_blocks`` runs what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eci_provider import operators, sensors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.split()) <= 800


@pytest.mark.parametrize("target", ["demo", "test", "ui", "build", "docs"])
def test_every_command_it_names_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert f"make {target}" in README
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("name", [*operators.__all__, *sensors.__all__])
def test_every_operator_and_sensor_is_in_its_table(name: str) -> None:
    found = re.search(rf"^\| \[{name}\]\((docs/\S+)\) \| ", README, re.MULTILINE)
    assert found

    assert (ROOT / found[1]).read_text().startswith(f"# {name}\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_page_that_is_linked_exists(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)[^)]*\)", page.read_text()):
        assert (page.parent / target).is_file(), target
