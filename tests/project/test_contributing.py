"""CONTRIBUTING names what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def test_every_shared_fixture_is_described() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| `(tests/\S+)` \|", TEXT, re.MULTILINE)
    described = {(fixture, file) for fixtures, file in rows for fixture in re.findall(r"`(\w+)`", fixtures)}
    there = {
        (fixture, str(file.relative_to(ROOT)))
        for file in (ROOT / "tests").rglob("conftest.py")
        for fixture in re.findall(r"^@pytest\.fixture.*\ndef (\w+)\(", file.read_text(), re.MULTILINE)
    }

    assert described == there


def test_every_file_and_folder_it_names_exists() -> None:
    named = set(re.findall(r"`((?:tests|docs|dev|example_dags|constraints)/[\w./]+)`", TEXT))

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z][a-z-]+)", TEXT)) <= targets
