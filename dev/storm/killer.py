"""The killer: every few seconds SIGKILL for a task, a worker, the triggerer or the scheduler."""

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
from dev.storm.services import IDLE, Part, Services, kill, title

# How often which kind is drawn. "alone" leaves what the process started: a task without its supervisor runs on,
# and so do the workers of a dead scheduler; in a container they would die together.
KINDS = {
    "task": 40,
    "worker with its task": 20,
    "worker alone": 15,
    "triggerer": 12,
    "scheduler with its workers": 6,
    "scheduler alone": 7,
}
# A part that never gets to work shows nothing.
SHORTEST_LIFE = {"triggerer": 15.0, "scheduler": 20.0}
TICK = 0.25


class Killer:
    """
    Kill in a thread of its own, and start again what should always run.

    :param plan: says how often, and seeds the draw.
    :param services: its victims. Nobody else may touch them meanwhile.
    :param tell: is told of each kill.

    Use it as a context manager; the thread ends with it.
    """

    def __init__(self, plan: Plan, services: Services, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._services = services
        self._tell = tell
        self._random = random.Random(plan.seed)
        self._wanted = list(plan.must_kill)
        self._calm = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._failure: BaseException | None = None
        self.kills: Counter[str] = Counter()
        #: Parts that ended without having been killed.
        self.ended: Counter[str] = Counter()

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def spare(self) -> None:
        """Kill nothing any more; what died is still started again."""
        self._calm.set()

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._failure is not None:
            raise self._failure

    @property
    def is_owed(self) -> bool:
        """Tell whether a kind that must come has not come yet."""
        return bool(self._wanted)

    def _run(self) -> None:
        try:
            due = time.monotonic() + self._random.uniform(*self._plan.pause)
            while not self._end.wait(TICK):
                self.ended.update(self._services.revive())
                self._services.sweep()
                if not self._calm.is_set() and time.monotonic() >= due:
                    self._strike()
                    due = time.monotonic() + self._random.uniform(*self._plan.pause)
        except BaseException as error:
            self._failure = error

    def _strike(self) -> None:
        """Kill what is owed or drawn; where there is none of it, nothing."""
        kind = self._wanted[0] if self._wanted else self._drawn()
        if not self._killed(kind):
            return
        if self._wanted:
            self._wanted.pop(0)
        self.kills[kind] += 1
        self._tell(f"killed: {kind}")

    def _drawn(self) -> str:
        return self._random.choices(list(KINDS), list(KINDS.values()))[0]

    def _killed(self, kind: str) -> bool:
        if kind == "triggerer":
            return self._kill_part("triggerer", with_children=True)
        if kind.startswith("scheduler"):
            return self._kill_part("scheduler", with_children=kind.endswith("workers"))
        return self._kill_worker(kind)

    def _kill_part(self, name: str, *, with_children: bool) -> bool:
        part = self._services.parts[name]
        if part.exit_code is not None or part.age < SHORTEST_LIFE[name]:
            return False
        children = list(part.processes()) if with_children else []
        for process in (psutil.Process(part.pid), *children):
            kill(process)
        while part.exit_code is None:
            time.sleep(0.01)
        self.ended[name] -= 1
        return True

    def _kill_worker(self, kind: str) -> bool:
        """
        Kill a worker at work, or its task.

        One that waits for work holds the lock of the queue that all of them share; killed then, it would take the
        lock along, and this Airflow would never run a task again. A worker whose task is there does not wait.
        """
        workers = list(self._busy_workers())
        self._random.shuffle(workers)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.suspend()
                tasks = [task for task in worker.children() if task.status() != psutil.STATUS_ZOMBIE]
                if tasks:
                    return self._kill_of(worker, tasks, kind)
                # It has done its task since we looked at it.
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
        parts: list[Part] = [self._services.parts["scheduler"], *self._services.ghosts]
        return [
            process
            for part in parts
            for process in part.processes()
            if "LocalExecutor" in (named := title(process)) and IDLE not in named
        ]
