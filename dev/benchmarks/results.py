"""What a measurement found: a table, targets held or missed, and the page that keeps them."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """
    Hold one bound and what was measured against it.

    :param words: what is bounded.
    :param measured: the figure.
    :param most: the largest figure that holds the target.
    :param unit: what both are counted in; ``times`` for a ratio.
    """

    words: str
    measured: float
    most: float
    unit: str = "times"

    @property
    def is_held(self) -> bool:
        """Tell whether the figure is within the bound."""
        return self.measured <= self.most

    def __str__(self) -> str:
        verdict = "held" if self.is_held else "**missed**"
        return f"{self.words}: {self.measured:.3g} {self.unit}, at most {self.most:.3g}: {verdict}"


@dataclass
class Section:
    """
    Hold one table of the page.

    :param name: what ``ONLY=`` calls it.
    :param title: its heading.
    :param columns: the table's heads; the first column is text, the others are figures.
    :param conditions: how it was measured: rounds, sizes, what was left out.
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
    """Describe this machine in a sentence: what a figure depends on, and nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEBIBYTE / 1024
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, Airflow {metadata.version('apache-airflow')}."
    )


def versions(*names: str) -> str:
    """Return distributions with their versions, for the conditions of a section."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def record(name: str, text: str, page: Path = PAGE) -> None:
    """
    Put a section into the page, in the place of what an earlier run found.

    :param name: the section's name, which stands in a pair of marks in the page.
    :param text: the section in Markdown.
    :raises ValueError: when the page has no such marks.
    """
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    changed, found = marked.subn(lambda _: f"{begin}\n{text}\n{end}", page.read_text(encoding="utf-8"))
    if found != 1:
        raise ValueError(f"{page.name} has {found} places for {name!r}; it needs one, between {begin} and {end}")
    page.write_text(changed, encoding="utf-8")
