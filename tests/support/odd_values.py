"""Cells of bill files that others made."""

from __future__ import annotations

# What a spreadsheet program would run, and what it takes for a number.
FORMULAS = ["=1+1", "+cmd|' /C calc'!A1", "-2+3", "@SUM(A1)", "\tx", "\rx", "+1 555-1234", "\uff1d1+1", "\uff201"]
NUMBERS = ["-12.5", "+5", "-1,234.50", "-1e-5", "-12.5 %", "-", "1-2", "0001", "5;-5; +7|-1", ""]
ODD = ["a|b", "a\\|b", "line\nbreak", 'a "quote", b', "<b>bold</b>", "![x](http://x)", "ümläut \U0001f600", " a "]
#: Texts that move a terminal's cursor, hide or reorder, and how reports show them; line ends and blanks stay.
HIDDEN = {
    "\x1b[31mred\x07": r"\x1b[31mred\x07",
    "1\u200b2\ufeff": r"1\u200b2\ufeff",
    "\u202efdp.exe\u2066": r"\u202efdp.exe\u2066",
    "a\x85b\u2028c\n\td\xa0e": r"a\x85b\u2028c" + "\n\td\xa0e",
}
