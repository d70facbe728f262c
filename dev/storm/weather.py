"""The weather of a storm: a sandbox whose requests fail at random, and a count of the submits that reach it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.storm.plan import Plan
from dev.support.environment import connection_variable
from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.request_log import RequestRecord

SUBMIT = "/api/v3/import/bill"
# Shares of all requests.
CHAOS = {
    "drop_before": 0.03,
    "drop_after": 0.03,
    "429": 0.03,
    "503": 0.03,
    "truncate": 0.02,
    "garbage": 0.02,
    "delay": (0.0, 0.3),
}
# Shares of the submits that take effect after their connection is closed, and that take effect but are answered
# with an error.
LATE, COMMITTED_ERROR = 0.05, 0.05
HOUR = 3600.0
# Seconds from the end of a late submit's connection until it takes effect.
LATE_BY = 1.0
# Seconds that the provider waits for a submit that may still be on its way.
SETTLE_TIME = 2.0
# Faults that spoil an answer although the log has a status of 200.
SPOILING = ("drop", "truncate", "garbage")


@contextmanager
def sandbox_for(plan: Plan, path: Path, port: int = 0) -> Iterator[Sandbox]:
    """
    Serve a sandbox that knows the plan's accounts.

    :param path: file that keeps its state.
    """
    with Sandbox(path=str(path), port=port, delay=plan.import_takes) as sandbox:
        sandbox.settings.echo_notes = plan.notes_shown
        sandbox.settings.update(plan.habits.settings)
        sandbox.advance(plan.habits.clock * HOUR)
        for account in sorted({account for file in plan.every_file for account, _ in file.bills}):
            sandbox.add_account(account)
        yield sandbox


def connection(sandbox: Sandbox) -> dict[str, str]:
    """Return the variable that defines the Airflow connection to a sandbox."""
    return connection_variable(sandbox.url, sandbox.api_key, settle_time=SETTLE_TIME)


def start_faults(plan: Plan, sandbox: Sandbox) -> None:
    """Make a random share of the requests fail from now on; the seed is the plan's."""
    sandbox.chaos(plan.seed, CHAOS)
    draw = random.Random(plan.seed)
    skipped = {"late": 0, "error": 0}
    for number in range(3 * plan.runs * plan.files):
        chance = draw.random()
        kind = "late" if chance < LATE else "error" if chance < LATE + COMMITTED_ERROR else None
        if kind == "late":
            sandbox.fault("POST", SUBMIT, skip=skipped["late"], drop="late", commit_after=LATE_BY)
        elif kind == "error":
            sandbox.fault("POST", SUBMIT, skip=skipped["error"], status=502, commit=True)
        elif chance > 1 - plan.habits.doubled:
            sandbox.fault("POST", SUBMIT, skip=number, double="second")
        skipped = {name: 0 if name == kind else count + 1 for name, count in skipped.items()}


class SubmitLog:
    """
    All submits that reach a sandbox. The sandbox's own log only keeps the newest requests.

    :param sandbox: the sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._last: RequestRecord | None = None
        self._submits: list[RequestRecord] = []

    def update(self) -> None:
        """Add the submits since the last update."""
        records = self._sandbox.requests
        last = next((place for place in range(len(records) - 1, -1, -1) if records[place] is self._last), -1)
        self._submits += [
            record for record in records[last + 1 :] if (record.method, record.path) == ("POST", SUBMIT)
        ]
        self._last = records[-1] if records else None

    @property
    def count(self) -> int:
        """Number of submits."""
        return len(self._submits)

    @property
    def doubled(self) -> Counter[str]:
        """How often submits were carried out twice, by the names of their files."""
        return Counter(record.body["fileName"] for record in self._submits if "double=" in (record.fault or ""))

    @property
    def faulty(self) -> int:
        """Number of submits without a correct answer."""
        return sum(
            record.status != 200 or any(word in (record.fault or "") for word in SPOILING)
            for record in self._submits
        )
