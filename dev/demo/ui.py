"""``python -m dev.demo --ui``: the sandbox and a whole Airflow, to click through, until Ctrl+C."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.demo import home, standalone
from dev.demo.analyst import ADDRESS_FILE
from dev.demo.bills import Bills
from dev.demo.errors import DemoError, StoppedError
from dev.demo.one_run import DAG, knows, sandbox_for
from dev.demo.ports import free_port
from dev.demo.processes import Command
from dev.demo.requirements import airflow_version
from dev.demo.rest import Airflow
from dev.demo.screen import Screen, shown_path
from dev.demo.signals import Stop
from dev.demo.story import Story
from eci_provider.sandbox import Sandbox

HOME = home.HOMES / "ui"
AIRFLOW_PORT = 8080
SANDBOX_PORT = 8765
LONGEST_START = 180.0


def run_ui(folder: Path, stop: Stop) -> None:
    """
    Start everything, say where it is, tell what happens, and end it all on Ctrl+C.

    :param folder: the Airflow home.
    :raises DemoError: if Airflow cannot start, or ends by itself.
    """
    if int(airflow_version().partition(".")[0]) < 3:
        raise DemoError(f"The demo's interface needs Airflow 3; {airflow_version()} is installed.")
    bills, screen = Bills.read(), Screen()
    with home.prepared(folder, screen, stop), _sandbox(bills, folder) as sandbox:
        screen.step(f"the look-alike is at {sandbox.url}/; {knows(bills)}")
        airflow = Airflow(f"http://127.0.0.1:{free_port(AIRFLOW_PORT)}")
        with standalone.started(
            folder,
            airflow.url,
            home.new_log(folder, "ui"),
            secrets=[sandbox.api_key],
            **home.connection(sandbox.url, sandbox.api_key),
        ) as command:
            screen.step(f"Airflow starts, half a minute or so; its log: {shown_path(command.log)}")
            _serve(command, airflow, sandbox, folder, screen, stop)
    screen.lines("Nothing is left running.")


def _serve(command: Command, airflow: Airflow, sandbox: Sandbox, folder: Path, screen: Screen, stop: Stop) -> None:
    """Wait until all is ready, say where it is, tell what happens; to be stopped then is a good end."""
    ready = False
    try:
        password = _start(command, airflow, folder, screen, stop)
        ready = True
        screen.lines(*_introduction(airflow.url, password, sandbox.url, folder))
        _watch(command, Story(sandbox, screen), stop)
    except StoppedError:
        screen.lines("", "Airflow is being stopped.")
        if not ready:
            raise


@contextlib.contextmanager
def _sandbox(bills: Bills, folder: Path) -> Iterator[Sandbox]:
    """Serve a sandbox, and leave a note where it is for ``--correct``."""
    address = folder / ADDRESS_FILE
    with sandbox_for(bills, free_port(SANDBOX_PORT)) as sandbox:
        address.write_text(sandbox.url)
        try:
            yield sandbox
        finally:
            address.unlink(missing_ok=True)


def _start(command: Command, airflow: Airflow, folder: Path, screen: Screen, stop: Stop) -> str:
    """
    Wait until Airflow is ready, then let the DAG run.

    :return: the password of the user admin.
    :raises DemoError: if it does not get ready.
    """
    while True:
        password = standalone.password_once_ready(airflow, folder)
        # Before all DAG files are read, Airflow does not know the DAG.
        with contextlib.suppress(OSError):
            if password is not None:
                airflow.unpause(DAG)
                return password
        _still_running(command)
        if screen.seconds > LONGEST_START:
            raise command.failure("Airflow did not get ready.")
        screen.busy("Airflow starts")
        stop.sleep(0.5)


def _still_running(command: Command) -> None:
    if command.exit_code is not None:
        raise command.failure("Airflow has ended by itself.")


def _watch(command: Command, story: Story, stop: Stop) -> None:
    while True:
        _still_running(command)
        story.look("")
        stop.sleep(0.2)


def _introduction(airflow: str, password: str, sandbox: str, folder: Path) -> list[str]:
    command = ["make", "correct"]
    if folder != HOME:
        command = [shown_path(Path(sys.executable)), "-m", "dev.demo", "--correct", "--home", shown_path(folder)]
    return [
        "",
        f"Airflow     {airflow}/dags/{DAG}",
        f"            user admin, password {password}",
        f"EnergyCAP   {sandbox}/, the look-alike's page",
        "",
        f"A run of {DAG} has begun. Bills of buildings that EnergyCAP does not know are kicked out,",
        "and the run waits until somebody has set them up. In another terminal, be the analyst who does:",
        "",
        f"    {shlex.join(command)}",
        "",
        "The DAG then retries the kickouts and closes the batch. Ctrl+C here ends everything.",
        "",
    ]
