"""The rules of a check: what each is about, how severe it is, what to do, and where it is documented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eci_provider.core.errors import EciValidationError
from eci_provider.core.text import did_you_mean

ERROR = "error"
WARNING = "warning"
_ADVANCED_PAGE = "help centre, bill import: Advanced file format"
_OVERVIEW_PAGE = "help centre, bill import: overview"
_IMPORT_PAGE = "BillImportV3"
_MAPPING_PAGE = "BillImportProfileColumnMapping"
_LEGACY_PAGE = "help centre, legacy: how to import a bill"
_WHITE_LABEL_PAGE = "help centre, rules for bill import"
_PROFILE_PAGE = "help centre, bill import profile"
_CREATE_PAGE = "help centre, automatically create accounts and meters"
_NOTES_PAGE = "help centre, notes on version 3.5.1"


@dataclass(frozen=True)
class Rule:
    """
    A rule that bill files are checked by.

    :param code: its name, by which it can be switched off.
    :param severity: ``error`` or ``warning``.
    :param sentence: what is wrong, for all rows alike, and what to do.
    :param source: where EnergyCAP documents it; ``advice`` where this check alone advises it.
    :param kicks_out: whether the importer kicks out a bill that breaks it.
    """

    code: str
    severity: str
    sentence: str
    source: str
    kicks_out: bool = False


_ALL = (
    Rule("file_unreadable", ERROR, "The file cannot be read, so none of its bills is imported.", _IMPORT_PAGE),
    Rule(
        "column_missing",
        ERROR,
        "The header does not fit the mapping: no bill of the file is imported, or other columns are.",
        _MAPPING_PAGE,
    ),
    Rule(
        "column_shared",
        ERROR,
        "A column is mapped twice, such as one column as start and end. Correct the mapping.",
        _MAPPING_PAGE,
    ),
    Rule(
        "line_item_malformed",
        ERROR,
        "A column's name has a colon and is not TYPE:UNIT:LABEL: its amounts are not imported. Correct the name.",
        _ADVANCED_PAGE,
    ),
    Rule(
        "column_misspelt",
        ERROR,
        "A column of an Advanced file has nearly the name of a known one, and is ignored. Correct the name.",
        _ADVANCED_PAGE,
    ),
    Rule(
        "amounts_missing",
        ERROR,
        "An Advanced file has no column of the form TYPE:UNIT:LABEL: its bills have no amounts. Name the "
        "columns so.",
        _ADVANCED_PAGE,
    ),
    Rule(
        "creates_accounts",
        ERROR,
        "With the column *CreateUpdateOption a misspelt code becomes a new account or meter. Remove the column; "
        "if the file shall create them, switch this rule off.",
        _CREATE_PAGE,
    ),
    Rule("too_few_rows", ERROR, "There are fewer rows than min_rows. Check if the file is complete.", "advice"),
    Rule("too_few_bills", ERROR, "There are fewer bills than min_bills. Check if the file is complete.", "advice"),
    Rule("required_empty", ERROR, "A required cell is empty. Fill it in.", _MAPPING_PAGE, True),
    Rule(
        "date_unreadable",
        ERROR,
        "A date does not follow the mapped format. Correct it.",
        _MAPPING_PAGE,
        True,
    ),
    Rule(
        "date_other_format",
        ERROR,
        "A date follows another format than the mapped one. Use one format in the whole file.",
        f"{_MAPPING_PAGE}; {_LEGACY_PAGE}",
        True,
    ),
    Rule("end_before_start", ERROR, "A bill ends before it starts. Correct its dates.", _ADVANCED_PAGE, True),
    Rule(
        "number_unreadable",
        ERROR,
        "An amount is not a number. Write digits, a sign and a decimal point only.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "amount_divided",
        ERROR,
        "An unquoted comma divides an amount, and moves all cells behind it. Put the amount in quotes, without "
        "commas.",
        "advice",
    ),
    Rule(
        "code_scientific",
        ERROR,
        "A spreadsheet program has turned a code into a number such as 1.23E+11, and digits are lost. Take the "
        "code from the source, and format its column as text.",
        "advice",
    ),
    Rule(
        "code_hidden_character",
        ERROR,
        "A cell has an invisible character, such as the byte order mark of a file that was joined to another. "
        "Remove it: EnergyCAP compares codes as they are.",
        "advice",
    ),
    Rule(
        "account_zeros_lost",
        ERROR,
        "An account is not in the given list, and is with other zeros at its start. Format the column as text.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "account_unknown",
        ERROR,
        "An account is not in the given list. Correct the code, or create the account in EnergyCAP.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "meter_unknown",
        ERROR,
        "A meter is not in the given list. Correct the code, or create the meter in EnergyCAP.",
        _ADVANCED_PAGE,
        True,
    ),
    Rule(
        "bill_torn",
        ERROR,
        "The rows of one bill are separated by other rows, or are in two files of a ZIP: they become two bills, "
        "and the second may replace the first. Bring them together, and sort by account, vendor, start and end.",
        _LEGACY_PAGE,
    ),
    Rule(
        "bill_meters_lost",
        ERROR,
        "A later bill of the same account and dates names only some of the meters, or is another invoice: it "
        "replaces the bill before, and the other meters are lost. Do not sort. Remove the bill that is not "
        "wanted, or give the later one all rows.",
        _WHITE_LABEL_PAGE,
    ),
    Rule(
        "rows_summed",
        ERROR,
        "Rows of one bill name the same meter, but differ in the flag A/C/E or the invoice number: the bill gets "
        "the first flag and the sum of both. Keep the row that counts.",
        _WHITE_LABEL_PAGE,
    ),
    Rule(
        "start_meets_bill",
        ERROR,
        "EnergyCAP moves a start from the day after a bill's end to that end. The bill then has the dates of "
        "another bill of the account, and one of the two is lost. Give both bills the same start.",
        _NOTES_PAGE,
    ),
    Rule(
        "bill_rebilled",
        WARNING,
        "A bill of the same account, dates and meters is above: this one replaces it. Check that it is a rebill, "
        "and do not sort the file, since sorting would add them up.",
        _WHITE_LABEL_PAGE,
    ),
    Rule(
        "correction_added",
        WARNING,
        "A bill flagged C has the dates of a bill above: EnergyCAP keeps both, and both count. Check that it "
        "holds only the difference.",
        _LEGACY_PAGE,
    ),
    Rule(
        "meter_summed",
        WARNING,
        "Rows of one bill have amounts of the same meter in the same column: they are added up. If one replaces "
        "the other, remove the one that does not count.",
        _LEGACY_PAGE,
    ),
    Rule(
        "flags_mixed",
        WARNING,
        "Rows of one bill have different flags A/C/E: the whole bill gets the first. Compare them with the bill.",
        _LEGACY_PAGE,
    ),
    Rule(
        "start_may_meet_bill",
        WARNING,
        "Two bills of an account end on one day, and their starts are one day apart: if a bill in EnergyCAP ends "
        "there, the later start is moved, and one of the two is lost. Give both bills the same start.",
        _NOTES_PAGE,
    ),
    Rule("row_duplicate", WARNING, "A row is in one bill twice and counts twice. Remove one.", "advice"),
    Rule(
        "row_wide",
        WARNING,
        "A row has more cells than the header. Look for a comma that should be in quotes.",
        "advice",
    ),
    Rule(
        "row_short",
        WARNING,
        "A row ends before a mapped column: its cells count as empty. Check if the row was cut off.",
        "advice",
    ),
    Rule("amount_empty", WARNING, "A row has no amount. Check if it was cut off, or shifted.", "advice"),
    Rule(
        "column_ignored",
        WARNING,
        "The Advanced format has no such column. Begin its name with *, if it shall be ignored.",
        _ADVANCED_PAGE,
    ),
    Rule(
        "column_repeated",
        WARNING,
        "Two columns have the same name: amounts count twice, and of other columns the first counts.",
        _ADVANCED_PAGE,
    ),
    Rule(
        "code_date",
        WARNING,
        "A code looks like a date, into which spreadsheet programs turn codes such as 3-12. Compare it with the "
        "source.",
        "advice",
    ),
    Rule(
        "code_decimal",
        WARNING,
        "A code ends in .0, which programs add that read it as a number. Compare it with the source.",
        "advice",
    ),
    Rule(
        "code_rounded",
        WARNING,
        "A code has 16 or more digits and zeros from the 16th on, as Excel rounds numbers. Compare it with the "
        "source.",
        "advice",
    ),
    Rule("period_short", WARNING, "A bill's period has 0 or 1 day. Compare its dates with the bill.", "advice"),
    Rule("period_future", WARNING, "A bill ends in the future. Compare its dates with the bill.", "advice"),
    Rule(
        "date_swapped",
        WARNING,
        "A bill's period is unusual, and usual with day and month exchanged. Compare the date format with the "
        "file.",
        "advice",
    ),
    Rule(
        "period_missing",
        WARNING,
        "More than 20 days are between two bills of a meter. Check if a bill is missing.",
        "advice",
    ),
    Rule("period_long", WARNING, "A bill's period is unusually long. Compare its dates with the bill.", "advice"),
    Rule(
        "period_overlap",
        WARNING,
        "A bill overlaps another one of the same account and meter. Compare their dates with the bills.",
        "advice",
    ),
    Rule(
        "out_of_order",
        WARNING,
        "A row breaks the order account, vendor, start, end. SplitBillFileOperator sorts a file (sort=True), and "
        "refuses to where that would change a bill.",
        _LEGACY_PAGE,
    ),
    Rule(
        "ace_flag_unknown",
        ERROR,
        "An A/C/E flag is not A, C or E. EnergyCAP kicks the bill out, or, as older pages say, reads it as A, "
        "which replaces a bill of the same dates. Correct it.",
        f"{_PROFILE_PAGE}; {_LEGACY_PAGE}",
    ),
    Rule(
        "vpr_flag_unknown",
        WARNING,
        "A V/P/R flag is not V, P or R. Correct it.",
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
        "A workbook's formula was never calculated and counts as an empty cell. Open the workbook in a "
        "spreadsheet program and save it.",
        "advice",
    ),
    Rule("no_rows", WARNING, "The file has a header and no rows below it. Check if it was cut off.", "advice"),
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
    Return codes of rules as a set.

    :param codes: a code or a list of codes; None for none.
    :param source: where they come from, for the message.
    :raises EciValidationError: when one is unknown; it names the nearest code.
    """
    if codes is None:
        return frozenset()
    if isinstance(codes, Mapping) or not isinstance(codes, Iterable):
        raise EciValidationError([f"{codes!r} is not a list of rules. Rules: {', '.join(RULES)}"], source=source)
    problems = []
    wanted = [codes] if isinstance(codes, str) else list(codes)
    for code in wanted:
        if not isinstance(code, str) or code not in RULES:
            hint = did_you_mean(str(code), RULES, is_quoted=True)
            problems.append(f"{code!r} is not a rule. {hint}Rules: {', '.join(RULES)}")
    if problems:
        raise EciValidationError(problems, source=source)
    return frozenset(wanted)
