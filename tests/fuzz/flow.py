"""One flow, open → import → wait → retry → report → close, and what must hold whatever answers were damaged."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from eci_provider.api.errors import EciError
from eci_provider.operators import (
    ImportBillsOperator,
    KickoutReportOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.fuzz.proxy import MutatingProxy, Plan
from tests.support.run_task import Finished, Tries
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import ADVANCED

#: How many retries each task has.
RETRIES = 2


@dataclass(frozen=True)
class Setting:
    """
    What a flow varies beside the damage.

    :param deferrable: whether waits are in the triggerer.
    :param shows_notes: whether the sandbox shows import notes.
    :param has_state: whether Airflow has a task state.
    :param reattach: the operators' argument.
    :param separate_wait: whether a sensor waits for the import, instead of its own task.
    """

    deferrable: bool = False
    shows_notes: bool = True
    has_state: bool = True
    reattach: bool = True
    separate_wait: bool = False


@dataclass(frozen=True)
class Played:
    """
    A flow that was played, in which everything holds.

    :param ends: how its tasks ended, try by try.
    :param verdict: how it ended: ``closed``, or which task ended how.
    """

    ends: list[Finished]
    verdict: str


class ViolationError(AssertionError):
    """A flow in which something does not hold."""


class Stage:
    """A sandbox behind a mutating proxy, for many flows."""

    def __init__(self, sandbox: Sandbox, proxy: MutatingProxy, clock: TurnedClock, folder: Path) -> None:
        self.sandbox, self.proxy, self.clock, self.folder = sandbox, proxy, clock, folder
        self._numbers = itertools.count()

    def play(self, plan: Plan, setting: Setting) -> Played:
        """
        Run a flow.

        :param plan: which answers are damaged, and how.
        :param setting: what else varies.
        :return: how it ended.
        :raises ViolationError: if something does not hold.
        """
        self.sandbox.reset()
        self.sandbox.settings.echo_notes = setting.shows_notes
        self.sandbox.settings.delay = 20
        self.sandbox.add_account("A-1")
        self.proxy.follow(plan)
        return _Flow(self, setting, next(self._numbers)).play()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Set a stage; time is turned, and ``eci_default`` leads through the proxy."""
    with Sandbox(clock="virtual") as sandbox, pytest.MonkeyPatch.context() as patch:
        clock = TurnedClock(sandbox)
        for name in ("utc_now", "sleep", "sleep_async"):
            patch.setattr(f"eci_provider.core.clock.{name}", getattr(clock, name))
        with MutatingProxy(sandbox.url).serving() as proxy:
            connect(patch, proxy.url, sandbox.api_key, timeout=20)
            yield Stage(sandbox, proxy, clock, folder)


