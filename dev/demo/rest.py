"""As much of Airflow's REST API as the demo needs."""

from __future__ import annotations

from typing import Any

from dev.demo.analyst import call

PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class Airflow:
    """
    Speak with an Airflow on this machine. All calls raise :class:`OSError` when no answer, or an error, comes.

    :param url: its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._headers: dict[str, str] = {}

    def healthy(self) -> bool:
        """Tell whether all its parts say that they work."""
        health = call(f"{self.url}/api/v2/monitor/health")
        return all(health[part]["status"] == "healthy" for part in PARTS)

    def log_in(self, user: str, password: str) -> None:
        """Get a token for the calls that need one."""
        answer = call(f"{self.url}/auth/token", {"username": user, "password": password})
        self._headers = {"Authorization": f"Bearer {answer['access_token']}"}

    def unpause(self, dag: str) -> None:
        """Let a DAG run; its schedule begins a first run at once."""
        self.ask(f"dags/{dag}", {"is_paused": False}, "PATCH")

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """
        Ask anything.

        :param path: what follows ``/api/v2/``.
        :param body: JSON to send; GET without one.
        :param method: another method than POST with a body.
        """
        return call(f"{self.url}/api/v2/{path}", body, method, **self._headers)
