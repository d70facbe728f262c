"""What a page was asked for: its filter, and how many rows it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlencode

OUTCOMES = {"running": "Running", "completed": "Completed", "kickouts": "With kickouts", "failed": "Failed"}
STATUSES = ("Open", "Pending", "Closed")
# Rows of a list that a page shows at first, and with each "Show more".
STEP = 50
# No list of a page becomes longer: a browser, and the sandbox that writes the page, must stay quick.
MOST_ROWS = 2_000


@dataclass(frozen=True)
class Query:
    """
    The query of a page's address.

    :param q: text to look for; empty for everything.
    :param outcome: outcome of imports, a key of :data:`OUTCOMES`; empty for all.
    :param status: status of batches, one of :data:`STATUSES`; empty for all.
    :param reason: message of kickouts; empty for all.
    :param rows: most rows of a list.
    """

    q: str = ""
    outcome: str = ""
    status: str = ""
    reason: str = ""
    rows: int = STEP

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Query:
        """Return the query of a request. What is not known counts as not given."""
        rows = given.get("rows", "")
        number = int(rows) if rows.isascii() and rows.isdigit() and len(rows) < 6 else STEP
        outcome, status = given.get("outcome", ""), given.get("status", "")
        return cls(
            q=given.get("q", "").strip(),
            outcome=outcome if outcome in OUTCOMES else "",
            status=status if status in STATUSES else "",
            reason=given.get("reason", ""),
            rows=min(max(number, 1), MOST_ROWS),
        )

    @property
    def needle(self) -> str:
        """The text to look for, as the SQL function ``folded`` writes texts."""
        return self.q.casefold()

    @property
    def filters(self) -> bool:
        """Whether anything is left out of the page because of it."""
        return bool(self.q or self.outcome or self.status or self.reason)

    def link(self, **changed: str | int) -> str:
        """Return the address of this page with a changed query."""
        # asdict cannot be wrong here: the fields are texts and a number.
        wanted = asdict(replace(self, **changed))  # type: ignore[arg-type]
        given = {field.name: wanted[field.name] for field in fields(self) if wanted[field.name] != field.default}
        return "?" + urlencode(given, errors="replace")
