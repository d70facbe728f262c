"""``python -m dev.demo``: one run of the DAG from its start to its end, without Airflow's servers."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from dev.demo import analyst, home
from dev.demo.bills import EXAMPLES, Bills
from dev.demo.errors import DemoError
from dev.demo.processes import Command
from dev.demo.screen import Screen, shown_path
from dev.demo.signals import Stop
from dev.demo.story import Story
from dev.demo.table import result
from eci_provider.sandbox import Sandbox

HOME = home.HOMES / "demo"
DAG = "eci_bill_import"
# Seconds: an import that takes no time shows nothing of the waiting; neither does an analyst who needs none.
IMPORT_TAKES = 3.0
ANALYSIS_TAKES = 1.0
ANALYST_TAKES = 2.0
LONGEST_RUN = 300.0


def sandbox_for(bills: Bills, port: int = 0) -> Sandbox:
    """Make a sandbox that knows most of the buildings and meters in the bills file."""
    sandbox = Sandbox(port=port, delay=IMPORT_TAKES, analysis=ANALYSIS_TAKES)
    for building, meters in bills.known_at_first().items():
        sandbox.add_account(building, meters)
    return sandbox


def knows(bills: Bills) -> str:
    """Say how much the account book knows at first."""
    return f"it knows {len(bills.known_at_first())} of {len(bills.meters)} buildings"


def run_once(folder: Path, stop: Stop) -> None:
    """
    Run the DAG, play the analyst, print what came of it.

    :param folder: the Airflow home.
    :raises DemoError: if the run failed, or its result is not what the bills file promises.
    """
    bills, screen = Bills.read(), Screen()
    screen.lines(
        f"{bills.rows} rows of electricity bills go from a CSV file through Airflow into EnergyCAP's look-alike.",
        "",
    )
    with home.prepared(folder, screen, stop), sandbox_for(bills) as sandbox:
        screen.step(f"the look-alike is at {sandbox.url}/; {knows(bills)}")
        with Command(
            [sys.executable, "-m", "airflow", "dags", "test", DAG],
            home.environment(folder, **home.connection(sandbox.url, sandbox.api_key)),
            folder,
            home.new_log(folder, "demo"),
            secrets=[sandbox.api_key],
        ) as command:
            screen.step(f"Airflow runs {shown_path(EXAMPLES / f'{DAG}.py')}")
            screen.detail(f"its log: {shown_path(command.log)}")
            _watch(command, sandbox, screen, stop)
        found = result(sandbox, bills)
        if command.exit_code != 0:
            raise command.failure("Airflow's run of the DAG failed.")
        screen.lines("", *found.lines)
        if found.wrong:
            raise DemoError(
                f"Airflow calls the run a success, but {found.wrong}. Its log: {shown_path(command.log)}"
            )


def _watch(command: Command, sandbox: Sandbox, screen: Screen, stop: Stop) -> None:
    story = Story(sandbox, screen)
    correct_at = None
    while command.exit_code is None:
        if screen.seconds > LONGEST_RUN:
            raise command.failure(f"The run takes longer than {LONGEST_RUN:.0f} s.")
        if story.look("Airflow is at work"):
            screen.step("the DAG waits; the analyst sets up what the kickouts name:")
            screen.detail(analyst.words())
            correct_at = time.monotonic() + ANALYST_TAKES
        if correct_at and time.monotonic() > correct_at:
            analyst.correct(sandbox.url)
            screen.step('the analyst is done and notes "corrected" on the import')
            correct_at = None
        stop.sleep(0.2)
    story.look("")
    screen.quiet()
    if command.exit_code == 0:
        screen.step("the DAG run has succeeded")
