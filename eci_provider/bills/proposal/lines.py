"""The lines of a proposed recipe: YAML, with the evidence of each behind it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from eci_provider.core.text import printable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/.()$%-]*(?: [A-Za-z0-9_/.()$%-]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off"}
_LONGEST_EVIDENCE = 300


@dataclass
class Proposal:
    """
    A proposed recipe.

    :param file: the name of the file that it is for.
    :param lines: its lines, each with its evidence; a line that is left open is a comment.
    :param questions: what is not guessed.
    """

    file: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def add(self, line: str, evidence: str = "") -> None:
        """Add a line and its evidence."""
        self.lines.append((line, evidence))

    def ask(self, line: str, question: str) -> None:
        """Leave a line open, with a question."""
        self.questions.append(question)
        indent = len(line) - len(line.lstrip())
        self.lines.append((f"{line[:indent]}# {line[indent:]}", f"? {question}"))

    def as_yaml(self) -> str:
        """Return the recipe as YAML."""
        top = [f"# A recipe to start from, for {self.file}. Compare each line with the file."]
        if self.questions:
            left_open = "1 line is" if len(self.questions) == 1 else f"{len(self.questions)} lines are"
            top.append(f"# {left_open} left open: answer the question, and remove the first #.")
        body = [
            line if not evidence else f"{line}  # {evidence[:_LONGEST_EVIDENCE]}" for line, evidence in self.lines
        ]
        return "".join(f"{printable(line)}\n" for line in (*top, *body))


def scalar(text: str) -> str:
    """
    Return a text as YAML has it.

    :param text: the text.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
