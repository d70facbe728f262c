"""The code blocks of the README and the pages, and what each of them is."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from airflow import __version__ as airflow_version
from markdown_it import MarkdownIt
from markdown_it.token import Token

from eci_provider import operators, sensors

ROOT = Path(__file__).parents[2]
#: CONTRIBUTING is one of the pages, too: docs/contributing.md includes it.
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
]

_OUTPUT = {"text", "console"}
_SHELL = {"", "sh", "bash"}
_TASKS = {*operators.__all__, *sensors.__all__, "dag", "task"}
_SAVED_AS = re.compile(r"[Ss]ave (?:this|it)\b[^`]*`([^`]+\.py)`")


@dataclass(frozen=True)
class Block:
    """
    A code block.

    :param page: its page, from the project's folder on.
    :param line: the line of its first code.
    :param language: as the fence names it; ``indented`` for a block without a fence.
    :param code: its text.
    :param saved_as: the file that the page says to save it as.
    """

    page: str
    line: int
    language: str
    code: str
    saved_as: str | None = None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """
        What it is: ``output``, ``shell``, ``file`` (to be saved), ``result`` (a literal that shows what a task
        returns), ``test`` (for pytest), ``dag`` (a complete DAG file), ``tasks`` (a part of a DAG), ``script`` or
        ``unknown``.
        """
        if self.language in _OUTPUT:
            return "output"
        if self.language in _SHELL:
            return "shell"
        if self.language != "python":
            return "unknown"
        return self._python_kind()

    def _python_kind(self) -> str:
        if self.saved_as:
            return "file"
        tree = ast.parse(self.code)
        if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) and _is_literal(tree.body[0].value):
            return "result"
        if any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in tree.body):
            return "test"
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not named & _TASKS:
            return "script"
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        imported = {alias.name for node in imports for alias in node.names}
        return "dag" if imported & {"DAG", "dag"} else "tasks"


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


@cache
def blocks() -> list[Block]:
    """Return the blocks of all pages, without the directives of the site's generator."""
    return [block for page in PAGES for block in _blocks_of(page)]


def _blocks_of(page: str) -> list[Block]:
    found, before = [], ""
    for token in MarkdownIt("commonmark").parse((ROOT / page).read_text()):
        if token.type == "inline":
            before = token.content
        elif token.type in ("fence", "code_block"):
            if not token.info.startswith("{"):
                saved = _SAVED_AS.search(before.replace("\n", " "))
                found.append(_block(page, token, saved and saved[1]))
            before = ""
    return found


def _block(page: str, token: Token, saved_as: str | None) -> Block:
    assert token.map
    if token.type == "code_block":
        return Block(page, token.map[0] + 1, "indented", token.content)
    return Block(page, token.map[0] + 2, token.info.strip(), token.content, saved_as)


def for_this_airflow(code: str) -> str:
    """
    Return code as the pages say that it must be on the Airflow that is installed.

    :param code: a block, or several.
    """
    if airflow_version.startswith("2."):
        return code.replace("from airflow.sdk import", "from airflow.decorators import")
    return code