class _Flow:
    def __init__(self, stage: Stage, setting: Setting, number: int) -> None:
        self._stage, self._setting, self._ends = stage, setting, list[Finished]()
        self._verdict = "closed"
        self._code = f"fuzz-{number}"
        self._file = stage.folder / f"{self._code}.csv"
        rows = (f"{account},20260101,20260131,C,,100.00\n" for account in ("A-1", "A-2"))
        self._file.write_text(ADVANCED + "".join(rows))

    def play(self) -> Played:
        """Run the tasks one after the other, and check what each claims."""
        opened = self._run(lambda: OpenBatchOperator(task_id="open", batch_code=self._code))
        if opened.state != "success":
            return self._judged()
        self._check_opened(opened.result)
        batch = {"batch_mode": "use existing batch", "existing_open_batch_id": opened.result["batch_id"]}
        common: dict[str, Any] = {
            "batch_settings": batch,
            "deferrable": self._setting.deferrable,
            "reattach": self._setting.reattach,
            "on_kickouts": "warn",
        }
        imported = (self._sent if self._setting.separate_wait else self._imported)(common)
        if imported.state != "success":
            return self._judged()
        self._check_imported(imported.result)
        if imported.result["outcome"] == "completed_with_kickouts":
            self._retry(imported.result["task_guid"], common)
        closed = self._run(
            lambda: UpdateBatchStatusOperator(
                task_id="close", batch_id=opened.result["batch_id"], batch_status="Closed"
            )
        )
        if closed.state == "success":
            self._hold(self._batch()["batch_status"].lower() == "closed", "closed, says the task")
        return self._judged()

    def _imported(self, arguments: dict[str, Any]) -> Finished:
        path = self._report("import")
        imported = self._run(
            lambda: ImportBillsOperator(
                task_id="import", file=str(self._file), kickout_report=str(path), **arguments
            )
        )
        if imported.state == "success" and imported.result["outcome"] == "completed_with_kickouts":
            self._hold(path.is_file(), "the import's report is there")
        return imported

    def _sent(self, arguments: dict[str, Any]) -> Finished:
        """Send the file in one task, and wait for its import in a sensor."""
        sent = self._run(
            lambda: ImportBillsOperator(
                task_id="import", file=str(self._file), wait_for_completion=False, **arguments
            )
        )
        if sent.state != "success":
            return sent
        waits = {name: arguments[name] for name in ("deferrable", "on_kickouts")}
        return self._run(lambda: EciTaskSensor(task_id="wait", task_guid=sent.result["task_guid"], **waits))

    def _retry(self, guid: str, arguments: dict[str, Any]) -> None:
        path = self._report("again")
        reported = self._run(lambda: KickoutReportOperator(task_id="report", task_guid=guid, path=str(path)))
        if reported.state == "success":
            self._hold(path.is_file(), "the report is there")
        self._stage.sandbox.add_account("A-2")
        retried = self._run(lambda: RetryKickoutsOperator(task_id="retry", task_guid=guid, **arguments))
        if retried.state == "success":
            self._check_imported(retried.result)

    def _report(self, name: str) -> Path:
        return self._stage.folder / f"{self._code}-{name}.csv"

    def _run(self, make: Callable[[], BaseOperator]) -> Finished:
        tries = Tries(make, has_state=self._setting.has_state, retries=RETRIES)
        for _ in range(RETRIES + 1):
            end = tries.run()
            self._ends.append(end)
            self._check_error(end)
            if end.state != "failed" or end.is_final:
                break
        if end.state != "success":
            self._verdict = f"{tries.make().task_id} {end.state}: {type(end.error).__name__}"
        return end

    def _check_error(self, end: Finished) -> None:
        """Nothing but our errors leaves, at any try."""
        if end.error is not None:
            ours = isinstance(end.error, (EciError, AirflowSkipException))
            self._hold(ours, f"{type(end.error).__name__} left: {end.error!s:.300}")

    def _check_opened(self, batch: dict[str, Any]) -> None:
        stored = self._batch()
        self._hold(batch["batch_id"] == stored["batch_id"], f"opened batch {batch['batch_id']}")

    def _check_imported(self, result: dict[str, Any]) -> None:
        """What a task that succeeded says of its import is what the sandbox has."""
        found = [task for task in self._stage.sandbox.tasks() if task["task_guid"] == result["task_guid"]]
        self._hold(len(found) == 1, f"import {result['task_guid']} is in EnergyCAP")
        (task,) = found
        self._hold(task["end_date"] is not None, "its import has ended")
        self._hold(task["outcome"] != "failed", "its import did not fail")
        self._hold(result["imported"] in (None, task["imported"]), f"imported {result['imported']} bills")
        outcome = {"completed": "completed", "kickouts": "completed_with_kickouts"}[task["outcome"]]
        self._hold(result["outcome"] == outcome, f"outcome {result['outcome']}")

    def _batch(self) -> dict[str, Any]:
        found = [batch for batch in self._stage.sandbox.batches() if batch["batch_code"] == self._code]
        self._hold(len(found) == 1, f"{len(found)} batches {self._code} in EnergyCAP")
        return dict(found[0])

    def _judged(self) -> Played:
        """No bill is there twice, whatever the tasks ended with."""
        self._stage.clock.sleep(3600)
        bills = [bill["account"] for bill in self._stage.sandbox.bills()]
        self._hold(len(bills) == len(set(bills)), f"bills in EnergyCAP: {bills}")
        codes = [batch["batch_code"] for batch in self._stage.sandbox.batches()]
        self._hold(codes in ([], [self._code]), f"batches in EnergyCAP: {codes}")
        return Played(self._ends, self._verdict)

    def _hold(self, condition: bool, claim: str) -> None:
        if not condition:
            ends = "\n".join(f"  {end.state}: {end.error!s:.200}" for end in self._ends)
            applied = "\n".join(f"  {one}" for one in self._stage.proxy.applied)
            raise ViolationError(f"{claim}\ntries:\n{ends}\ndamaged answers:\n{applied}\n{self._setting}")
