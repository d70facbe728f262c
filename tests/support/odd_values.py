"""Cells of bill files that others made."""

from __future__ import annotations

# What a spreadsheet program would run, and what it takes for a number.
FORMULAS = ["=1+1", "+cmd|' /C calc'!A1", "-2+3", "@SUM(A1)", "\tx", "\rx", "+1 555-1234", "\uff1d1+1", "\uff201"]
NUMBERS = ["-12.5", "+5", "-1,234.50", "-1e-5", "-12.5 %", "-", "1-2", "0001", "5;-5; +7|-1", ""]
ODD = ["a|b", "a\\|b", "line\nbreak", 'a "quote", b', "<b>bold</b>", "![x](http://x)", "ümläut \U0001f600", " a "]
