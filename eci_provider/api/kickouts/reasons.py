"""Where the reason of a kickout is corrected: in EnergyCAP, or in the bill file."""

from __future__ import annotations

import re
from typing import Literal

#: Where a reason is corrected.
CorrectIn = Literal["EnergyCAP", "the file", "EnergyCAP or the file"]

#: Where a reason is corrected whose words do not tell.
NOT_KNOWN: CorrectIn = "EnergyCAP or the file"

#: How many characters of a message are read.
_LONGEST = 2000
#: A value that a message quotes, whose words say nothing about the reason.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# Assumption: EnergyCAP's words, which it does not document. They are those of its help pages and of the sandbox.
_ABOUT_CELLS = (
    "not a number",
    "not numeric",
    "must be a number",
    "must be numeric",
    "not a valid number",
    "invalid number",
    "not a date",
    "not a valid date",
    "invalid date",
    "date format",
    "is required",
    "is missing",
    "is empty",
    "is blank",
    "is before start date",
    "is before the start date",
    "too long",
    "is not one of",
    "cannot be parsed",
    "could not be parsed",
)
_ABOUT_MASTER_DATA = (
    "not found",
    "does not exist",
    "not active",
    "inactive",
    "has an alert",
    "service start",
    "service end",
    "service period",
    "service date",
    "is closed",
    "is locked",
)


def correct_in(message: str) -> CorrectIn:
    """
    Return where the reason of a kickout is corrected: as far as its words tell, else in either place.

    :param message: the message of a summary, or all messages of a row.
    """
    words = _QUOTED.sub("", message[:_LONGEST]).casefold()
    is_about_cells = any(part in words for part in _ABOUT_CELLS)
    is_about_master_data = any(part in words for part in _ABOUT_MASTER_DATA)
    if is_about_cells == is_about_master_data:
        return NOT_KNOWN
    return "the file" if is_about_cells else "EnergyCAP"
