"""A report as Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.reports import write_report
from tests.support.report_rows import MIXED, Rows


def test_md_has_a_summary_and_a_table_for_each_file_and_message(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.md")
    assert (tmp_path / "report.md").read_text() == (
        "# Kickouts of import 1\n\nKickouts: 8\n\n"
        "| File | Message | Rows |\n| --- | --- | ---: |\n"
        "| b.csv | common | 2 |\n| b.csv | rare | 1 |\n| a.csv | rare | 3 |\n| a.csv | common | 2 |\n"
        "\n## b.csv\n\n### common (2)\n\n"
        "| A | Use | Use |\n| --- | --- | --- |\n| 6 | 7 | 8 |\n| 11 | 12 | 13 |\n"
        "\n### rare (1)\n\n| A | Use | Use |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n"
        "\n## a.csv\n\n### rare (3)\n\n"
        "| A | New |\n| --- | --- |\n| 9 | 10 |\n| 16 |  |\n| 17 |  |\n"
        "\n### common (2)\n\n| A | New |\n| --- | --- |\n| 4 | 5 |\n| 15 | 14 |\n"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("line\nbreak\r\nand", "line<br>break<br>and"),
        ("<script>", "&lt;script&gt;"),
        ("![x](http://x)", "!\\[x\\](http\\://x)"),
        ("_A1_ __b__ A_1", "\\_A1\\_ \\_\\_b\\_\\_ A_1"),
        ("~~M~~ $x$", "\\~\\~M\\~\\~ \\$x\\$"),
        ("https://x.y WWW.x.y", "https\\://x.y WWW\\.x.y"),
        ("a & b &amp;", "a & b &amp;amp;"),
        ("half \ud800", "half ?"),
    ],
)
def test_md_shows_a_value_and_does_nothing_else_with_it(value: str, shown: str, tmp_path: Path) -> None:
    write_report(Rows((value, value, [(value, value)])), tmp_path / "report.md")
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").split("\n")
    assert lines[-4:] == [f"| {shown} |", "| --- |", f"| {shown} |", ""]
    assert lines[8] == f"## {shown.replace('<br>', ' ')}"
    assert len(lines) == 16


def test_md_says_where_a_reason_is_corrected_if_its_words_tell(tmp_path: Path) -> None:
    rows = [("b.csv", reason, [("A", "1")]) for reason in ("Account 'A' not found", "'$5' is not a number", "?")]
    write_report(Rows(*rows), tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    assert "### Account 'A' not found (1)\n\nCorrect in EnergyCAP.\n\n|" in text
    assert "### '\\$5' is not a number (1)\n\nCorrect in the file.\n\n|" in text
    assert "### ? (1)\n\n|" in text
