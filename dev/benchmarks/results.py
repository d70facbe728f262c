"""Results of the benchmarks: tables, targets, and the page that has them."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from dev.benchmarks.memory import MEBIBYTE
from dev.support.paths import ROOT

PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Target:
    """
    A bound, and the figure that was measured.

    :param description: what is measured.
    :param measured: the figure.
    :param most: the bound.
    :param unit: unit of both; ``times`` for a ratio.
    """

    description: str
    measured: float
    most: float
    unit: str = "times"

    @property
    def is_held(self) -> bool:
        """Whether the figure is within the bound."""
        return self.measured <= self.most

    def __str__(self) -> str:
        verdict = "held" if self.is_held else "**missed**"
        return f"{self.description}: {self.measured:.3g} {self.unit}, at most {self.most:.3g}: {verdict}"


@dataclass
class Section:
    """
    A section of the page: one table with its targets.

    :param name: its name for ``ONLY=``.
    :param title: its heading.
    :param columns: heads of the table; the first column is text, the others are figures.
    :param conditions: how it was measured.
    :param rows: rows of the table.
    :param targets: the targets.
    :param notes: further sentences.
    """

    name: str
    title: str
    columns: Sequence[str]
    conditions: str
    rows: list[Sequence[str]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Return the section as Markdown."""
        lines = [f"### {self.title}", "", f"{self.conditions} {machine()}", ""]
        lines.append(f"| {' | '.join(self.columns)} |")
        lines.append(f"| --- |{' --: |' * (len(self.columns) - 1)}")
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        if self.targets or self.notes:
            lines += ["", *(f"- {target}" for target in self.targets), *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)


def machine() -> str:
    """Return a sentence about this machine, without anything that identifies it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEBIBYTE / 1024
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, Airflow {metadata.version('apache-airflow')}."
    )


def versions(*names: str) -> str:
    """Return the versions of distributions, for the conditions of a section."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def record(name: str, text: str, page: Path = PAGE) -> None:
    """
    Replace a section in the page.

    :param name: name of the section, which is in two marks in the page.
    :param text: the section in Markdown.
    :param page: the page.
    :raises ValueError: if the page does not have the marks once.
    """
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    changed, found = marked.subn(lambda _: f"{begin}\n{text}\n{end}", page.read_text(encoding="utf-8"))
    if found != 1:
        raise ValueError(
            f"{page.name} has {found} places for {name!r}; it must have one, between {begin} and {end}"
        )
    page.write_text(changed, encoding="utf-8")
