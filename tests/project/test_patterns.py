"""No pattern of the package takes more than linear time, whatever a server or a file writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import eci_provider
from eci_provider.bills import cell_check
from tests.support.pattern_growth import growth_of

PACKAGE = Path(eci_provider.__file__).parent
METHODS = {"fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer"}
#: Patterns that are put together when the program runs, by module: what they are.
COMPOSED = {
    "api/transport/key_mask.py": "spellings of the key, all of them literal texts",
    "bills/cell_check.py": "the pattern of a plain number, once for each amount",
    "bills/code_check.py": "dates, with the names of months written once",
    "bills/dates.py": "shapes of dates, each of a few digits or letters",
    "bills/prepare/batches.py": "many numbers, each of which ends with its line",
    "bills/prepare/numbers.py": "digits in groups of three with a recipe's mark between them, or all at once",
    "bills/prepare/rows.py": "a recipe's own pattern, applied to a thousand characters at most",
    "bills/prepare/values.py": "a recipe's own pattern, applied to a thousand characters at most",
    "bills/recipe/date_patterns.py": "the parts of a date, each of a few digits or letters",
    "bills/recipe/values.py": "a recipe's own pattern, which is only compiled",
    "bills/recipe/yaml_texts.py": "words, and digits of which a number has 18 at most",
}


def patterns(path: Path) -> Iterator[tuple[ast.Call, str | bytes | None, str, int]]:
    """Yield each pattern of a module: its call, its text if that is constant, how it is used, and its flags."""
    tree = ast.parse(path.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [(call.func.value, call.func.attr) for call in calls if isinstance(call.func, ast.Attribute)]
    used = {(ast.unparse(owner), attr) for owner, attr in called if attr in METHODS}
    used |= {
        (ast.unparse(node.value), node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in METHODS
    }
    names = {
        id(node.value): ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)
    }
    for call in calls:
        if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re"):
            continue
        if call.func.attr not in {*METHODS, "compile"}:
            continue
        constant = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        flags = [ast.unparse(arg) for arg in (*call.args[1:], *(word.value for word in call.keywords))]
        value = sum(getattr(re, flag[3:]) for flag in flags if re.fullmatch(r"re\.[A-Z]+", flag))
        own = {attr for owner, attr in used if owner == names.get(id(call))}
        others = {attr for owner, attr in used if owner != "re"}
        ways = {call.func.attr} if call.func.attr in METHODS else own or others or {"search"}
        for way in ways:
            yield call, constant, way, value


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_pattern_takes_more_than_linear_time(path: Path) -> None:
    found = [
        f"line {call.lineno}, {method}: {growth}"
        for call, pattern, method, flags in patterns(path)
        if pattern is not None and (growth := growth_of(pattern, method, flags))
    ]
    assert not found


def test_each_composed_pattern_is_known() -> None:
    composed = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for _, pattern, _, _ in patterns(path)
        if pattern is None
    }
    assert composed == set(COMPOSED)
    assert growth_of(",".join([cell_check._PLAIN_NUMBER] * 3), "fullmatch") is None


@pytest.mark.parametrize(
    ("pattern", "method", "said"),
    [
        (r"<[^>]*>|\s+", "sub", "a search begins again"),
        (r"[+-][\s\d.,']*([eE][+-]?\d+)?\s*%?", "fullmatch", "two loops"),
        (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "fullmatch", "two loops"),
        (r"(a+)+b", "match", "a loop inside of a loop"),
        (r"(a|b|ab)*c", "match", "one loop reads the same in two ways"),
        (r"(\w+\s?)*$", "match", "a loop inside of a loop"),
        (r"\s+$", "search", "a search begins again"),
        (r"\s+x", "search", "a search begins again"),
        (r"x*(?=y)", "search", "a search begins again"),
        (r"(?i)[a-z]+[A-Z]+1", "fullmatch", "two loops"),
        (r"[a-z]{1,2000}[a-m]*1", "fullmatch", "two loops"),
        (r"([a-z]*)\1", "fullmatch", "two loops"),
    ],
)
def test_a_pattern_that_backtracks_is_found(pattern: str, method: str, said: str) -> None:
    assert re.search(said, growth_of(pattern, method) or "nothing")


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"<[^<>]*>|\s+", "sub"),
        (r"\s+", "split"),
        (r"[a-z]+[A-Z]+1", "fullmatch"),
        (r"a+b", "match"),
        (r"[^:]+:[^:]+:.*", "fullmatch"),
        (r"\w{1,20}x", "search"),
        (r"a*b*", "match"),
    ],
)
def test_a_linear_pattern_is_not(pattern: str, method: str) -> None:
    assert growth_of(pattern, method) is None
