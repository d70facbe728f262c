"""The rooms of the package: few flat modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "eci_provider"
FLAT_MODULES = {"__init__", "get_provider_info", "links", "retry_policy"}


def test_few_modules_lie_flat() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == FLAT_MODULES


def test_the_support_package_lists_its_modules() -> None:
    support = PACKAGE.parent / "tests" / "support"
    listed = set(
        re.findall(r"``(\w+)``", ast.get_docstring(ast.parse((support / "__init__.py").read_text())) or "")
    )
    assert {path.stem for path in support.glob("*.py")} - {"__init__"} <= listed
