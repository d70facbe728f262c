"""The sandbox and a whole Airflow with its web interface, until Ctrl+C: ``python -m dev.demo --ui``."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.demo.analyst import ADDRESS_FILE
from dev.demo.bills import LONG_FILE, Bills
from dev.demo.one_run import DAG, LINK, introduction, sandbox_for
from dev.demo.story import Story
from dev.support import home, standalone
from dev.support.errors import StoppedError, ToolError
from dev.support.paths import HOMES
from dev.support.ports import free_port
from dev.support.processes import Command
from dev.support.requirements import airflow_version
from dev.support.rest import Airflow
from dev.support.screen import Screen, shown_path
from dev.support.signals import Stop
from eci_provider.sandbox import Sandbox

HOME = HOMES / "ui"
AIRFLOW_PORT = 8080
SANDBOX_PORT = 8765
LONGEST_START = 180.0


def run_ui(folder: Path, stop: Stop) -> None:
    """
    Start everything, print where it is and what happens, and end everything on Ctrl+C.

    :param folder: the Airflow home.
    :param stop: signals.
    :raises ToolError: if Airflow does not start, or ends by itself.
    """
    if int(airflow_version().partition(".")[0]) < 3:
        raise ToolError(f"The web interface of the demo needs Airflow 3, but {airflow_version()} is installed.")
    bills, screen = Bills.read(), Screen()
    with home.with_empty_database(folder, "demo", screen, stop.sleep), _sandbox(bills, folder) as sandbox:
        screen.step(introduction(sandbox, bills))
        airflow = Airflow(f"http://127.0.0.1:{free_port(AIRFLOW_PORT)}")
        with standalone.start(
            folder,
            airflow.url,
            home.new_log(folder, "ui"),
            secrets=[sandbox.api_key],
            AIRFLOW__CORE__TEST_CONNECTION="Enabled",
            # Short pauses: Airflow fails the attempt of a task whose trigger fires before the scheduler has
            # noticed that the task was deferred, and imports take only seconds here.
            AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC="1",
            AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME="0.3",
        ) as command:
            screen.step(f"Airflow starts, which takes about half a minute; its log: {shown_path(command.log)}")
            _serve(command, airflow, sandbox, folder, screen, stop)
    screen.lines("Nothing is left running.")


def _serve(command: Command, airflow: Airflow, sandbox: Sandbox, folder: Path, screen: Screen, stop: Stop) -> None:
    """Wait until Airflow is ready, print where it is, then print what happens. A stop is then no error."""
    is_ready = False
    try:
        password = _start(command, airflow, sandbox, folder, screen, stop)
        is_ready = True
        screen.lines(*instructions(airflow.url, password, sandbox.url, folder))
        _watch(command, Story(sandbox, screen), stop)
    except StoppedError:
        screen.lines("", "Airflow is being stopped.")
        if not is_ready:
            raise


@contextlib.contextmanager
def _sandbox(bills: Bills, folder: Path) -> Iterator[Sandbox]:
    """Serve a sandbox, and write its address into a file for ``--correct``."""
    address = folder / ADDRESS_FILE
    with sandbox_for(bills, free_port(SANDBOX_PORT)) as sandbox:
        address.write_text(sandbox.url)
        for building, meters in Bills.read(LONG_FILE).meters.items():
            sandbox.add_account(building, meters)
        try:
            yield sandbox
        finally:
            address.unlink(missing_ok=True)


def _start(command: Command, airflow: Airflow, sandbox: Sandbox, folder: Path, screen: Screen, stop: Stop) -> str:
    """
    Wait until Airflow is ready, then define the connection, and unpause the DAG.

    The connection is in Airflow's database, so that the web interface shows and tests it.

    :return: the password of the user admin.
    :raises ToolError: if Airflow does not become ready.
    """
    has_connection = False
    while True:
        password = standalone.password_once_ready(airflow, folder)
        # Airflow does not know the DAG until it has parsed all DAG files.
        with contextlib.suppress(OSError):
            if password is not None:
                if not has_connection:
                    airflow.add_connection("eci_default", _connection(sandbox))
                    has_connection = True
                airflow.unpause(DAG)
                return password
        _require_running(command)
        if screen.seconds > LONGEST_START:
            raise command.failure(f"Airflow was not ready after {LONGEST_START:.0f} s.")
        screen.activity("Airflow starts")
        stop.sleep(0.5)


def _connection(sandbox: Sandbox) -> dict[str, str]:
    extra = json.dumps({"ui_url_template": LINK})
    return {"conn_type": "eci", "host": sandbox.url, "password": sandbox.api_key, "extra": extra}


def _require_running(command: Command) -> None:
    if command.exit_code is not None:
        raise command.failure("Airflow has ended by itself.")


def _watch(command: Command, story: Story, stop: Stop) -> None:
    while True:
        _require_running(command)
        story.update("")
        stop.sleep(0.2)


def instructions(airflow: str, password: str, sandbox: str, folder: Path) -> list[str]:
    """
    Return the lines that walk a visitor through the examples.

    :param airflow: address of Airflow.
    :param password: password of the user admin.
    :param sandbox: address of the sandbox.
    :param folder: the Airflow home.
    """
    command = ["make", "correct"]
    if folder != HOME:
        command = [shown_path(Path(sys.executable)), "-m", "dev.demo", "--correct", "--home", shown_path(folder)]
    dags = f"{airflow}/dags"
    return [
        "",
        f"Airflow     {airflow}/",
        f"            user admin, password {password}",
        f"EnergyCAP   {sandbox}/ (the look-alike's page)",
        "",
        "What to look at, in this order:",
        "",
        f"1. {dags}/{DAG}",
        "   A run has started. EnergyCAP kicks out the bills of buildings and meters that it does not know.",
        "   accounts_corrected then waits for an analyst; its log says for which import, and for what.",
        "",
        f"2. {dags}/eci_kickout_review",
        "   Switch it on. Its run asks you under Browse, Required Actions what to do about the kickouts. Do",
        "   not answer yet.",
        "",
        "3. Be the analyst, who adds what is missing in EnergyCAP. In another terminal:",
        "",
        f"       {shlex.join(command)}",
        "",
        f"   {DAG} reads that within two minutes, retries the kickouts and closes its batch. To let it",
        '   continue at once, clear accounts_corrected. Then answer "Retry the kickouts" in the other run.',
        "",
        "4. Trigger the others, in any order: eci_mapped_import, eci_large_file, eci_import_profile and",
        "   eci_open_kickouts. They wait for nobody. The form shows the inputs of each; the book at the top",
        "   (Dag Docs) says what it does, what it waits for, and what fails when. Airflow also starts the",
        "   last scheduled run of a DAG that is switched on.",
        "",
        f"5. {airflow}/connections",
        "   eci_default leads to the look-alike. Edit it, and test it.",
        "",
        "Press Ctrl+C here to end everything. The next start begins with no runs.",
        "",
    ]
