"""The rooms of the package: few flat modules, no circles, true descriptions."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).parents[2] / "eci_provider"
ROOMS = sorted(folder.parent.relative_to(PACKAGE) for folder in PACKAGE.glob("*/**/__init__.py"))
FLAT_MODULES = {"__init__", "get_provider_info", "links", "retry_policy"}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Each module and what it imports, inside functions and for types too."""
    graph = grimp.build_graph("eci_provider", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def _circle(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_few_modules_lie_flat() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == FLAT_MODULES


def test_no_module_imports_itself_by_way_of_others(imports: dict[str, set[str]]) -> None:
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert _circle(imports) == []


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_room_says_what_it_is_for_and_what_it_may_touch(room: Path, imports: dict[str, set[str]]) -> None:
    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())) or ""
    promises = [part for part in docstring.split("\n\n")[1:] if re.search("touch|imports nothing", part)]

    assert promises, f"{room}/__init__.py: say what the room is for, then what it may touch"
    assert _touched_rooms(room, imports) <= _named_rooms(promises[0])


def test_contributing_lists_each_room_and_what_it_may_touch(imports: dict[str, set[str]]) -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text().split("\n## Rooms\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| .+? \| (.*?) ?\|$", text, re.MULTILINE)
    listed = {Path(room): allowed for names, allowed in rows for room in re.findall(r"`(\S+)`", names)}

    assert {room for room in listed if len(room.parts) == 1} == {room for room in ROOMS if len(room.parts) == 1}
    for room, allowed in listed.items():
        assert _touched_rooms(room, imports) <= _named_rooms(allowed), room


def _named_rooms(text: str) -> set[str]:
    """Return the rooms that a text names; every room may touch core."""
    if "every room below" in text:  # the contracts in pyproject.toml say which these are
        return {room.parts[0] for room in ROOMS} | {"links"}
    return {"core", *re.findall(r"\w+", text)}


def _touched_rooms(room: Path, imports: dict[str, set[str]]) -> set[str]:
    name = ".".join(("eci_provider", *room.parts))
    modules = [module for module in imports if module == name or module.startswith(f"{name}.")]
    assert modules
    imported = set().union(*(imports[module] for module in modules)) - {"eci_provider"}  # it has only the version
    return {module.split(".")[1] for module in imported} - {room.parts[0]}


def test_the_support_package_lists_its_modules() -> None:
    support = PACKAGE.parent / "tests" / "support"
    docstring = ast.get_docstring(ast.parse((support / "__init__.py").read_text())) or ""
    listed = set(re.findall(r"``(\w+)``", docstring))
    assert {path.stem for path in support.glob("*.py")} - {"__init__"} <= listed
