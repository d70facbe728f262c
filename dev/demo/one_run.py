"""One run of the DAG without Airflow's servers: ``python -m dev.demo``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from dev.demo import analyst
from dev.demo.bills import Bills
from dev.demo.story import Story
from dev.demo.table import result
from dev.support import environment, home
from dev.support.errors import ToolError
from dev.support.paths import EXAMPLES, HOMES
from dev.support.processes import Command
from dev.support.screen import Screen, shown_path
from dev.support.signals import Stop
from eci_provider.sandbox import Sandbox

HOME = HOMES / "demo"
DAG = "eci_bill_import"
#: Template of the links of tasks: the look-alike's page of an import, or of a batch.
LINK = "{host}/imports/{task_guid} {host}/batches/{batch_id}"
# Seconds. An import or an analyst that takes no time would not show how the DAG waits.
IMPORT_TAKES = 3.0
ANALYSIS_TAKES = 1.0
ANALYST_TAKES = 2.0
LONGEST_RUN = 300.0


def sandbox_for(bills: Bills, port: int = 0) -> Sandbox:
    """Return a sandbox that knows most of the buildings and meters in the bill file."""
    sandbox = Sandbox(port=port, delay=IMPORT_TAKES, analysis=ANALYSIS_TAKES)
    for building, meters in bills.known_at_first().items():
        sandbox.add_account(building, meters)
    return sandbox


def connection(sandbox: Sandbox) -> dict[str, str]:
    """Return the variable that defines the Airflow connection to a sandbox."""
    return environment.connection_variable(sandbox.url, sandbox.api_key, ui_url_template=LINK)


def introduction(sandbox: Sandbox, bills: Bills) -> str:
    """Return the line that says where the look-alike is, and what it knows."""
    known = f"{len(bills.known_at_first())} of the file's {len(bills.meters)} buildings"
    return f"the EnergyCAP look-alike runs at {sandbox.url}/ and knows {known}"


def run_once(folder: Path, stop: Stop) -> None:
    """
    Run the DAG, do the analyst's part, and print the result.

    :param folder: the Airflow home.
    :param stop: signals.
    :raises ToolError: if the run fails, or its result differs from the bill file.
    """
    bills, screen = Bills.read(), Screen()
    screen.lines(
        f"{bills.rows} rows of electricity bills go from a CSV file through Airflow into an EnergyCAP look-alike.",
        "",
    )
    with home.with_empty_database(folder, "demo", screen, stop.sleep), sandbox_for(bills) as sandbox:
        screen.step(introduction(sandbox, bills))
        with Command(
            [sys.executable, "-m", "airflow", "dags", "test", DAG],
            environment.airflow_environment(folder, **connection(sandbox)),
            folder,
            home.new_log(folder, "demo"),
            secrets=[sandbox.api_key],
        ) as command:
            screen.step(f"Airflow runs {shown_path(EXAMPLES / f'{DAG}.py')}")
            screen.detail(f"its log: {shown_path(command.log)}")
            _watch(command, sandbox, screen, stop)
        if command.exit_code != 0:
            raise command.failure("Airflow's run of the DAG failed.")
        found = result(sandbox, bills)
        screen.lines("", *found.lines)
        if found.wrong:
            raise ToolError(
                f"Airflow reports success, but {found.wrong}. Airflow's log: {shown_path(command.log)}"
            )


def _watch(command: Command, sandbox: Sandbox, screen: Screen, stop: Stop) -> None:
    """Print what happens until the run ends, and correct what its import kicks out."""
    story = Story(sandbox, screen)
    correct_at = None
    while command.exit_code is None:
        if screen.seconds > LONGEST_RUN:
            raise command.failure(f"The run takes longer than {LONGEST_RUN:.0f} s.")
        if story.update("Airflow works"):
            screen.step("the DAG waits for an analyst, who adds what is missing in EnergyCAP:")
            screen.detail(str(analyst.needed(sandbox.url)))
            correct_at = time.monotonic() + ANALYST_TAKES
        if correct_at and time.monotonic() > correct_at:
            analyst.correct(sandbox.url)
            screen.step('the analyst is done, and has written "corrected" into the note of the import')
            correct_at = None
        stop.sleep(0.2)
    story.update("")
    screen.clear_activity()
    if command.exit_code == 0:
        screen.step("the DAG run has succeeded")
