"""The options of a check: its limits, the known codes, the rules that are switched off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from eci_provider.bills.rules import checked_codes
from eci_provider.core.checks import whole_number
from eci_provider.core.errors import EciValidationError
from eci_provider.core.values import as_text

#: The longest usual period, in days: two months.
LONGEST_PERIOD = 62
#: EnergyCAP's advice for one file (help centre, Advanced file format).
ADVISED_ROWS = 5000
#: Among how many codes a similar one is searched for, and how similar it must be.
_MOST_COMPARED = 2000
_RESEMBLANCE = 0.8


@dataclass(frozen=True)
class CheckOptions:
    """
    The options of a check.

    :param longest_period: the longest usual period of a bill, in days.
    :param most_rows: the most rows that a file should have.
    :param accounts: the known codes of accounts; None where they are not known.
    :param meters: the known codes of meters; None where they are not known.
    :param meters_of: the known codes of the meters of each account; None where they are not known.
    :param off: the codes of rules that are switched off.
    :param fail_on: the codes of rules whose warnings count as errors.
    :param min_rows: the fewest rows that all files must have.
    :param min_bills: the fewest bills that all files must have.
    """

    longest_period: int
    most_rows: int
    accounts: frozenset[str] | None
    meters: frozenset[str] | None
    meters_of: Mapping[str, frozenset[str]] | None
    off: frozenset[str]
    fail_on: frozenset[str] = frozenset()
    min_rows: int = 0
    min_bills: int = 0

    def nearest_account(self, account: str) -> str | None:
        """
        Return the known account that a code was probably meant to be; None where no code is near.

        :param account: a code that is not known.
        """
        return _nearest(account, self.accounts or frozenset())


@lru_cache(maxsize=2)
def _plain_codes(codes: frozenset[str]) -> dict[str, str]:
    """Return codes by their letters and digits, without zeros at the start."""
    return {_plain(code): code for code in sorted(codes, reverse=True)}


@lru_cache(maxsize=1024)
def _nearest(code: str, codes: frozenset[str]) -> str | None:
    found = _plain_codes(codes).get(_plain(code))
    if found is None and len(codes) <= _MOST_COMPARED:
        found = next(iter(get_close_matches(code, codes, 1, _RESEMBLANCE)), None)
    return found


def _plain(code: str) -> str:
    return re.sub(r"[\W_]", "", code).lstrip("0").upper()


def checked_options(
    *,
    source: str,
    accounts: Any = None,
    meters: Any = None,
    longest_period: Any = LONGEST_PERIOD,
    most_rows: Any = ADVISED_ROWS,
    rules_off: Any = (),
    fail_on: Any = (),
    min_rows: Any = None,
    min_bills: Any = None,
) -> CheckOptions:
    """
    Return the options of a check; they are as in :func:`~eci_provider.bills.checking.check_file`.

    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when one is wrong; it names the argument and what it must be.
    """
    longest_period = whole_number("longest_period", longest_period, 1, None, source=source)
    most_rows = whole_number("most_rows", most_rows, 1, None, source=source)
    off = checked_codes(rules_off, source=f"{source}: rules_off")
    failing = checked_codes(fail_on, source=f"{source}: fail_on")
    if both := sorted(off & failing):
        problem = f"{', '.join(both)}: in rules_off and in fail_on; must be in one of them"
        raise EciValidationError([problem], source=source)
    fewest = [
        0 if value is None else whole_number(name, value, 1, None, source=source)
        for name, value in (("min_rows", min_rows), ("min_bills", min_bills))
    ]
    meters_of = None
    if isinstance(accounts, Mapping):
        if meters is not None:
            problem = (
                "meters is given, and accounts is a dict with the meters of each account: give one of them; add "
                "further meters to the accounts they belong to"
            )
            raise EciValidationError([problem], source=source)
        meters_of = {
            _code("accounts", account, source): _codes(f"accounts[{account!r}]", codes, source)
            for account, codes in accounts.items()
        }
        accounts = list(meters_of)
    return CheckOptions(
        longest_period,
        most_rows,
        None if accounts is None else _codes("accounts", accounts, source),
        None if meters is None else _codes("meters", meters, source),
        meters_of,
        off,
        failing,
        *fewest,
    )


def _codes(name: str, codes: Any, source: str) -> frozenset[str]:
    if isinstance(codes, (str, bytes, Mapping)) or not isinstance(codes, Iterable):
        problem = f"{name} is {codes!r}: must be a list of codes"
        if isinstance(codes, str) and codes.lstrip().startswith(("[", "{", "(")):
            problem += (
                "; a template renders to text: pass a task's .output, or set render_template_as_native_obj=True "
                "on the DAG"
            )
        raise EciValidationError([problem], source=source)
    return frozenset(_code(name, code, source) for code in codes)


def _code(name: str, code: Any, source: str) -> str:
    """Return a code as text: YAML, JSON and databases often give a number for one that looks like a number."""
    try:
        return as_text(code).strip()
    except ValueError:
        problem = f"{name} holds {code!r}: a code must be a text or a whole number"
    raise EciValidationError([problem], source=source)
