"""Modules import at their top, but for what only a running task needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "eci_provider"
#: The rooms whose modules are loaded when a DAG file is parsed.
THIN_ROOMS = {"example_dags", "operators", "sensors", "notifications", "triggers", "hooks"}
#: Further functions that may import late, and why.
ALLOWED = {
    "bills/prepare/records.py likely_encoding": "optional package",
    "bills/prepare/workbooks.py _calamine": "optional package",
    "bills/recipe/loading.py _yaml": "optional package",
    "bills/workbook.py _load_workbook": "optional package",
    "runtime/readers.py task_guid": "check of an argument",
    "runtime/readers.py batch_id": "check of an argument",
    "reports/__init__.py __getattr__": "operators need the formats alone",
    "runtime/arguments.py check_literals": "check of arguments",
    "runtime/compat.py start_trigger_args": "not in every Airflow",
    "runtime/compat.py retry_policy_classes": "not in every Airflow",
    "sandbox/ports.py user_of": "optional package",
    "storage/object_store.py _object_storage_path": "takes long to load",
}
MOST_LATE_IMPORTS = 54


def _late_imports() -> Iterator[tuple[str, str]]:
    """Yield the file and the function of each import that is not at the top of its module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for node in ast.walk(function):
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        yield path.relative_to(PACKAGE).as_posix(), function.name


def test_only_thin_rooms_import_late() -> None:
    elsewhere = {f"{file} {name}" for file, name in _late_imports() if file.split("/")[0] not in THIN_ROOMS}

    assert elsewhere == set(ALLOWED)


def test_few_imports_are_late() -> None:
    late = list(_late_imports())

    assert len(late) <= MOST_LATE_IMPORTS, late
