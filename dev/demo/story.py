"""The story on the screen: one line for each event in the sandbox."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from dev.support.screen import Screen
from eci_provider.sandbox import Sandbox


def is_retry(task: dict[str, Any]) -> bool:
    """Return whether an import is a retry of kickouts."""
    return str(task["file_name"]).startswith("Kickouts_")


def plural(count: int, noun: str) -> str:
    """Return such as "1 bill" or "2 bills"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def reasons(sandbox: Sandbox, task_guid: str) -> list[tuple[str, int]]:
    """Return the messages of an import's kickouts and their number of rows, the most frequent first."""
    return Counter(row["message"] for row in sandbox.kickouts(task_guid)).most_common()


class Story:
    """
    Prints what has happened in a sandbox since the last update.

    :param sandbox: the sandbox.
    :param screen: where to print.
    """

    def __init__(self, sandbox: Sandbox, screen: Screen) -> None:
        self._sandbox = sandbox
        self._screen = screen
        self._profiles = 0
        self._batches: dict[int, str] = {}
        self._submitted: dict[str, float] = {}
        self._ended: set[str] = set()

    def update(self, idle: str) -> dict[str, Any] | None:
        """
        Print what is new.

        :param idle: activity to show on a terminal while no import runs.
        :return: an import that ended with kickouts since the last update; None if there is none.
        """
        profiles = self._sandbox.profiles()
        for profile in profiles[self._profiles :]:
            self._screen.step(f'import profile "{profile["profile_code"]}" created')
        self._profiles = len(profiles)
        # Tasks are read before batches, so that an import's end is printed before the end of its batch.
        tasks, batches = self._sandbox.tasks(), self._sandbox.batches()
        for batch in batches:
            if batch["batch_id"] not in self._batches:
                self._screen.step(f'batch "{batch["batch_code"]}" opened')
                self._batches[batch["batch_id"]] = "Open"
        kicked_out = None
        for task in tasks:
            self._print_submission(task)
            if task["outcome"] and task["task_guid"] not in self._ended:
                self._print_end(task)
                kicked_out = task if task["outcome"] == "kickouts" else kicked_out
        for batch in batches:
            self._print_status(batch)
        running = [task for task in tasks if not task["outcome"]]
        self._screen.activity(f"the import runs, {self._seconds(running[-1]):.0f} s" if running else idle)
        return kicked_out

    def _print_submission(self, task: dict[str, Any]) -> None:
        if task["task_guid"] in self._submitted:
            return
        self._submitted[task["task_guid"]] = time.monotonic()
        file = "kickouts sent again" if is_retry(task) else f"{task['file_name']} sent"
        self._screen.step(f"{file}, the import runs")

    def _seconds(self, task: dict[str, Any]) -> float:
        return time.monotonic() - self._submitted[task["task_guid"]]

    def _print_end(self, task: dict[str, Any]) -> None:
        self._ended.add(task["task_guid"])
        counts = f"{plural(task['imported'], 'bill')} imported, {plural(task['kickouts'], 'row')} kicked out"
        text = task["message"] if task["outcome"] == "failed" else counts
        self._screen.step(f"{task['status']} after {self._seconds(task):.0f} s: {text}")
        for message, rows in reasons(self._sandbox, task["task_guid"]):
            self._screen.detail(f"{plural(rows, 'row')}: {message}")

    def _print_status(self, batch: dict[str, Any]) -> None:
        if batch["batch_status"] == self._batches[batch["batch_id"]]:
            return
        self._batches[batch["batch_id"]] = batch["batch_status"]
        content = f"{plural(batch['bill_count'], 'bill')}, ${batch['running_total']:,.2f}"
        self._screen.step(f"batch {batch['batch_status'].lower()}: {content}")
