"""What is checked of a bill file, how grave each fault is, what to do about it, and where that is documented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from eci_provider.api.errors import EciValidationError

ERROR = "error"
WARNING = "warning"
_ADVANCED_PAGE = "help centre, bill import: Advanced file format"
_OVERVIEW_PAGE = "help centre, bill import: overview"
_IMPORT_PAGE = "BillImportV3"
_MAPPING_PAGE = "BillImportProfileColumnMapping"
_LEGACY_PAGE = "help centre, legacy: how to import a bill"


@dataclass(frozen=True)
class Rule:
    """
    Hold a rule.

    :param code: its name, by which it is switched off.
    :param severity: ``error`` or ``warning``.
    :param sentence: what is wrong, for all rows alike, and what to do.
    :param source: where EnergyCAP documents it, or that it is advice of this check.
    :param kicks_out: whether the importer kicks the bill out for it.
    """

    code: str
    severity: str
    sentence: str
    source: str
    kicks_out: bool = False


_ALL = (
    Rule("file_unreadable", ERROR, "The file cannot be read, and no bill of it is imported.", _IMPORT_PAGE),
    Rule(
        "column_missing",
        ERROR,
        "The header does not fit the mapping: no bill of the file is imported, or cells of other columns are.",
        _MAPPING_PAGE,
    ),
    Rule("required_empty", ERROR, "A required cell is empty. Fill it in.", _MAPPING_PAGE, True),
    Rule(
        "date_unreadable",
        ERROR,
        "A date is none in the mapped format. Correct it.",
        _MAPPING_PAGE,
        True,
    ),
    Rule(
        "date_other_format",
        ERROR,
        "A date is written in another format than the mapped one. Bring all dates of the file into one format.",
        f"{_MAPPING_PAGE}; {_LEGACY_PAGE}",
        True,
    ),
    Rule("end_before_start", ERROR, "A bill ends before it starts. Correct its dates.", _ADVANCED_PAGE, True),
    Rule(
        "number_unreadable",
        ERROR,
        "An amount is no number. Write digits, a sign and a decimal point only.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "account_unknown",
        ERROR,
        "An account is not in the list given. Correct the code, or create the account in EnergyCAP.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "meter_unknown",
        ERROR,
        "A meter is not in the list given. Correct the code, or create the meter in EnergyCAP.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "bill_torn",
        ERROR,
        "Rows of one bill are parted by others, or stand in two files of a ZIP: they become two bills, and the "
        "second may replace the first. Bring them together, and sort the file by account, vendor, start and end.",
        _LEGACY_PAGE,
    ),
    Rule("row_duplicate", WARNING, "A row stands twice in one bill and counts twice. Remove one.", "advice"),
    Rule(
        "row_wide",
        WARNING,
        "A row has more cells than the header. Look for a comma that should stand in quotes.",
        "advice",
    ),
    Rule("period_long", WARNING, "A bill's period is unusually long. Compare its dates with the bill.", "advice"),
    Rule(
        "period_overlap",
        WARNING,
        "A bill overlaps another one of its account and meter. Compare their dates with the bills.",
        "advice",
    ),
    Rule(
        "out_of_order",
        WARNING,
        "A row stands out of the order account, vendor, start, end. Sort the file, so that no bill is torn.",
        _LEGACY_PAGE,
    ),
    Rule(
        "ace_flag_unknown",
        WARNING,
        "An A/C/E flag is neither A nor C nor E and is taken as A, which replaces a bill of the same dates.",
        _LEGACY_PAGE,
    ),
    Rule(
        "vpr_flag_unknown",
        WARNING,
        "A V/P/R flag is neither V nor P nor R. Correct it.",
        "ExportHistoricalBillsV3",
    ),
    Rule(
        "meter_empty",
        WARNING,
        "A row names no meter and becomes a charge of the account itself. Fill in the meter if it has one.",
        _LEGACY_PAGE,
    ),
    Rule(
        "formula_without_value",
        WARNING,
        "A formula of a workbook was never calculated and counts as an empty cell. Open the workbook in a "
        "spreadsheet program and save it.",
        "advice",
    ),
    Rule("no_rows", WARNING, "The file has a header and no row below it. See whether it was cut off.", "advice"),
    Rule(
        "too_many_rows",
        WARNING,
        "The file has more rows than EnergyCAP advises for stable processing. Split it.",
        _ADVANCED_PAGE,
    ),
)
#: All rules by their codes.
RULES = {rule.code: rule for rule in _ALL}


def checked_codes(codes: Any, *, source: str) -> frozenset[str]:
    """
    Return codes of rules, or refuse what is none.

    :param codes: the codes; None means none.
    :param source: where they came from, for the message.
    :raises EciValidationError: naming the nearest code.
    """
    if codes is None:
        return frozenset()
    if isinstance(codes, Mapping) or not isinstance(codes, Iterable):
        raise EciValidationError([f"{codes!r} is no list of rules. Rules: {', '.join(RULES)}"], source=source)
    problems = []
    wanted = [codes] if isinstance(codes, str) else list(codes)
    for code in wanted:
        if not isinstance(code, str) or code not in RULES:
            near = get_close_matches(str(code), RULES, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            problems.append(f"{code!r} is no rule.{hint} Rules: {', '.join(RULES)}")
    if problems:
        raise EciValidationError(problems, source=source)
    return frozenset(wanted)
