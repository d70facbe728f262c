"""Codes that a spreadsheet program, or a joining of files, has damaged: accounts, meters, vendors, invoices."""

from __future__ import annotations

import re

from eci_provider.core.memo import Memo

#: The longest code that is looked at, in characters.
_LONGEST_CODE = 100
#: As many digits as a number of Excel keeps.
_DIGITS = 15
# A plus sign or a decimal point: 12E5 may well be an account.
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+[eE][+-]?\d+|[eE]\+\d+)", re.ASCII)
_FLOAT = re.compile(r"\d+\.0", re.ASCII)
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})(?: \d{1,2}:\d{2}(?::\d{2})?)?"
    r"|(?:19|20)\d{2}-[01]\d-[0-3]\d(?:[ T]\d{2}:\d{2}(?::\d{2})?)?"
    rf"|\d{{1,2}}-{_MONTH}(?:-\d{{2,4}})?|{_MONTH}-\d{{2,4}}",
    re.ASCII | re.IGNORECASE,
)
# Byte order marks, characters without width, soft hyphens, and spaces that are not plain ones.
_HIDDEN = re.compile("[\ufeff\u200b-\u200f\u2060\u00ad\u00a0\u202f\x00-\x08\x0e-\x1f\x7f]")


class DamagedCodes(Memo[str, "tuple[str, str] | None"]):
    """What is wrong with a code, as its rule and a sentence, kept once it is known; None where nothing is."""

    most = 8192

    def find(self, key: str) -> tuple[str, str] | None:
        """Return what is wrong with a code; a long text is none."""
        return _damage(key.strip()) if self.is_kept(key) else None

    def is_kept(self, key: str) -> bool:
        """Return whether a cell may be a code; any other text may be as long as a row."""
        return len(key) <= _LONGEST_CODE


def _damage(code: str) -> tuple[str, str] | None:
    # Most codes are of letters and digits only.
    if len(code) <= _DIGITS and code.isascii() and code.isalnum():
        return None
    if hidden := _HIDDEN.search(code):
        return "code_hidden_character", f"{code!r} has the invisible character U+{ord(hidden[0]):04X}."
    if _SCIENTIFIC.fullmatch(code):
        return "code_scientific", f"{code!r} is a number in scientific notation, whose last digits are lost."
    if _DATE.fullmatch(code):
        return "code_date", f"{code!r} looks like a date."
    if _FLOAT.fullmatch(code):
        return "code_decimal", f"{code!r} has a decimal point and a zero."
    if len(code) > _DIGITS and code.isascii() and code.isdigit():
        # A workbook's number may differ from its 15 digits in the last ones, since it is a binary number.
        digits = code.lstrip("0")
        if len(digits) > _DIGITS and int(digits) in (_rounded(digits), int(float(_rounded(digits)))):
            return (
                "code_rounded",
                f"{code!r} has {len(digits)} digits, and is a number of 15 digits, as Excel has it.",
            )
    return None


def _rounded(digits: str) -> int:
    """Return a number whose digits behind the 15th are zeros."""
    behind = len(digits) - _DIGITS
    return round(int(digits), -behind)
