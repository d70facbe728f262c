"""The counts at the top of the overview."""

from __future__ import annotations

from dataclasses import dataclass

from eci_provider.sandbox.environment import Environment


@dataclass(frozen=True)
class Summary:
    """
    Counts of everything that the sandbox holds.

    :param accounts: accounts, without which every bill is kicked out.
    :param batches: batches, deleted ones left out.
    :param open_batches: how many of them are open.
    :param imports: imports.
    :param running: how many of them have not ended.
    :param bills: bills that count.
    :param void: bills that are void.
    :param kickouts: rows kicked out.
    """

    accounts: int
    batches: int
    open_batches: int
    imports: int
    running: int
    bills: int
    void: int
    kickouts: int


def summary(env: Environment) -> Summary:
    """Return the counts."""
    number = env.store.number
    return Summary(
        accounts=number("SELECT COUNT(*) FROM accounts"),
        batches=number("SELECT COUNT(*) FROM batches"),
        open_batches=number("SELECT COUNT(*) FROM batches WHERE status = 'Open'"),
        imports=number("SELECT COUNT(*) FROM tasks"),
        running=number("SELECT COUNT(*) FROM tasks WHERE outcome IS NULL"),
        bills=number("SELECT COUNT(*) FROM bills WHERE NOT voided"),
        void=number("SELECT COUNT(*) FROM bills WHERE voided"),
        kickouts=number("SELECT COUNT(*) FROM kickout_rows"),
    )
