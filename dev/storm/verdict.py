"""What became of a storm: every bill once, every run in the state it deserves, nothing waiting for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.storm.plan import KICKED_OUT, Plan, PlannedRun
from eci_provider.sandbox import Sandbox

ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
UNKNOWN = "EciUnknownOutcomeError"
KICKOUTS = "EciKickoutsError"
MOST_NAMED = 20


@dataclass
class Result:
    """
    Hold what was counted; :attr:`wrong` says in words what must not be.

    :param runs: DAG runs that ended, by their state.
    :param imports_mapped: imports that the runs asked for.
    :param submits: submits that reached EnergyCAP.
    :param submits_troubled: those that were not answered as hoped.
    :param imports: imports in EnergyCAP.
    :param bills: bills in EnergyCAP.
    :param duplicates: bills and kicked-out rows that are there more often than once.
    :param losses: bills and kicked-out rows that are not there.
    :param unknown_tries: tries that ended by saying that their submit's outcome cannot be known.
    :param unknown_tasks: tasks that ended so, after all their tries.
    :param waiting: task instances and runs that had not ended at the end.
    :param reattached: imports that a later try found.
    :param retries: tries beyond the first of each task.
    :param kills: kills by kind.
    :param ended_parts: Airflow's parts that ended without being killed.
    :param seconds: how long it took until all runs had ended.
    :param database: what Airflow's database is, with its version.
    """

    runs: Counter[str] = field(default_factory=Counter)
    imports_mapped: int = 0
    submits: int = 0
    submits_troubled: int = 0
    imports: int = 0
    bills: int = 0
    duplicates: int = 0
    losses: int = 0
    unknown_tries: int = 0
    unknown_tasks: int = 0
    waiting: int = 0
    reattached: int = 0
    retries: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    ended_parts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    database: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether all is as it must be."""
        return not self.wrong


