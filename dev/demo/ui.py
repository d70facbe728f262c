"""The sandbox and a whole Airflow with its web interface, until Ctrl+C: ``python -m dev.demo --ui``."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.demo.analyst import ADDRESS_FILE
from dev.demo.bills import Bills
from dev.demo.one_run import DAG, connection, introduction, sandbox_for
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
            **connection(sandbox),
        ) as command:
            screen.step(f"Airflow starts, which takes about half a minute; its log: {shown_path(command.log)}")
            _serve(command, airflow, sandbox, folder, screen, stop)
    screen.lines("Nothing is left running.")


def _serve(command: Command, airflow: Airflow, sandbox: Sandbox, folder: Path, screen: Screen, stop: Stop) -> None:
    """Wait until Airflow is ready, print where it is, then print what happens. A stop is then no error."""
    is_ready = False
    try:
        password = _start(command, airflow, folder, screen, stop)
        is_ready = True
        screen.lines(*_instructions(airflow.url, password, sandbox.url, folder))
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
        try:
            yield sandbox
        finally:
            address.unlink(missing_ok=True)


def _start(command: Command, airflow: Airflow, folder: Path, screen: Screen, stop: Stop) -> str:
    """
    Wait until Airflow is ready, then unpause the DAG.

    :return: the password of the user admin.
    :raises ToolError: if Airflow does not become ready.
    """
    while True:
        password = standalone.password_once_ready(airflow, folder)
        # Airflow does not know the DAG until it has parsed all DAG files.
        with contextlib.suppress(OSError):
            if password is not None:
                airflow.unpause(DAG)
                return password
        _require_running(command)
        if screen.seconds > LONGEST_START:
            raise command.failure(f"Airflow was not ready after {LONGEST_START:.0f} s.")
        screen.activity("Airflow starts")
        stop.sleep(0.5)


def _require_running(command: Command) -> None:
    if command.exit_code is not None:
        raise command.failure("Airflow has ended by itself.")


def _watch(command: Command, story: Story, stop: Stop) -> None:
    while True:
        _require_running(command)
        story.update("")
        stop.sleep(0.2)


def _instructions(airflow: str, password: str, sandbox: str, folder: Path) -> list[str]:
    command = ["make", "correct"]
    if folder != HOME:
        command = [shown_path(Path(sys.executable)), "-m", "dev.demo", "--correct", "--home", shown_path(folder)]
    return [
        "",
        f"Airflow     {airflow}/dags/{DAG}",
        f"            user admin, password {password}",
        f"EnergyCAP   {sandbox}/ (the look-alike's page)",
        "",
        f"A run of {DAG} has started. EnergyCAP will kick out the bills of buildings and meters that it",
        "does not know, and the run will wait until an analyst has added them. Do that in another terminal:",
        "",
        f"    {shlex.join(command)}",
        "",
        "The DAG will then retry the kickouts and close the batch. Press Ctrl+C here to end everything.",
        "",
    ]
