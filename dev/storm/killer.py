"""The killer: SIGKILL for a task, a worker, the triggerer or the scheduler, every few seconds."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

import psutil

from dev.storm.plan import Plan
from dev.support.components import IDLE, Component, Supervisor, kill, title

# Weight of each kind. "alone" means without the processes that it started: a task without its supervising worker
# continues, and so do the workers of a dead scheduler. In a container they would all be killed.
KINDS = {
    "task": 40,
    "worker with its task": 20,
    "worker alone": 15,
    "triggerer": 12,
    "scheduler with its workers": 6,
    "scheduler alone": 7,
}
# Seconds that a component lives at least. One that is killed while it starts would test nothing.
SHORTEST_LIFE = {"triggerer": 15.0, "scheduler": 20.0}
INTERVAL = 0.25


class Killer:
    """
    A thread that kills processes, and restarts the components that die. Use it as a context manager.

    :param plan: how often it kills, and the seed.
    :param supervisor: the components. Nobody else may use it meanwhile.
    :param report: called with a text for each kill.
    """

    def __init__(self, plan: Plan, supervisor: Supervisor, report: Callable[[str], None]) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._report = report
        self._random = random.Random(plan.seed)
        self._required = list(plan.must_kill)
        self._only_restarts = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._failure: BaseException | None = None
        self.kills: Counter[str] = Counter()
        #: Components that ended without a kill.
        self.ended: Counter[str] = Counter()

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def stop_killing(self) -> None:
        """Kill nothing any more. Components that die are still restarted."""
        self._only_restarts.set()

    @property
    def is_active(self) -> bool:
        """Whether it still kills."""
        return not self._only_restarts.is_set()

    @property
    def has_required(self) -> bool:
        """Whether a kind that the plan requires was not killed yet."""
        return bool(self._required)

    def check(self) -> None:
        """Raise the error that ended the thread, if there is one."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            due = time.monotonic() + self._random.uniform(*self._plan.pause)
            while not self._end.wait(INTERVAL):
                self.ended.update(self._supervisor.restart_ended())
                self._supervisor.kill_leftovers()
                if self.is_active and time.monotonic() >= due:
                    self._kill_next()
                    due = time.monotonic() + self._random.uniform(*self._plan.pause)
        except BaseException as error:
            self._failure = error

    def _kill_next(self) -> None:
        """Kill the next required kind, or a random one. If there is no such process, kill nothing."""
        kind = self._required[0] if self._required else self._draw()
        if not self._kill(kind):
            return
        if self._required:
            self._required.pop(0)
        self.kills[kind] += 1
        self._report(f"killed: {kind}")

    def _draw(self) -> str:
        return self._random.choices(list(KINDS), list(KINDS.values()))[0]

    def _kill(self, kind: str) -> bool:
        if kind == "triggerer":
            return self._kill_component("triggerer", with_children=True)
        if kind.startswith("scheduler"):
            return self._kill_component("scheduler", with_children=kind.endswith("workers"))
        return self._kill_worker(kind)

    def _kill_component(self, name: str, *, with_children: bool) -> bool:
        component = self._supervisor.components[name]
        if component.exit_code is not None or component.age < SHORTEST_LIFE[name]:
            return False
        children = list(component.children()) if with_children else []
        for process in (psutil.Process(component.pid), *children):
            kill(process)
        while component.exit_code is None:
            time.sleep(0.01)
        self.ended[name] -= 1
        return True

    def _kill_worker(self, kind: str) -> bool:
        """
        Kill a worker that runs a task, or the task.

        A worker without a task may hold the lock of the queue that all workers share. The lock would never be
        released, and this Airflow would never run a task again. A worker with a task does not hold it.
        """
        workers = list(self._busy_workers())
        self._random.shuffle(workers)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.suspend()
                tasks = [task for task in worker.children() if task.status() != psutil.STATUS_ZOMBIE]
                if tasks:
                    return self._kill_of(worker, tasks, kind)
                # Its task has ended since its title was read.
                worker.resume()
        return False

    @staticmethod
    def _kill_of(worker: psutil.Process, tasks: list[psutil.Process], kind: str) -> bool:
        if kind != "worker alone":
            for task in tasks:
                kill(task)
        if kind == "task":
            worker.resume()
            return True
        return kill(worker)

    def _busy_workers(self) -> list[psutil.Process]:
        components: list[Component] = [self._supervisor.components["scheduler"], *self._supervisor.ended]
        return [
            process
            for component in components
            for process in component.children()
            if "LocalExecutor" in (name := title(process)) and IDLE not in name
        ]
