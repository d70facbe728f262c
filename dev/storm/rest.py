"""As much of Airflow's REST API as the storm needs, asked with patience."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from dev.demo.analyst import call
from dev.demo.rest import Airflow
from dev.storm.errors import StormError

PAGE = 100
TRIES = 8
# Answers that mean what they say.
FINAL = range(400, 500)


class StormyAirflow(Airflow):
    """Speak with an Airflow whose server has much to do: what gets no answer is asked again."""

    def knows(self, dag: str) -> bool:
        """Tell whether it can run a DAG."""
        try:
            return bool(call(f"{self.url}/api/v2/dags/{dag}", None, None, **self._headers)["dag_id"] == dag)
        except urllib.error.HTTPError:
            return False

    def import_errors(self) -> list[str]:
        """Return why DAG files cannot be read."""
        found = self._ask("importErrors")["import_errors"]
        return [str(error["stack_trace"]) for error in found]

    def trigger(self, dag: str, run: str, conf: dict[str, Any]) -> None:
        """Begin a run; the same run a second time is the first."""
        try:
            self._ask(f"dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None, "conf": conf})
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs of all DAGs."""
        return list(self._every("dags/~/dagRuns", "dag_runs"))

    def task_instances(self) -> list[dict[str, Any]]:
        """Return all task instances of all runs."""
        return list(self._every("dags/~/dagRuns/~/taskInstances", "task_instances"))

    def result(self, task: dict[str, Any]) -> Any:
        """
        Return what a task instance left as its result; None if nothing.

        :param task: as in :meth:`task_instances`.
        """
        place = f"dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}/taskInstances/{task['task_id']}"
        try:
            entry = self._ask(f"{place}/xcomEntries/return_value?map_index={task['map_index']}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return entry["value"]

    def _every(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._ask(f"{path}?limit={PAGE}&offset={offset}&order_by=id")
            yield from page[name]
            offset += PAGE
            if offset >= page["total_entries"]:
                return

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        last: OSError | None = None
        for number in range(TRIES):
            try:
                return call(f"{self.url}/api/v2/{path}", body, None, **self._headers)
            except OSError as error:
                if isinstance(error, urllib.error.HTTPError) and error.code in FINAL:
                    raise
                last = error
            time.sleep(min(5.0, 0.5 * 2**number))
        raise StormError(f"Airflow's API server does not answer to {path}: {last}")
