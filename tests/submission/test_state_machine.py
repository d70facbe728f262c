"""Random lives of one task: submits, lost answers, deaths, retries, clears. Never twice, never silently lost."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eci_provider.api import EciClient, errors
from eci_provider.api.batches import Batches
from eci_provider.api.bill_imports import BillImports
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, Tries
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import bill_file

IMPORT = "/api/v3/import/bill"
MARKER = re.compile("af:[0-9a-f]{16}")
RUN = SimpleNamespace(run_after=datetime(2026, 1, 5, 8, tzinfo=timezone.utc))

LOST = st.sampled_from(
    [
        {"drop": "before"},
        {"drop": "after"},
        {"drop": "late", "commit_after": 3.0},
        {"drop": "late", "commit_after": 14.0},
        {"status": 502, "commit": True},
        {"status": 503},
        {"garbage": True},
    ]
)


class Death(BaseException):
    """The process is killed."""


class OneTask(RuleBasedStateMachine):
    """Run one importing task through whatever may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.sandbox = Sandbox(clock="virtual").start()
        self.clock = TurnedClock(self.sandbox)
        for name in ("utc_now", "sleep", "sleep_async"):
            self.patch.setattr(f"eci_provider.core.clock.{name}", getattr(self.clock, name))
        connect(self.patch, self.sandbox.url, self.sandbox.api_key)
        self.sandbox.add_account("A-1")
        self.path = bill_file(Path(self.folder.name), "A-1")
        self.generations = 1
        #: Whether there may be fewer imports than generations.
        self.may_be_fewer = False
        self.reattached = True
        self.last: Finished | None = None

    @initialize(
        deferrable=st.booleans(),
        has_state=st.booleans(),
        echo=st.booleans(),
        mode=st.sampled_from([None, "new batch", "new self-contained batch"]),
    )
    def begin(self, deferrable: bool, has_state: bool, echo: bool, mode: str | None) -> None:
        """Choose the kind of task, of Airflow and of server."""
        self.sandbox.settings.delay = 60
        self.sandbox.settings.echo_notes = echo
        self.has_state, self.echo = has_state, echo
        arguments: dict[str, Any] = {
            "file": str(self.path),
            "deferrable": deferrable,
            "batch_settings": {"batch_mode": mode, "leave_existing_batches_open": True} if mode else None,
        }
        self.arguments = arguments
        self.tries = Tries(
            lambda: ImportBillsOperator(task_id="import_bills", **self.arguments), has_state=has_state, retries=99
        )

    @rule(fault=LOST)
    def lose_the_next_answer(self, fault: dict[str, Any]) -> None:
        """Let the next import's answer be lost."""
        self.sandbox.fault("POST", IMPORT, **fault)

    @rule(times=st.sampled_from([1, 5]))
    def trouble_the_next_search(self, times: int) -> None:
        """Let the next search stumble, or fail."""
        self.sandbox.fault("GET", "/api/v3/task", status=503, times=times)

    @rule()
    def fail_the_next_import(self) -> None:
        """Let the next import end as failed with nothing imported."""
        self.sandbox.fail_next_import()

    @rule()
    def import_something_else(self) -> None:
        """Let somebody else import with the same key."""
        with EciClient(self.sandbox.url, self.sandbox.api_key) as client, suppress(errors.EciUnknownOutcomeError):
            client.bill_imports.submit(self.path, import_note="by hand")

    @rule(seconds=st.sampled_from([1, 20, 3600]))
    def let_time_pass(self, seconds: int) -> None:
        """Turn the clocks."""
        self.clock.sleep(seconds)

    @precondition(lambda self: self.last is None or self.last.state != "success")
    @rule(
        point=st.sampled_from(["never", "before the request", "after the answer", "while waiting", "at the end"])
    )
    def run_a_try(self, point: str) -> None:
        """Run the task's next try, and perhaps let it die."""
        self.reattached = self.arguments.get("reattach", True)
        with pytest.MonkeyPatch.context() as patch:
            _arm(self, patch, point)
            try:
                self.last = self.tries.run(dag_run=RUN)
            except (Death, asyncio.CancelledError):  # the latter where it died in a triggerer
                self.last = None

    @precondition(lambda self: self.last is None or self.last.state != "success")
    @rule(point=st.sampled_from(["never", "after the answer", "while waiting"]))
    def import_again_for_one_try(self, point: str) -> None:
        """Run a try with ``reattach=False``, which is taken back afterwards."""
        self.arguments["reattach"] = False
        # What is sent first is the first, whatever the argument says.
        self.generations += any(
            MARKER.match(request.body["importNote"]) for request in self.sandbox.requests if request.path == IMPORT
        )
        self.may_be_fewer = True
        self.run_a_try(point)
        self.arguments["reattach"] = True

    @precondition(lambda self: self.tries.try_number > 0)
    @rule()
    def clear(self) -> None:
        """Clear the task; only a success begins another generation, and only where there is a task state."""
        if self.last is not None and self.last.state == "success" and self.has_state:
            self.generations += 1
        self.tries.clear()
        self.last = None

    @precondition(lambda self: self.tries.try_number > 0)
    @rule()
    def clear_and_discard_the_state(self) -> None:
        """Clear the task and discard its state: that is no reason to import again."""
        self.tries.discard_state()
        self.tries.clear()
        self.may_be_fewer = True
        self.last = None

    @invariant()
    def at_most_one_import_for_each_marker(self) -> None:
        """Let no generation be imported twice."""
        alive = [task for task in self._ours() if task["outcome"] != "failed"]
        markers = [MARKER.search(task["note"]).group() for task in alive]
        assert len(markers) == len(set(markers))
        assert len(alive) <= self.generations

    @invariant()
    def no_silent_loss(self) -> None:
        """Let a success stand for an import that is there, and every failure say what it is about."""
        if self.last is None:
            return
        if self.last.state == "success":
            task = next(task for task in self._ours() if task["task_guid"] == self.last.result["task_guid"])
            assert task["outcome"] == "completed"
            completed = len([task for task in self._ours() if task["outcome"] == "completed"])
            # What is sent again can be lost, or come before anything was sent at all. A clear that discards the
            # state takes the latest import, also if another one was wanted by then.
            assert completed <= self.generations if self.may_be_fewer else completed == self.generations
            return
        assert isinstance(self.last.error, errors.EciError), self.last.error
        if isinstance(self.last.error, errors.EciUnknownOutcomeError) and self.last.is_final:
            # A server that shows notes leaves doubt until it has shown one of ours, or if no retry may search.
            assert not (self.echo and self._ours()) or not self.reattached
            assert "adopt_task_guid" in str(self.last.error)

    def _ours(self) -> list[dict[str, Any]]:
        return [task for task in self.sandbox.tasks() if MARKER.match(task["note"] or "")]

    def teardown(self) -> None:
        """Stop the sandbox and put everything back."""
        self.sandbox.stop()
        self.patch.undo()
        self.folder.cleanup()


def _arm(machine: OneTask, patch: pytest.MonkeyPatch, point: str) -> None:
    """Let the process die at a point."""
    send = BillImports.send

    def before(*_: Any, **__: Any) -> str:
        raise Death

    def after(*arguments: Any, **named: Any) -> str:
        send(*arguments, **named)
        raise Death

    if point == "before the request":
        patch.setattr(BillImports, "send", before)
    elif point == "after the answer":
        patch.setattr(BillImports, "send", after)
    elif point == "while waiting":
        patch.setattr(machine.clock, "fatal", Death())
    elif point == "at the end":
        # The batch is read when the import has ended.
        patch.setattr(Batches, "get", before)


TestOneTask = OneTask.TestCase
TestOneTask.settings = settings(
    max_examples=40,
    phases=[Phase.generate],
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
