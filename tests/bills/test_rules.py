"""The page on bill files says of each rule what the code says."""

from __future__ import annotations

from pathlib import Path

from eci_provider.bills.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "bill-files.md"


def test_the_page_has_every_rule_as_it_is() -> None:
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]

    assert table[: len(RULES)] == [
        f"| `{rule.code}` | {rule.severity} | {_word(rule.kicks_out)} | {rule.sentence} | {rule.source} |"
        for rule in RULES.values()
    ]


def _word(yes: bool) -> str:
    return "yes" if yes else "no"
