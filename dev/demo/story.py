"""What happens in the sandbox, told a line a step."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from dev.demo.screen import Screen
from eci_provider.sandbox import Sandbox


def is_retry(task: dict[str, Any]) -> bool:
    """Tell whether an import is one of kickouts."""
    return str(task["file_name"]).startswith("Kickouts_")


def plural(count: int, thing: str) -> str:
    """Return such as "1 bill" or "2 bills"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def reasons(sandbox: Sandbox, task_guid: str) -> list[tuple[str, int]]:
    """Return why rows of an import were kicked out, each with how many, the most frequent first."""
    return Counter(row["message"] for row in sandbox.kickouts(task_guid)).most_common()


class Story:
    """
    Tell what became visible since the last look.

    :param sandbox: what is watched.
    :param screen: where it is told.
    """

    def __init__(self, sandbox: Sandbox, screen: Screen) -> None:
        self._sandbox = sandbox
        self._screen = screen
        self._profiles = 0
        self._batches: dict[int, str] = {}
        self._sent: dict[str, float] = {}
        self._ended: set[str] = set()

    def look(self, idle: str) -> dict[str, Any] | None:
        """
        Look once.

        :param idle: what to show on a terminal while nothing happens in the sandbox.
        :return: an import that has just ended with kickouts.
        """
        profiles = self._sandbox.profiles()
        for profile in profiles[self._profiles :]:
            self._screen.step(f'import profile "{profile["profile_code"]}" created')
        self._profiles = len(profiles)
        # Tasks before batches: the last import's end is told before the batch's.
        tasks, batches = self._sandbox.tasks(), self._sandbox.batches()
        new = [batch for batch in batches if batch["batch_id"] not in self._batches]
        for batch in new:
            self._screen.step(f'batch "{batch["batch_code"]}" opened')
            self._batches[batch["batch_id"]] = "Open"
        kicked_out = None
        for task in tasks:
            self._tell_sent(task)
            if task["outcome"] and task["task_guid"] not in self._ended:
                self._tell_end(task)
                kicked_out = task if task["outcome"] == "kickouts" else kicked_out
        for batch in batches:
            self._tell_status(batch)
        running = [task for task in tasks if not task["outcome"]]
        self._screen.busy(f"the import runs, {self._running(running[-1]):.0f} s" if running else idle)
        return kicked_out

    def _tell_sent(self, task: dict[str, Any]) -> None:
        if task["task_guid"] in self._sent:
            return
        self._sent[task["task_guid"]] = time.monotonic()
        what = "kickouts sent again" if is_retry(task) else f"{task['file_name']} sent"
        self._screen.step(f"{what}, the import runs")

    def _running(self, task: dict[str, Any]) -> float:
        return time.monotonic() - self._sent[task["task_guid"]]

    def _tell_end(self, task: dict[str, Any]) -> None:
        self._ended.add(task["task_guid"])
        result = f"{plural(task['imported'], 'bill')} imported, {plural(task['kickouts'], 'row')} kicked out"
        told = task["message"] if task["outcome"] == "failed" else result
        self._screen.step(f"{task['status']} after {self._running(task):.0f} s: {told}")
        for message, rows in reasons(self._sandbox, task["task_guid"]):
            self._screen.detail(f"{plural(rows, 'row')}: {message}")

    def _tell_status(self, batch: dict[str, Any]) -> None:
        if batch["batch_status"] == self._batches[batch["batch_id"]]:
            return
        self._batches[batch["batch_id"]] = batch["batch_status"]
        shown = f"{plural(batch['bill_count'], 'bill')}, ${batch['running_total']:,.2f}"
        self._screen.step(f"batch {batch['batch_status'].lower()}: {shown}")
