"""
What these pages need beyond Sphinx: facts of error classes, arguments without repeated examples, links by name.

``error-class`` is a directive that says of an error class what its code says: what it is, where it is imported
from, and whether Airflow retries a task that ends with it. A class of the package without it is a warning.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

import eci_provider
from eci_provider.core.errors import EciError

logger = logging.getLogger(__name__)

#: Where to import an error class from, if it is there; otherwise from its own module.
_PUBLIC = ("eci_provider.api.errors", "eci_provider.bills", "eci_provider.reports")
_RETRIED = {
    True: "Yes, if the task has retries left.",
    False: "No: the same attempt would fail again.",
}


def error_classes() -> dict[str, type[EciError]]:
    """Return the error classes of the package by name, without the sandbox's."""
    found: dict[str, type[EciError]] = {}
    for module in walk_packages(eci_provider.__path__, "eci_provider."):
        if module.name.startswith("eci_provider.sandbox") or module.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, type) and issubclass(value, EciError) and value.__module__ == module.name:
                found[name] = value
    return found


def _import_path(cls: type) -> str:
    for module in _PUBLIC:
        if getattr(import_module(module), cls.__name__, None) is cls:
            return module
    return cls.__module__


class ErrorClass(SphinxDirective):
    """Show what the code says of an error class."""

    required_arguments = 1
    option_spec = {"retried": directives.unchanged}  # noqa: RUF012 - as docutils declares it

    def run(self) -> list[nodes.Node]:
        """Return the first paragraph of its docstring, and its facts."""
        name = self.arguments[0]
        cls = error_classes().get(name)
        if cls is None:
            raise self.error(f"there is no error class {name}")
        _shown(self.env).setdefault(self.env.docname, set()).add(name)
        summary = (getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ")
        retried = self.options.get("retried") or _RETRIED[cls.retry_helps]
        lines = [
            summary,
            "",
            f":Retried: {retried}",
            f":Import: ``from {_import_path(cls)} import {name}``",
        ]
        container = nodes.container(classes=["error-class"])
        # Parsed as reStructuredText, in which docstrings are written.
        self.state.nested_parse(StringList(["```{eval-rst}", *lines, "```"], name), 0, container)
        return [container]


def _shown(env: BuildEnvironment) -> dict[str, set[str]]:
    if not hasattr(env, "eci_error_classes"):
        env.eci_error_classes = {}
    shown: dict[str, set[str]] = env.eci_error_classes
    return shown


def _warn_of_missing_classes(app: Sphinx, env: BuildEnvironment) -> None:
    shown = set().union(*_shown(env).values()) if _shown(env) else set()
    for name in sorted(error_classes().keys() - shown):
        logger.warning("no page tells what to do about %s", name, location="troubleshooting")


def _prepare_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Lead to pages by their links; leave out what a page about an operator tells before the arguments."""
    lines[:] = [re.sub(r"``docs/([\w-]+)\.md``", r":doc:`/\1`", line) for line in lines]
    if what == "class" and _is_operator(name):
        first = next((number for number, line in enumerate(lines) if line.startswith(":param")), 0)
        del lines[:first]
        # Not `:return:`, to which Sphinx would add the return type of the constructor.
        lines[:] = [line.replace(":return:", ":Result:") for line in lines]


def _without_signature(app: Sphinx, what: str, name: str, obj: Any, options: Any, *signature: Any) -> Any:
    """Leave out the signature of an operator, which Airflow's metaclass hides; its arguments follow."""
    return ("", None) if what == "class" and _is_operator(name) else None


def _is_operator(name: str) -> bool:
    return name.startswith(("eci_provider.operators.", "eci_provider.sensors."))


def _link_by_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node
) -> nodes.Node | None:
    """Resolve a class by its name alone, if one class of that name is documented."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    name = target.rpartition(".")[2]
    objects = env.domains["py"].objects  # type: ignore[attr-defined]
    found = [(path, entry) for path, entry in objects.items() if path.rpartition(".")[2] == name]
    if len(found) != 1 or ("." in target and not _is_same(target, found[0][0])):
        return None
    path, entry = found[0]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, path)


def _is_same(one: str, other: str) -> bool:
    try:
        return _object(one) is _object(other)
    except (ImportError, AttributeError):
        return False


def _object(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _lead_links_here(app: Sphinx, path: Path, page: str, content: list[str]) -> None:
    """Resolve links of pages that are included from the project's top folder."""
    for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"):
        content[0] = content[0].replace(f"]({name}.md", f"]({name.lower()}.md")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all this with Sphinx."""
    app.add_directive("error-class", ErrorClass)
    app.connect("env-updated", _warn_of_missing_classes)
    app.connect("autodoc-process-docstring", _prepare_docstring)
    app.connect("autodoc-process-signature", _without_signature)
    app.connect("missing-reference", _link_by_name)
    app.connect("include-read", _lead_links_here)
    return {"parallel_read_safe": False}