class Judge:
    """
    Compare what is in EnergyCAP and in Airflow with the plan.

    :param plan: the plan.
    :param sandbox: EnergyCAP.
    :param tasks: Airflow's task instances.
    :param runs: Airflow's DAG runs.
    :param logs: where Airflow's tasks wrote.
    :param found: is filled.
    """

    def __init__(
        self,
        plan: Plan,
        sandbox: Sandbox,
        tasks: list[dict[str, Any]],
        runs: list[dict[str, Any]],
        logs: Path,
        found: Result,
    ) -> None:
        self._plan = plan
        self._sandbox = sandbox
        self._tasks = tasks
        self._runs = {run["dag_run_id"]: run["state"] for run in runs}
        self._planned = {run.run_id: run for run in plan.planned}
        self._logs = logs
        self._found = found
        #: Runs with a task that ended by saying that it cannot know, and the files that were not imported for it.
        self._honest: set[str] = set()
        self._excused: set[str] = set()

    def judge(self) -> None:
        """Count everything."""
        self._found.imports_mapped = len(self._plan.every_file)
        self._found.imports = len(self._sandbox.tasks())
        self._found.retries = sum(max(0, task["try_number"] - 1) for task in self._tasks)
        self._judge_tasks()
        self._judge_runs()
        self._judge_bills()
        self._judge_batches()

    def _wrong(self, texts: Iterable[str]) -> None:
        texts = list(texts)
        self._found.wrong += texts[:MOST_NAMED]
        if len(texts) > MOST_NAMED:
            self._found.wrong.append(f"... and {len(texts) - MOST_NAMED} more of these")

    def _judge_tasks(self) -> None:
        self._found.unknown_tries = sum(UNKNOWN in text for text in self._texts("**/attempt=*.log"))
        waiting = [task for task in self._tasks if task["state"] not in ENDED]
        self._found.waiting = len(waiting)
        self._wrong(f"{named(task)} has not ended: {task['state']}" for task in waiting)
        self._wrong(
            f"{named(task)} succeeded and deserves to fail"
            for task in self._tasks
            if task["state"] == "success" and self._deserves_failure(task)
        )
        failed = {named(task): task for task in self._tasks if task["state"] == "failed"}
        honest = {name: task for name, task in failed.items() if UNKNOWN in self._last_log(task)}
        self._honest = {task["dag_run_id"] for task in honest.values()}
        self._excused = self._files_without(honest.values())
        self._found.unknown_tasks = len(honest)
        self._wrong(
            f"{name} failed in try {task['try_number']}"
            for name, task in failed.items()
            if name not in honest and not self._failed_as_deserved(task)
        )

    def has_result(self, task: dict[str, Any]) -> bool:
        """Tell whether a task must have left the result of an import: it saw its end, whatever it made of it."""
        imports = task["task_id"] == "import_bills" and task["map_index"] >= 0
        return imports and (task["state"] == "success" or self._failed_as_deserved(task))

    def _failed_as_deserved(self, task: dict[str, Any]) -> bool:
        return task["state"] == "failed" and self._deserves_failure(task) and KICKOUTS in self._last_log(task)

    def _deserves_failure(self, task: dict[str, Any]) -> bool:
        if task["task_id"] != "import_bills" or task["map_index"] < 0:
            return False
        run = self._planned[task["dag_run_id"]]
        return run.deserves(run.files[task["map_index"]]) == "failed"

    def _files_without(self, honest: Iterable[dict[str, Any]]) -> set[str]:
        """Return the files of imports that cannot know, or were not begun since another task cannot."""
        known = {(task["dag_run_id"], task["map_index"]) for task in honest if task["task_id"] == "import_bills"}
        stopped = {
            task["dag_run_id"]
            for task in self._tasks
            if task["task_id"] == "import_bills" and task["state"] == "upstream_failed"
        }
        return {
            file.name
            for run in self._plan.planned
            for place, file in enumerate(run.files)
            if (run.run_id, place) in known or run.run_id in stopped & self._honest
        }

    def _texts(self, pattern: str) -> Iterable[str]:
        return (path.read_text(errors="replace") for path in self._logs.glob(pattern))

    def _last_log(self, task: dict[str, Any]) -> str:
        place = f"dag_id={task['dag_id']}/run_id={task['dag_run_id']}/task_id={task['task_id']}"
        if task["map_index"] >= 0:
            place += f"/map_index={task['map_index']}"
        return "".join(self._texts(f"{place}/attempt={task['try_number']}.log"))

    def _judge_runs(self) -> None:
        self._found.runs = Counter(self._runs.get(run.run_id) or "never begun" for run in self._plan.planned)
        for run in self._plan.planned:
            state = self._runs.get(run.run_id)
            if state != run.deserves() and not (state == "failed" and run.run_id in self._honest):
                self._wrong([f"{run.run_id} ({run.dag_id}) ended as {state} and deserves {run.deserves()}"])

    def _judge_bills(self) -> None:
        bills = Counter((bill["account"], bill["start"]) for bill in self._sandbox.bills())
        rows = Counter((row["cells"][0], KICKED_OUT) for row in self._sandbox.kickouts())
        self._found.bills = bills.total()
        there = bills + rows
        expected = {bill: file for file in self._plan.every_file for bill in file.everything}
        self._found.duplicates = sum(count - 1 for count in there.values())
        missing = [bill for bill in expected if bill not in there]
        # A task that says that it cannot know may hold none of its bills.
        lost = [bill for bill in missing if expected[bill].name not in self._excused]
        self._found.losses = len(lost)
        self._wrong(f"{bill} is there {count} times" for bill, count in there.items() if count > 1)
        self._wrong(f"{bill} of {expected[bill].name} is lost" for bill in lost)
        self._wrong(f"{bill} is in no file" for bill in there if bill not in expected)

    def _judge_batches(self) -> None:
        """A run has one batch, closed if it succeeded, or one for each file; no other was opened."""
        batches = self._sandbox.batches()
        for run in self._plan.planned:
            if not run.own_batches and run.run_id not in self._honest:
                self._judge_batch(run, [batch for batch in batches if batch["batch_code"] == run.run_id])
        wanted = sum(len(run.files) if run.own_batches else 1 for run in self._plan.planned)
        if len(batches) > wanted:
            self._wrong([f"there are {len(batches)} batches, and {wanted} were wanted"])

    def _judge_batch(self, run: PlannedRun, own: list[dict[str, Any]]) -> None:
        wanted = "Closed" if run.deserves() == "success" else "Open"
        states = [batch["batch_status"] for batch in own]
        if states != [wanted]:
            self._wrong([f"the batch of {run.run_id} is not there once and {wanted}: {states}"])
            return
        files = {task["file_name"] for task in self._sandbox.tasks() if task["batch_id"] == own[0]["batch_id"]}
        if files != {file.name for file in run.files}:
            self._wrong([f"the batch of {run.run_id} holds {sorted(files)}"])


def judge_results(plan: Plan, results: dict[tuple[str, int], Any], found: Result) -> None:
    """
    Compare the results that the tasks left with the files.

    :param results: by run and place of the file; only those of tasks that waited for their import's end.
    """
    for run in plan.planned:
        for place, file in enumerate(run.files):
            if (run.run_id, place) not in results:
                continue
            result = results[run.run_id, place] or {}
            told = tuple(result.get(name) for name in ("outcome", "imported", "kickouts"))
            outcome = "completed_with_kickouts" if file.kickouts else "completed"
            # How many rows were kicked out cannot be told where EnergyCAP did not say so.
            allowed = {len(file.kickouts), None} if file.kickouts else {0}
            if told[:2] != (outcome, len(file.bills)) or told[2] not in allowed:
                found.wrong.append(f"{run.run_id}, {file.name}: the task's result says {told}")
            found.reattached += result.get("reattached") is True


def named(task: dict[str, Any]) -> str:
    """Name a task instance."""
    place = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
    return f"{task['dag_run_id']} {task['task_id']}{place}"


def key_in_logs(home: Path, key: str, spare: Path) -> list[Path]:
    """
    Return which files of an Airflow home hold the API key.

    :param spare: a folder that is EnergyCAP's and not Airflow's.
    """
    wanted = key.encode()
    files = (path for path in home.rglob("*") if path.is_file() and spare not in path.parents)
    return [path for path in files if wanted in path.read_bytes()]
