"""Every template that examples, pages and docstrings show is rendered in every kind of run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from jinja2 import UndefinedError

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
MODULES = sorted(path for path in (ROOT / "eci_provider").rglob("*.py") if "sandbox" not in path.parts)
MOMENT = datetime(2026, 1, 5, 8, tzinfo=timezone.utc)
#: The logical date by kinds of runs; without one, Airflow 3 defines neither ds, ts nor logical_date.
KINDS = {"scheduled or backfilled": MOMENT, "by hand or by an asset": None}


class Anything:
    """Stand in for params, variables and results of other tasks."""

    # Jinja calls nothing that is marked as unsafe.
    unsafe_callable = alters_data = False

    def __getattr__(self, name: str) -> Anything:
        return self

    def __getitem__(self, name: object) -> Anything:
        return self

    def __call__(self, *arguments: object, **named: object) -> Anything:
        return self

    def __str__(self) -> str:
        return "x"


def _context(logical_date: datetime | None) -> dict[str, Any]:
    context: dict[str, Any] = dict.fromkeys(("dag", "kickouts", "params", "ti", "var"), Anything())
    context["run_id"] = "run"
    context["dag_run"] = SimpleNamespace(logical_date=logical_date, run_after=MOMENT, conf={"file": "bills.csv"})
    if logical_date is not None:
        context |= {"logical_date": logical_date, "ds": "2026-01-05", "ts_nodash": "20260105T080000"}
    return context


@lru_cache(maxsize=1)
def _environment() -> Any:
    return DAG("dag", schedule=None).get_template_env()


def _templates(text: str) -> list[str]:
    # A template in an f-string has its braces twice.
    return re.findall(r"\{\{[^{}]*\}\}", text)


def _rendered(text: str) -> list[str]:
    return [
        _environment().from_string(template).render(**_context(logical_date))
        for template in _templates(text)
        for logical_date in KINDS.values()
    ]


def test_what_is_no_template_of_every_run_is_told() -> None:
    with pytest.raises(UndefinedError, match="'ds' is undefined"):
        _rendered("s3://bills/{{ ds }}.csv")
    assert "None" in _rendered("s3://bills/{{ dag_run.logical_date | ds }}.csv")


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_pages_and_examples(path: Path) -> None:
    # Both warnings name what fails.
    shown = path.read_text().replace("`{{ ds }}` fails", "").replace("{{ ds }} nor {{ ts_nodash }}", "")

    assert "None" not in _rendered(shown)
    assert path.name != "README.md" or _templates(shown)


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


def test_docstrings() -> None:
    shown = [docstring for path in MODULES for docstring in _docstrings(path) if _templates(docstring)]

    assert len(shown) > 5
    assert "None" not in [text for docstring in shown for text in _rendered(docstring)]
