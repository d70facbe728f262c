"""
Record what the package leaves in Airflow's database: task states, XComs, trigger rows, events, serialized DAGs.

``python -m tests.recorded.record FOLDER`` writes the files that README.md in this folder describes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import TaskDeferred

from eci_provider import __version__, operators, sensors
from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.recorded.dag import serialized
from tests.support.run_task import (
    TaskInstanceDouble,
    TaskStateDouble,
    as_stored,
    first_event,
    through_serialization,
)
from tests.support.turned_clock import TurnedClock, connect

HEADER = "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
NEW_BATCH = {"batch_mode": "new batch", "leave_existing_batches_open": True}
CLOCK = "eci_provider.core.clock"


class Death(BaseException):
    """The process is killed."""


def made(kind: str, arguments: Mapping[str, Any]) -> Any:
    """
    Return a task.

    :param kind: the operator's or sensor's class name.
    :param arguments: its arguments as JSON, with spans in seconds.
    """
    arguments = dict(arguments)
    if "execution_timeout" in arguments:
        arguments["execution_timeout"] = timedelta(seconds=arguments["execution_timeout"])
    return getattr(operators if hasattr(operators, kind) else sensors, kind)(task_id="recorded", **arguments)


class Guids:
    """Stand in for what the sandbox takes GUIDs from: imports have the same ones in a recording and a replay."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def uuid4(self) -> UUID:
        return UUID(f"00000000-0000-4000-8000-{next(self._numbers):012}")


