"""Airflow's REST API, as far as the tools need it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from dev.support.errors import ToolError

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
PAGE_SIZE = 100
# Without a proxy, even if the environment names one: the servers are on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, body: dict[str, Any] | None = None, method: str | None = None, **headers: str) -> Any:
    """
    Send a request to a JSON API on this machine, and return its answer.

    :param body: JSON of a POST; without one, the request is a GET.
    :param method: another method.
    :raises OSError: if there is no answer, or an error.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 (an address of this machine)
        url, data, {"Content-Type": "application/json", **headers}, method=method
    )
    with _OPENER.open(request, timeout=10) as answer:
        return json.load(answer)


class Airflow:
    """
    REST client of an Airflow on this machine. All calls raise :class:`OSError` if there is no answer, or an error.

    :param url: address of the API server.
    :param attempts: how often a request is sent until the server answers. More than one suits a busy server that
        may be killed; then only requests that may be repeated are safe.
    """

    def __init__(self, url: str, attempts: int = 1) -> None:
        self.url = url
        self._attempts = attempts
        self._headers: dict[str, str] = {}

    def is_healthy(self) -> bool:
        """
        Return whether all components report that they work. It sends one request, even if ``attempts`` is more.
        """
        health = call(f"{self.url}/api/v2/monitor/health")
        return all(health[component]["status"] == "healthy" for component in COMPONENTS)

    def log_in(self, user: str, password: str) -> None:
        """Get the token that all other calls need."""
        answer = call(f"{self.url}/auth/token", {"username": user, "password": password})
        self._headers = {"Authorization": f"Bearer {answer['access_token']}"}

    def has_dag(self, dag_id: str) -> bool:
        """Return whether Airflow has parsed a DAG."""
        try:
            return bool(self.ask(f"dags/{dag_id}")["dag_id"] == dag_id)
        except urllib.error.HTTPError:
            return False

    def import_errors(self) -> list[str]:
        """Return the errors of DAG files that Airflow could not parse."""
        return [str(error["stack_trace"]) for error in self.ask("importErrors")["import_errors"]]

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG. A DAG with a schedule then starts its first run."""
        self.ask(f"dags/{dag_id}", {"is_paused": False}, "PATCH")

    def add_connection(self, connection_id: str, fields: dict[str, Any]) -> None:
        """
        Define a connection.

        :param fields: the other fields, as Airflow's REST API names them; ``extra`` is JSON.
        """
        self.ask("connections", {"connection_id": connection_id, **fields})

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any], logical_date: str | None = None) -> None:
        """Trigger a run. A second request for the same run does nothing."""
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": conf}
        try:
            self.ask(f"dags/{dag_id}/dagRuns", body)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """Return all runs of a DAG, or of all DAGs."""
        return list(self._pages(f"dags/{dag_id}/dagRuns", "dag_runs"))

    def task_instances(self, dag_id: str = "~", run_id: str = "~") -> list[dict[str, Any]]:
        """Return all task instances of a run, or of all runs."""
        return list(self._pages(f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances", "task_instances"))

    def result(self, task: dict[str, Any]) -> Any:
        """
        Return the XCom ``return_value`` of a task instance; None if there is none.

        :param task: as in :meth:`task_instances`.
        """
        path = f"dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}/taskInstances/{task['task_id']}"
        try:
            entry = self.ask(f"{path}/xcomEntries/return_value?map_index={task['map_index']}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return entry["value"]

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """
        Send any request, and return its answer.

        :param path: path after ``/api/v2/``.
        :param body: JSON of a POST; without one, the request is a GET.
        :param method: another method.
        """
        last: OSError | None = None
        for number in range(self._attempts):
            if number:
                time.sleep(min(5.0, 0.25 * 2**number))
            try:
                return call(f"{self.url}/api/v2/{path}", body, method, **self._headers)
            except OSError as error:
                is_final = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
                if is_final or self._attempts == 1:
                    raise
                last = error
        raise ToolError(f"Airflow's API server did not answer {self._attempts} requests for {path}: {last}")

    def _pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.ask(f"{path}?limit={PAGE_SIZE}&offset={offset}&order_by=id")
            yield from page[name]
            offset += PAGE_SIZE
            if offset >= page["total_entries"]:
                return
