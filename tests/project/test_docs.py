"""The documentation names what is there, and its links lead somewhere; Sphinx is not needed for that."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import eci_provider
from eci_provider import operators, sensors
from eci_provider.api.errors import EciError
from eci_provider.hooks.settings import EXTRAS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TASKS = [*operators.__all__, *sensors.__all__]
CODE = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def _text(page: str) -> str:
    return (DOCS / page).read_text()


def _without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def _code_blocks() -> Iterator[Any]:
    for page in PAGES:
        for number, (_, code) in enumerate(CODE.findall(page.read_text()), 1):
            yield pytest.param(textwrap.dedent(code), id=f"{page.relative_to(DOCS)}-{number}")


def _pages_of_tasks() -> dict[str, str]:
    """Return the page of each operator and sensor, by its title."""
    pages = [page for page in PAGES if page.parent.name in ("operators", "sensors")]
    return {page.read_text().split("\n", 1)[0].removeprefix("# "): str(page.relative_to(DOCS)) for page in pages}


def _places(page: Path) -> set[str]:
    """Return the places on a page that links can lead to: its headings, spelled as in links."""
    text = page.read_text()
    for included in re.findall(r"^```\{include\} (\S+)", text, re.MULTILINE):
        text += (page.parent / included).read_text()
    headings = re.findall(r"^#+ (.+)$", _without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_leads_to_a_page_and_a_place_on_it(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", _without_code(page.read_text())):
        path, _, place = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), target
        assert not place or place in _places(file), target


def test_every_page_is_in_the_navigation() -> None:
    listed = {"index"}
    for page in PAGES:
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.DOTALL):
            listed |= {line for line in tree.splitlines() if line and not line.startswith(":")}

    assert listed == {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES}


@pytest.mark.parametrize("name", TASKS)
def test_every_operator_and_sensor_has_a_page(name: str) -> None:
    package = "operators" if name in operators.__all__ else "sensors"
    page = _pages_of_tasks()[name]
    text = _text(page)

    assert f"[{name}]({page})" in _text("operators.md")
    guides = [guide for guide in DOCS.glob("*.md") if guide.stem not in ("operators", "start", "troubleshooting")]
    assert [guide for guide in guides if f"]({page})" in guide.read_text()]  # so that links lead both ways
    assert f".. autoclass:: eci_provider.{package}.{name}\n" in text  # its arguments are its docstring's
    assert text.index("```python") < text.index("## Arguments")  # an example comes first
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [title for title in titles if title in ("Arguments", "Result", "When it fails", "See also")] == [
        "Arguments",
        "Result",
        "When it fails",
        "See also",
    ]


def test_every_error_class_is_explained() -> None:
    for module in walk_packages(eci_provider.__path__, "eci_provider."):
        if not module.name.startswith("eci_provider.sandbox") and not module.name.endswith("__main__"):
            import_module(module.name)
    text = _text("troubleshooting.md")
    explained = re.findall(r"^### (\w+)\n\n```\{error-class\} (\w+)$", text, re.MULTILINE)

    assert [pair for pair in explained if pair[0] != pair[1]] == []
    assert sorted(name for name, _ in explained) == sorted(cls.__name__ for cls in {EciError, *_below(EciError)})


def test_every_explanation_says_what_one_sees_why_and_what_to_do() -> None:
    sections = re.split(r"^### ", _text("troubleshooting.md"), flags=re.MULTILINE)[1:]
    told = {section.split("\n")[0]: re.findall(r"\*\*(You see|Why|[Dd]o)\*\*", section) for section in sections}
    bases = {"EciError", "EciOutcomeError", "EciResponseError"}  # only to be caught

    assert {name for name, words in told.items() if [*map(str.lower, words)] != ["you see", "why", "do"]} == bases


def _below(cls: type) -> Iterator[type]:
    """Return the classes of the package below a class; what is made of them for Airflow is left out."""
    for child in cls.__subclasses__():
        # Tests have classes of their own, and one that is made while tasks run is not in the module it names.
        is_ours = child.__module__.startswith("eci_provider.")
        if is_ours and getattr(import_module(child.__module__), child.__name__, None) is child:
            yield child
            yield from _below(child)


def test_every_field_of_the_connection_is_explained() -> None:
    fields = set(re.findall(r"^### .*?`(\w+)`", _text("connection.md"), re.MULTILINE))

    assert fields == {"host", "password", "port", *EXTRAS}


@pytest.mark.parametrize("code", _code_blocks())
def test_every_example_uses_what_exists(code: str) -> None:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eci_provider"):
            for alias in node.names:
                getattr(import_module(node.module or ""), alias.name)
        if isinstance(node, ast.Call):
            name, is_mapped = _called(node.func)
            if name in TASKS:
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                cls = getattr(operators, name, None) or getattr(sensors, name)
                assert given <= _arguments(cls), name
                assert is_mapped or not node.args


def _called(function: ast.expr) -> tuple[str | None, bool]:
    """Return the name of the called class, and whether its ``partial`` is called."""
    if isinstance(function, ast.Attribute) and function.attr == "partial":
        return getattr(function.value, "id", None), True
    return getattr(function, "id", None), False


def _arguments(cls: type) -> set[str]:
    signatures = [inspect.signature(base.__dict__["__init__"]) for base in cls.__mro__ if "__init__" in vars(base)]
    return set(reduce(lambda found, signature: found | signature.parameters.keys(), signatures, set[str]()))


NUMBERS = {"five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


def test_examples_are_listed_and_counted_right() -> None:
    examples = {path.stem for path in (ROOT / "eci_provider" / "example_dags").glob("eci_*.py")}
    assert set(re.findall(r"^ *\| `(eci_\w+)` \|", _text("start.md"), re.MULTILINE)) == examples

    news = (ROOT / "CHANGELOG.md").read_text().split("\n## 0.1.0")[0]
    texts = [news, (ROOT / "README.md").read_text(), *(page.read_text() for page in PAGES)]
    counted = [word for text in texts for word in re.findall(r"(\w+) (?:more )?example DAGs", text)]
    assert "six" in counted
    assert {NUMBERS[word.lower()] for word in counted if word.lower() in NUMBERS} == {len(examples)}