class Life:
    """
    One task from its first try to the point where another process takes over.

    :param kind: the operator's or sensor's class name.
    :param arguments: its arguments.
    """

    def __init__(self, kind: str, **arguments: Any) -> None:
        self.kind, self.arguments = kind, arguments
        self.state = TaskStateDouble()
        self.xcoms: dict[str, Any] = {}
        self.try_number, self.max_tries = 1, 3
        self.steps: list[dict[str, Any]] = []
        self.deferral: dict[str, Any] | None = None
        self.event: dict[str, Any] | None = None
        self.patch = pytest.MonkeyPatch()

    @contextmanager
    def lived(self) -> Iterator[Life]:
        """Live it with a sandbox and a clock of its own."""
        with Sandbox(clock="virtual") as self.sandbox:
            self.sandbox.settings.delay = 60
            self.clock = TurnedClock(self.sandbox)
            for name in ("utc_now", "sleep", "sleep_async"):
                self.patch.setattr(f"{CLOCK}.{name}", getattr(self.clock, name))
            self.patch.setattr("eci_provider.sandbox.tasks.uuid", Guids())
            connect(self.patch, self.sandbox.url, self.sandbox.api_key)
            try:
                yield self
                self._note_requests()
            finally:
                self.patch.undo()

    def file(self, *accounts: str) -> None:
        """Write the bill file, of one bill for each account."""
        text = HEADER + "".join(f"{account},20260101,20260131,C,,100.00\n" for account in accounts)
        Path("bills.csv").write_text(text)
        self.steps.append({"file": text})

    def know(self, *accounts: str) -> None:
        """Add accounts to EnergyCAP."""
        self._note_requests()
        self.sandbox.tasks()  # what is due by now has happened without them
        for account in accounts:
            self.sandbox.add_account(account)
            self.steps.append({"at": self.clock.moment.isoformat(), "account": account})

    def fail_next_import(self) -> None:
        """Let the next import end as failed, with nothing imported."""
        self._note_requests()
        self.sandbox.fail_next_import()
        self.steps.append({"fail_next_import": True})

    def delete_task(self) -> None:
        """Let the import vanish."""
        self._note_requests()
        self.sandbox.delete_task(self.xcoms["task_guid"])
        self.steps.append({"delete_task": self.xcoms["task_guid"]})

    def run(self, **changed: Any) -> BaseException | None:
        """Run the task until it ends, dies or defers; return what ended it."""
        task = made(self.kind, {**self.arguments, **changed})
        return self._call(task, lambda context: task.execute(context))

    def fire(self) -> None:
        """Let the trigger of the deferral fire, from what was stored."""
        assert self.deferral
        self.event = as_stored(asyncio.run(first_event(*self.deferral["trigger"])))

    def wake(self) -> BaseException | None:
        """Let the event wake the task, in another process."""
        assert self.deferral
        assert self.event
        task = made(self.kind, self.arguments)
        method, kwargs, self.deferral = self.deferral["method"], self.deferral["kwargs"], None
        kwargs, self.event = {**kwargs, "event": through_serialization(self.event)}, None
        return self._call(task, lambda context: task.resume_execution(method, kwargs, context))

    def _call(self, task: Any, method: Callable[[dict[str, Any]], Any]) -> BaseException | None:
        instance = TaskInstanceDouble(task, self.xcoms, try_number=self.try_number, max_tries=self.max_tries)
        instance.start_date = self.clock.moment  # type: ignore[attr-defined]
        context: dict[str, Any] = {"ti": instance, "task": task, "run_id": "run", "params": {}}
        context["task_state_store"] = self.state
        try:
            task.render_template_fields(context)
            result = method(context)
        except TaskDeferred as pause:
            path, arguments = pause.trigger.serialize()
            self.deferral = {
                "trigger": [path, as_stored(arguments)],
                "method": pause.method_name,
                "kwargs": as_stored(pause.kwargs or {}),
            }
            return pause
        except (Death, Exception) as error:
            return error
        if result is not None:
            instance.xcom_push("return_value", result)
        for callback in task.on_success_callback or ():
            callback(context)
        return None

    def next_try(self) -> None:
        """Let Airflow retry."""
        self.try_number += 1

    def die(self, when: Callable[[str, dict[str, Any]], bool], *, before: bool = False) -> None:
        """Let the process die when a record is written, before or after that."""
        write = self.state.set

        def dying(key: str, value: Any, **named: Any) -> None:
            if before and when(key, value):
                raise Death
            write(key, value, **named)
            if when(key, value):
                raise Death

        self.patch.setattr(self.state, "set", dying)

    def live_on(self) -> None:
        """Stop killing the process."""
        self.patch.setattr(self.state, "set", TaskStateDouble.set.__get__(self.state))
        self.patch.setattr(f"{CLOCK}.sleep", self.clock.sleep)

    def die_waiting(self, *, pauses: int = 0) -> None:
        """Kill the process in the pause after so many others."""
        left = iter(range(pauses))

        def dying(seconds: float) -> None:
            if next(left, None) is None:
                raise Death
            self.clock.sleep(seconds)

        self.patch.setattr(f"{CLOCK}.sleep", dying)

    def _note_requests(self) -> None:
        """Note the requests since the last step that have changed something in EnergyCAP."""
        for request in self.sandbox.requests:
            if request.method != "GET":
                self.steps.append(
                    {"at": request.at, "method": request.method, "path": request.path, "body": request.body}
                )
        self.sandbox.clear_requests()

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is recorded."""
        return {
            "kind": self.kind,
            "arguments": as_stored(self.arguments),
            "steps": as_stored(self.steps),
            "now": self.clock.moment.isoformat(),
            "try_number": self.try_number,
            "max_tries": self.max_tries,
            "task_state": self.state.records,
            "xcoms": self.xcoms,
            "deferral": self.deferral,
            "event": self.event,
        }


def _intent(key: str, record: dict[str, Any]) -> bool:
    return "since" in record and "task_guid" not in record


def _guid(key: str, record: dict[str, Any]) -> bool:
    return "task_guid" in record


@contextmanager
def _import(*accounts: str, unknown: Sequence[str] = (), **arguments: Any) -> Iterator[Life]:
    """Live a task that imports a bill for each account, known ones and unknown ones."""
    with Life("ImportBillsOperator", file="bills.csv", poll_interval=10, **arguments).lived() as life:
        life.file(*accounts, *unknown)
        life.know(*accounts)
        yield life


def _deferred(*accounts: str, fired: bool = False, unknown: Sequence[str] = (), **arguments: Any) -> Life:
    """Return a task that has deferred, and whose trigger has fired if asked for."""
    with _import(*accounts, unknown=unknown, deferrable=True, **arguments) as life:
        assert isinstance(life.run(), TaskDeferred)
        if fired:
            life.fire()
    return life


def intent_recorded_nothing_sent() -> Life:
    with _import("A-1", batch_settings=NEW_BATCH) as life:
        life.die(_intent)
        assert isinstance(life.run(), Death)
    return life


def intent_recorded_import_runs() -> Life:
    with _import("A-1", batch_settings=NEW_BATCH, import_note="January") as life:
        life.die(_guid, before=True)
        assert isinstance(life.run(), Death)
    return life


def guid_recorded_worker_died() -> Life:
    with _import("A-1") as life:
        life.die_waiting()
        assert isinstance(life.run(), Death)
    return life


def second_attempt_after_a_failure() -> Life:
    with _import("A-1") as life:
        life.fail_next_import()
        assert life.run() is not None
        life.next_try()
        life.die_waiting(pauses=1)  # it reads the failed import again after a pause
        assert isinstance(life.run(), Death)
    return life


def succeeded() -> Life:
    with _import("A-1") as life:
        assert life.run() is None
    return life


def succeeded_twice() -> Life:
    with _import("A-1") as life:
        assert life.run() is None
        life.next_try()
        life.max_tries = 4
        assert life.run() is None
    return life


def kicked_out() -> Life:
    with _import("A-1", unknown=["A-2"]) as life:
        assert life.run() is not None
    return life


def sent_with_reattach_false() -> Life:
    with _import("A-1") as life:
        life.die_waiting()
        assert isinstance(life.run(reattach=False), Death)
    return life


def retry_of_kickouts(*, fired: bool = False) -> Life:
    """The second of three rounds is deferred."""
    with Life("RetryKickoutsOperator", task_guid="", max_rounds=3, deferrable=True).lived() as life:
        life.file("A-1", "A-2", "A-3")
        with EciClient(life.sandbox.url, life.sandbox.api_key) as client:
            life.arguments["task_guid"] = client.bill_imports.submit(Path("bills.csv"))
        life.clock.sleep(60)
        life.know("A-1")
        assert isinstance(life.run(), TaskDeferred)
        life.fire()
        life.know("A-2")
        assert isinstance(life.wake(), TaskDeferred)
        if fired:
            life.fire()
    return life


def rounds_have_ended() -> Life:
    """The first round brought nothing in, so it was the last."""
    with Life("RetryKickoutsOperator", task_guid="", max_rounds=3, poll_interval=10).lived() as life:
        life.file("A-1")
        with EciClient(life.sandbox.url, life.sandbox.api_key) as client:
            life.arguments["task_guid"] = client.bill_imports.submit(Path("bills.csv"))
        life.clock.sleep(60)
        assert life.run() is not None
    return life


def batch_code_recorded_nothing_sent() -> Life:
    with Life("OpenBatchOperator", batch_code="January").lived() as life:
        life.die(_intent)
        assert isinstance(life.run(), Death)
    return life


def batch_is_open() -> Life:
    with Life("OpenBatchOperator", batch_code="January").lived() as life:
        life.patch.setattr(TaskInstanceDouble, "xcom_push", _die)
        assert isinstance(life.run(), Death)
    return life


def sensor_of_an_import(*, fired: bool = False) -> Life:
    with Life("EciTaskSensor", task_guid="", deferrable=True, poke_interval=10, timeout=3600).lived() as life:
        life.file("A-1")
        life.know("A-1")
        with EciClient(life.sandbox.url, life.sandbox.api_key) as client:
            life.arguments["task_guid"] = client.bill_imports.submit(Path("bills.csv"))
        assert isinstance(life.run(), TaskDeferred)
        if fired:
            life.fire()
    return life


def sensor_of_a_batch(*, fired: bool = False, **arguments: Any) -> Life:
    with Life("EciBatchSensor", batch_id=0, deferrable=True, poke_interval=10, **arguments).lived() as life:
        with EciClient(life.sandbox.url, life.sandbox.api_key) as client:
            life.arguments["batch_id"] = client.batches.open("January").batch_id
            if fired:
                client.batches.update_status(life.arguments["batch_id"], "Closed")
        # Later versions poll once before they defer, and would find the wait over.
        life.sandbox.fault("GET", "/api/v3/batch/*", status=503)
        assert isinstance(life.run(), TaskDeferred)
        if fired:
            life.fire()
    return life


def vanished() -> Life:
    """The import is not there any more, and the event says so."""
    with _import("A-1", deferrable=True) as life:
        assert isinstance(life.run(), TaskDeferred)
        life.delete_task()
        life.fire()
    return life


def _die(*_: Any, **__: Any) -> None:
    raise Death


LIVES: dict[str, Callable[[], Life]] = {
    # task states
    "intent recorded, nothing sent": intent_recorded_nothing_sent,
    "intent recorded, import runs": intent_recorded_import_runs,
    "GUID recorded, worker died": guid_recorded_worker_died,
    "second attempt after a failure": second_attempt_after_a_failure,
    "succeeded": succeeded,
    "succeeded twice": succeeded_twice,
    "kicked out": kicked_out,
    "sent with reattach=False": sent_with_reattach_false,
    "rounds have ended": rounds_have_ended,
    "batch code recorded, nothing sent": batch_code_recorded_nothing_sent,
    "batch is open": batch_is_open,
    # trigger rows
    "deferred": lambda: _deferred("A-1", "A-2"),
    "deferred with everything set": lambda: _deferred(
        "A-1",
        batch_settings=NEW_BATCH,
        wait_for_analysis=True,
        timeout=1800,
        execution_timeout=3600,
        on_kill="void_batch",
        reattach=False,
    ),
    "second round deferred": retry_of_kickouts,
    "sensor of an import deferred": sensor_of_an_import,
    "sensor of a batch's status deferred": lambda: sensor_of_a_batch(batch_status="Closed"),
    "sensor of a batch's analysis deferred": lambda: sensor_of_a_batch(wait_for_analysis=True, timeout=600),
    # events
    "import ended": lambda: _deferred("A-1", fired=True),
    "import ended with kickouts": lambda: _deferred("A-1", unknown=["A-2"], on_kickouts="warn", fired=True),
    "import ended with kickouts, reported": lambda: _deferred(
        "A-1", unknown=["A-2"], max_kickouts=0.5, kickout_report="kickouts.csv", fired=True
    ),
    "deadline passed": lambda: _deferred("A-1", timeout=30, fired=True),
    "import vanished": vanished,
    "second round ended": lambda: retry_of_kickouts(fired=True),
    "sensor's import ended": lambda: sensor_of_an_import(fired=True),
    "sensor's batch closed": lambda: sensor_of_a_batch(batch_status="Closed", fired=True),
}


def lives() -> dict[str, Any]:
    """Live each life, in a folder of its own, and return what it leaves behind."""
    before, recorded = Path.cwd(), {}
    for name, live in LIVES.items():
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                recorded[name] = live().as_dict()
            finally:
                os.chdir(before)
    return recorded


def main(folder: Path) -> None:
    """Write all files."""
    made_by = {"package": __version__, "airflow": airflow_version}
    minor = ".".join(airflow_version.split(".")[:2])
    for name, content in (("lives", lives()), (f"dag-airflow-{minor}", serialized())):
        text = json.dumps({"made_by": made_by, name.partition("-")[0]: content}, indent=1, sort_keys=True)
        (folder / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
