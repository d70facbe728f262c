"""EnergyCAP's part: a sandbox that drops, delays, refuses and garbles, and counts what was sent to it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.storm.plan import Plan
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
# Shares of the submits: one that takes effect after its connection is gone, and one that takes effect and is
# answered with an error.
LATE, COMMITTED_ERROR = 0.05, 0.05
LATE_BY = 1.0
# Seconds that the provider waits for a submit that may still be on its way.
SETTLE_TIME = 2.0
SPOILT = ("drop", "truncate", "garbage")


@contextmanager
def sandbox_of(plan: Plan, path: Path, port: int = 0) -> Iterator[Sandbox]:
    """
    Serve a sandbox that knows the plan's accounts and keeps its state in a file.

    :param path: the file.
    """
    with Sandbox(path=str(path), port=port, delay=plan.import_takes) as sandbox:
        sandbox.settings.echo_notes = plan.notes_shown
        for account in sorted({account for file in plan.every_file for account, _ in file.bills}):
            sandbox.add_account(account)
        yield sandbox


def connection_to(sandbox: Sandbox) -> dict[str, str]:
    """Make the environment's part that is the connection ``eci_default`` to a sandbox."""
    described = {
        "conn_type": "eci",
        "host": sandbox.url,
        "password": sandbox.api_key,
        "extra": {"settle_time": SETTLE_TIME},
    }
    return {"AIRFLOW_CONN_ECI_DEFAULT": json.dumps(described)}


def break_loose(plan: Plan, sandbox: Sandbox) -> None:
    """Let a seeded share of the requests go wrong from now on."""
    sandbox.chaos(plan.seed, CHAOS)
    draw = random.Random(plan.seed)
    skipped = {"late": 0, "error": 0}
    for _ in range(3 * plan.runs * plan.files):
        chance = draw.random()
        kind = "late" if chance < LATE else "error" if chance < LATE + COMMITTED_ERROR else None
        if kind == "late":
            sandbox.fault("POST", SUBMIT, skip=skipped["late"], drop="late", commit_after=LATE_BY)
        elif kind == "error":
            sandbox.fault("POST", SUBMIT, skip=skipped["error"], status=502, commit=True)
        skipped = {name: 0 if name == kind else count + 1 for name, count in skipped.items()}


class Tally:
    """
    Count the submits that reach a sandbox; its own log forgets the oldest requests.

    :param sandbox: the sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._last: RequestRecord | None = None
        self._submits: list[RequestRecord] = []

    def look(self) -> None:
        """Take note of what is new."""
        records = self._sandbox.requests
        place = next((place for place in range(len(records) - 1, -1, -1) if records[place] is self._last), -1)
        self._submits += [
            record for record in records[place + 1 :] if (record.method, record.path) == ("POST", SUBMIT)
        ]
        self._last = records[-1] if records else None

    @property
    def submits(self) -> int:
        """How many submits arrived."""
        return len(self._submits)

    @property
    def troubled(self) -> int:
        """How many of them were not answered as hoped."""
        return sum(
            record.status != 200 or any(word in (record.fault or "") for word in SPOILT)
            for record in self._submits
        )
