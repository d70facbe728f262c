"""Random lives of a hub: triggers come and go, the server fails, and each trigger gets one true event."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from eci_provider.triggers.base import EciTrigger
from eci_provider.triggers.hub.hub import open_hubs
from tests.support.hub import LIST, SINGLE, assert_all_is_closed, imports, raw_list, until
from tests.support.turned_clock import connect

FAULTS = st.sampled_from(
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "20"}},
        {"drop": "before"},
        {"garbage": True},
        {"truncate": 10},
        {"status": 200, "body": []},
        {"status": 200, "body": {"not": "a list"}},
    ]
)


# Of the list alone: an import that is refused ends, and then its wait does so rightly.
REFUSALS = st.sampled_from([401, 403])


ODD_DATES = st.sampled_from(["0001-01-01T00:00:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59", "soon"])


class StandingClock:
    """Stand in for the provider's clock: it stands until it is turned, and wakes who sleeps on the way."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.moment = datetime(2026, 1, 5, 8, tzinfo=timezone.utc)
        self.sleepers: dict[asyncio.Future[None], datetime] = {}

    def utc_now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep_async(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self.sleepers[sleeper] = self.moment + timedelta(seconds=seconds)
        try:
            await sleeper
        finally:
            del self.sleepers[sleeper]

    def turn_to(self, moment: datetime) -> None:
        """Turn to the first moment at which somebody wakes, or to this one."""
        moment = max(self.moment, min([moment, *self.sleepers.values()]))
        self.sandbox.advance((moment - self.moment).total_seconds())
        self.moment = moment
        for sleeper, wakes in self.sleepers.items():
            if wakes <= moment and not sleeper.done():
                sleeper.set_result(None)


class OneHub(RuleBasedStateMachine):
    """Let triggers of one connection live in one event loop."""

    triggers = Bundle("triggers")

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.sandbox = Sandbox(clock="virtual").start()
        self.clock = StandingClock(self.sandbox)
        self.patch.setattr("eci_provider.core.clock.utc_now", self.clock.utc_now)
        self.patch.setattr("eci_provider.core.clock.sleep_async", self.clock.sleep_async)
        self.patch.setattr("eci_provider.core.clock.monotonic", self.clock.monotonic)
        connect(self.patch, self.sandbox.url, self.sandbox.api_key)
        self.loop = asyncio.new_event_loop()
        self.running: list[asyncio.Task[None]] = []
        self.events: dict[asyncio.Task[None], list[tuple[datetime, dict[str, Any]]]] = {}
        self.deadlines: dict[asyncio.Task[None], datetime | None] = {}
        self.guids: dict[asyncio.Task[None], str] = {}
        self.deleted: set[str] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(work)

    async def settled(self) -> None:
        """Let everything happen that happens without the time going on."""
        for _ in range(2):  # what is over may wake somebody
            await until(self._rests)
            await asyncio.sleep(0)

    def _rests(self) -> bool:
        hubs = open_hubs()
        threads = sum(thread.name.startswith("eci-poll-") for thread in threading.enumerate())
        pausing = all(hub.is_pausing for hub in hubs)
        return pausing and threads <= len(hubs) and not any(sleeper.done() for sleeper in self.clock.sleepers)

    def _start(self, trigger: EciTrigger, deadline: datetime | None) -> asyncio.Task[None]:
        async def listen() -> None:
            async for event in trigger.run():
                self.events[task].append((self.clock.moment, event.payload))

        task = self.loop.create_task(listen())
        self.running.append(task)
        self.events[task], self.deadlines[task] = [], deadline
        return task

    @rule(
        target=triggers,
        lasts=st.lists(st.floats(0, 100), min_size=1, max_size=4),
        limit=st.none() | st.floats(0.5, 90),
        says_when=st.booleans(),
        interval=st.sampled_from([0.5, 10.0, 30.0]),
    )
    def join(self, lasts: list[float], limit: float | None, says_when: bool, interval: float) -> Any:
        deadline = None if limit is None else self.clock.moment + timedelta(seconds=limit)
        tasks = self._join(lasts, deadline, says_when, interval)
        self.run(self.settled())
        return multiple(*tasks)

    def _join(
        self, lasts: list[float], deadline: datetime | None, says_when: bool = True, interval: float = 30.0
    ) -> list[asyncio.Task[None]]:
        tasks = []
        for guid in imports(self.sandbox, len(lasts), last=lasts):
            trigger = EciTaskTrigger(
                guid.upper() if interval == 10 else guid,
                poll_interval=interval,
                deadline=deadline.isoformat() if deadline else None,
                submitted_at=self.clock.moment.isoformat() if says_when else None,
            )
            task = self._start(trigger, deadline)
            self.guids[task] = guid
            tasks.append(task)
        return tasks

    @rule(
        target=triggers,
        path=st.sampled_from([LIST, "/api/*"]),
        last=st.floats(0, 20),
        leaving=st.sampled_from([0, 1, 3, 99]),
    )
    def come_and_go_while_a_request_hangs(self, path: str, last: float, leaving: int) -> Any:
        tasks = self._join([last, last], None)
        self.run(self._hang(path, leaving))
        tasks += self._join([last], self.clock.moment + timedelta(seconds=10))
        self.run(self._release())
        return multiple(*tasks)

    async def _hang(self, path: str, leaving: int) -> None:
        """Let a request hang, unless none is made, and let those leave who have waited longest."""
        hangs = self.sandbox.fault("GET", path, hang=True)
        await self._turn()
        await until(lambda: bool(hangs.hits) or self._rests())
        for task in [one for one in self.running if not one.done()][:leaving]:
            task.cancel()
        await self._turn()

    async def _release(self) -> None:
        await self._turn()
        self.sandbox.clear_faults()
        await self.settled()

    async def _turn(self) -> None:
        """Let everybody have a turn in the event loop."""
        for _ in range(5):
            await asyncio.sleep(0)

    @rule(target=triggers, limit=st.floats(0.5, 60))
    def join_for_a_batch(self, limit: float) -> Any:
        with EciClient(self.sandbox.url, self.sandbox.api_key) as client:
            batch_id = client.batches.open(f"batch {len(self.running)}").batch_id or 0
        deadline = self.clock.moment + timedelta(seconds=limit)
        trigger = EciBatchTrigger(batch_id, batch_status="Closed", deadline=deadline.isoformat())
        task = self._start(trigger, deadline)
        self.run(self.settled())
        return task

    @rule(task=triggers)
    def cancel(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self.run(self.settled())

    @rule(task=triggers)
    def delete(self, task: asyncio.Task[None]) -> None:
        if task in self.guids and self.guids[task] not in self.deleted:
            self.sandbox.delete_task(self.guids[task])
            self.deleted.add(self.guids[task])

    @rule(seconds=st.sampled_from([0.3, 1, 5, 30, 60]))
    def wait(self, seconds: float) -> None:
        self.run(self._pass(seconds))

    async def _pass(self, seconds: float) -> None:
        end = self.clock.moment + timedelta(seconds=seconds)
        while self.clock.moment < end:
            self.clock.turn_to(end)
            await self.settled()

    @rule(kind=FAULTS, path=st.sampled_from([LIST, SINGLE, "/api/*"]), times=st.integers(1, 4))
    def fail(self, kind: dict[str, Any], path: str, times: int) -> None:
        # A single import that is an empty list, or the like, cannot be read: that is transient too.
        self.sandbox.fault("GET", path, times=times, **kind)

    @rule(status=REFUSALS)
    def refuse_the_list(self, status: int) -> None:
        self.sandbox.fault("GET", LIST, status=status)

    @rule(date=ODD_DATES, times=st.integers(1, 3))
    def show_an_odd_date(self, date: str, times: int) -> None:
        self.sandbox.clear_faults()  # one may be waiting for the list
        shown = raw_list(self.sandbox)
        for item in shown[::3]:
            item["beginDate"] = date
        self.sandbox.fault("GET", LIST, times=times, status=200, body=shown)

    @invariant()
    def every_event_is_true(self) -> None:
        for task, events in self.events.items():
            assert len(events) <= 1
            for at, event in events:
                self._check(task, at, event)

    def _check(self, task: asyncio.Task[None], at: datetime, event: dict[str, Any]) -> None:
        if event["status"] == "found":
            assert event["found"]["task_guid"] == self.guids[task]
            assert event["found"]["end_date"]
        elif event["type"] == "EciNotFoundError":
            assert self.guids[task] in self.deleted
        else:
            assert event["type"] == "EciWaitTimeoutError", event
            deadline = self.deadlines[task]
            assert deadline is not None
            assert at >= deadline
            assert event["details"]["deadline"] == deadline.isoformat(timespec="seconds")
            assert event.get("batch_id") or event["task_guid"].lower() == self.guids[task]

    def teardown(self) -> None:
        try:
            self.sandbox.clear_faults()
            # What lasts longest, what was asked for, and what was backed off for.
            self.run(self._pass(200))
            for task, events in self.events.items():
                assert task.done()
                assert task.cancelled() or len(events) == 1
            self.every_event_is_true()
            assert_all_is_closed()
        finally:
            self.loop.close()
            self.patch.undo()
            self.sandbox.stop()


OneHub.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


test_whatever_happens_each_trigger_gets_one_true_event = OneHub.TestCase
