"""A whole Airflow beside a sandbox: ``airflow standalone``, controlled through its REST API."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from dev.support import standalone
from dev.support.environment import connection_variable
from dev.support.paths import EXAMPLES
from dev.support.ports import free_port
from dev.support.processes import Command
from dev.support.rest import Airflow
from eci_provider.sandbox import Sandbox

LONGEST_WAIT = 300.0
PORT = 8580

Found = TypeVar("Found")


class WholeAirflow(Airflow):
    """
    The Airflow under test, and the EnergyCAP of its DAGs.

    :param url: address of its web interface.
    :param home: its home.
    :param energycap: the sandbox.
    """

    def __init__(self, url: str, home: Path, energycap: Sandbox) -> None:
        super().__init__(url)
        self.home = home
        self.energycap = energycap
        self.command: Command
        #: The password of the user admin.
        self.password = ""

    def until(self, description: str, condition: Callable[[], Found]) -> Found:
        """Wait until a condition returns something that is true, and return that."""
        end = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < end:
            if self.command.exit_code is not None:
                raise self.command.failure("Airflow has ended by itself.")
            try:
                if found := condition():
                    return found
            except OSError:
                pass  # a busy server; it is asked again
            time.sleep(0.3)
        raise self.command.failure(f"Waited {LONGEST_WAIT:.0f} s for {description}.")

    def end_of(self, dag_id: str, run: str) -> str:
        """Wait until a run ends, and return its state."""

        def final_state() -> str | None:
            state = self.ask(f"dags/{dag_id}/dagRuns/{run}")["state"]
            return state if state in ("success", "failed") else None

        return self.until(f"the end of run {run}", final_state)


SomeAirflow = TypeVar("SomeAirflow", bound=WholeAirflow)


@contextmanager
def running(
    kind: type[SomeAirflow], home: Path, energycap: Sandbox, dags: Iterable[str], **variables: str
) -> Iterator[SomeAirflow]:
    """
    Start an Airflow with some of the example DAGs, of which none has a run yet.

    :param kind: which client of its API to give.
    :param home: its home, a folder that does not exist yet.
    :param energycap: the sandbox that ``eci_default`` connects with.
    :param dags: names of the DAGs.
    :param variables: further environment variables.
    """
    (home / "dags").mkdir(parents=True)
    for dag_id in dags:
        # A scheduled run takes the default of each input, and no test may write into a folder that others share.
        text = (EXAMPLES / f"{dag_id}.py").read_text()
        (home / "dags" / f"{dag_id}.py").write_text(text.replace('"/tmp/eci_', f'"{home}/eci_'))
    shutil.copytree(EXAMPLES / "data", home / "dags" / "data")
    url = f"http://127.0.0.1:{free_port(PORT)}"
    airflow = kind(url, home, energycap)
    settings = {
        **connection_variable(energycap.url, energycap.api_key, settle_time=1),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
        **variables,
    }
    log = home / "airflow.log"
    with standalone.start(home, url, log, secrets=[energycap.api_key], **settings) as airflow.command:
        airflow.password = airflow.until(
            "the start of Airflow", lambda: standalone.password_once_ready(airflow, home) or ""
        )
        for dag_id in dags:
            airflow.until("the DAG", lambda dag_id=dag_id: airflow.has_dag(dag_id))  # type: ignore[misc]
        yield airflow
