"""The verdict on a storm: every bill was imported once, and every run ended in the expected state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
    Result of a storm.

    :param runs: DAG runs by state.
    :param imports_mapped: imports that the runs planned.
    :param submits: submits that reached EnergyCAP.
    :param submits_faulty: submits without a correct answer.
    :param imports: imports in EnergyCAP.
    :param bills: bills in EnergyCAP.
    :param duplicates: bills and rows kicked out that EnergyCAP has more than once.
    :param losses: bills and rows kicked out that EnergyCAP does not have.
    :param unknown_attempts: attempts that ended because the outcome of a submit is unknown.
    :param unknown_tasks: tasks that ended so, after all their retries.
    :param twins: tasks that ended so and name the two imports of a submit that was doubled.
    :param doubled: submits that were carried out twice.
    :param waiting: task instances that had not ended at the end.
    :param reattached: imports that a retry found.
    :param retries: attempts after the first of each task.
    :param kills: kills by kind.
    :param ended_components: Airflow's components that ended without a kill.
    :param seconds: seconds until all runs had ended.
    :param database: kind and version of Airflow's database.
    :param wrong: descriptions of everything that must not be.
    """

    runs: Counter[str] = field(default_factory=Counter)
    imports_mapped: int = 0
    submits: int = 0
    submits_faulty: int = 0
    imports: int = 0
    bills: int = 0
    duplicates: int = 0
    losses: int = 0
    unknown_attempts: int = 0
    unknown_tasks: int = 0
    twins: int = 0
    doubled: int = 0
    waiting: int = 0
    reattached: int = 0
    retries: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    ended_components: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    database: str = ""
    wrong: list[str] = field(default_factory=list)


class Judge:
    """
    Compares the content of EnergyCAP and of Airflow with the plan.

    :param plan: the plan.
    :param sandbox: EnergyCAP.
    :param tasks: Airflow's task instances.
    :param runs: Airflow's DAG runs.
    :param logs: folder of Airflow's logs.
    :param result: gets the counts, and what is wrong.
    :param doubled: how often submits were carried out twice, by the names of their files.
    """

    def __init__(
        self,
        plan: Plan,
        sandbox: Sandbox,
        tasks: list[dict[str, Any]],
        runs: list[dict[str, Any]],
        logs: Path,
        result: Result,
        *,
        doubled: Mapping[str, int] | None = None,
    ) -> None:
        self._doubled = doubled or {}
        self._plan = plan
        self._sandbox = sandbox
        self._tasks = tasks
        self._runs = {run["dag_run_id"]: run["state"] for run in runs}
        self._planned = {run.run_id: run for run in plan.planned}
        self._logs = logs
        self._result = result
        #: Runs with a task whose outcome is unknown, and the files that may be missing because of that.
        self._unknown_runs: set[str] = set()
        self._unknown_files: set[str] = set()
        #: Files that EnergyCAP has twice, because their submit was doubled and their task says so.
        self._twin_files: set[str] = set()

    def judge(self) -> None:
        """Count everything, and collect what is wrong."""
        self._result.imports_mapped = len(self._plan.every_file)
        self._result.imports = len(self._sandbox.tasks())
        self._result.retries = sum(max(0, task["try_number"] - 1) for task in self._tasks)
        self._judge_tasks()
        self._judge_runs()
        self._judge_bills()
        self._judge_batches()

    def _wrong(self, texts: Iterable[str]) -> None:
        texts = list(texts)
        self._result.wrong += texts[:MOST_NAMED]
        if len(texts) > MOST_NAMED:
            self._result.wrong.append(f"... and {len(texts) - MOST_NAMED} more of these")

    def _judge_tasks(self) -> None:
        self._result.unknown_attempts = sum(UNKNOWN in text for text in self._texts("**/attempt=*.log"))
        waiting = [task for task in self._tasks if task["state"] not in ENDED]
        self._result.waiting = len(waiting)
        self._wrong(f"{task_name(task)} has not ended: {task['state']}" for task in waiting)
        self._wrong(
            f"{task_name(task)} succeeded but must fail"
            for task in self._tasks
            if task["state"] == "success" and self._must_fail(task)
        )
        failed = {task_name(task): task for task in self._tasks if task["state"] == "failed"}
        unknown = {name: task for name, task in failed.items() if UNKNOWN in self._last_log(task)}
        self._unknown_runs = {task["dag_run_id"] for task in unknown.values()}
        self._unknown_files = self._files_of(unknown.values())
        self._result.unknown_tasks = len(unknown)
        self._twin_files = {name for task in unknown.values() for name in self._twins_of(task)}
        self._result.twins, self._result.doubled = len(self._twin_files), sum(self._doubled.values())
        self._wrong(
            f"{name} failed in attempt {task['try_number']}"
            for name, task in failed.items()
            if name not in unknown and not self._failed_as_expected(task)
        )

    def _twins_of(self, task: dict[str, Any]) -> Iterator[str]:
        """Yield the file of a failed task if its submit was doubled and the task names both imports."""
        if task["task_id"] != "import_bills" or task["map_index"] < 0:
            return
        name = self._planned[task["dag_run_id"]].files[task["map_index"]].name
        guids = [found["task_guid"] for found in self._sandbox.tasks() if found["file_name"] == name]
        text = self._last_log(task)
        if name in self._doubled and len(guids) == 2 and all(guid in text for guid in guids):
            yield name

    def must_have_result(self, task: dict[str, Any]) -> bool:
        """Return whether a task must have the result of an import: it waited until the import ended."""
        imports = task["task_id"] == "import_bills" and task["map_index"] >= 0
        return imports and (task["state"] == "success" or self._failed_as_expected(task))

    def _failed_as_expected(self, task: dict[str, Any]) -> bool:
        return task["state"] == "failed" and self._must_fail(task) and KICKOUTS in self._last_log(task)

    def _must_fail(self, task: dict[str, Any]) -> bool:
        if task["task_id"] != "import_bills" or task["map_index"] < 0:
            return False
        run = self._planned[task["dag_run_id"]]
        return run.expected_state(run.files[task["map_index"]]) == "failed"

    def _files_of(self, unknown: Iterable[dict[str, Any]]) -> set[str]:
        """Return the files of tasks with an unknown outcome, and of tasks that did not start because of one."""
        failed = {(task["dag_run_id"], task["map_index"]) for task in unknown if task["task_id"] == "import_bills"}
        stopped = {
            task["dag_run_id"]
            for task in self._tasks
            if task["task_id"] == "import_bills" and task["state"] == "upstream_failed"
        }
        return {
            file.name
            for run in self._plan.planned
            for place, file in enumerate(run.files)
            if (run.run_id, place) in failed or run.run_id in stopped & self._unknown_runs
        }

    def _texts(self, pattern: str) -> Iterable[str]:
        return (path.read_text(errors="replace") for path in self._logs.glob(pattern))

    def _last_log(self, task: dict[str, Any]) -> str:
        place = f"dag_id={task['dag_id']}/run_id={task['dag_run_id']}/task_id={task['task_id']}"
        if task["map_index"] >= 0:
            place += f"/map_index={task['map_index']}"
        return "".join(self._texts(f"{place}/attempt={task['try_number']}.log"))

    def _judge_runs(self) -> None:
        self._result.runs = Counter(self._runs.get(run.run_id) or "not started" for run in self._plan.planned)
        for run in self._plan.planned:
            state = self._runs.get(run.run_id)
            wanted = run.expected_state()
            if state != wanted and not (state == "failed" and run.run_id in self._unknown_runs):
                self._wrong([f"{run.run_id} ({run.dag_id}) ended as {state} but must end as {wanted}"])

    def _judge_bills(self) -> None:
        bills = Counter((bill["account"], bill["start"]) for bill in self._sandbox.bills())
        rows = Counter((row["cells"][0], KICKED_OUT) for row in self._sandbox.kickouts())
        self._result.bills = bills.total()
        found = bills + rows
        expected = {bill: file for file in self._plan.every_file for bill in file.outcomes}
        once = {
            bill: count - (bill in expected and expected[bill].name in self._twin_files and count == 2)
            for bill, count in found.items()
        }
        self._result.duplicates = sum(count - 1 for count in once.values())
        missing = [bill for bill in expected if bill not in found]
        # The bills of a task with an unknown outcome may be missing.
        lost = [bill for bill in missing if expected[bill].name not in self._unknown_files]
        self._result.losses = len(lost)
        self._wrong(f"{bill} is in EnergyCAP {count} times" for bill, count in once.items() if count > 1)
        self._wrong(f"{bill} of {expected[bill].name} is lost" for bill in lost)
        self._wrong(f"{bill} is in no file" for bill in found if bill not in expected)

    def _judge_batches(self) -> None:
        """Check the batches: one per run, Closed if the run must succeed, or one per file. There are no others."""
        batches = self._sandbox.batches()
        for run in self._plan.planned:
            if not run.own_batches and run.run_id not in self._unknown_runs:
                self._judge_batch(run, [batch for batch in batches if batch["batch_code"] == run.run_id])
        wanted = sum(len(run.files) if run.own_batches else 1 for run in self._plan.planned)
        if len(batches) > wanted:
            self._wrong([f"there are {len(batches)} batches instead of {wanted}"])

    def _judge_batch(self, run: PlannedRun, own: list[dict[str, Any]]) -> None:
        wanted = "Closed" if run.expected_state() == "success" else "Open"
        states = [batch["batch_status"] for batch in own]
        if states != [wanted]:
            self._wrong([f"{run.run_id} must have one batch that is {wanted}, but has: {states}"])
            return
        files = {task["file_name"] for task in self._sandbox.tasks() if task["batch_id"] == own[0]["batch_id"]}
        if files != {file.name for file in run.files}:
            self._wrong([f"the batch of {run.run_id} has imports of {sorted(files)}"])


def check_results(plan: Plan, returned: dict[tuple[str, int], Any], result: Result) -> None:
    """
    Compare the results that the tasks returned with the files.

    :param returned: results by run id and index of the file; only of tasks that must have one.
    :param result: gets what is wrong, and the number of imports that a retry found.
    """
    for run in plan.planned:
        for place, file in enumerate(run.files):
            if (run.run_id, place) not in returned:
                continue
            values = returned[run.run_id, place] or {}
            outcome, imported, kickouts = (values.get(name) for name in ("outcome", "imported", "kickouts"))
            wanted = "completed_with_kickouts" if file.kickouts else "completed"
            # The number of kickouts is None if EnergyCAP could not be asked for it.
            allowed = {len(file.kickouts), None} if file.kickouts else {0}
            if (outcome, imported) != (wanted, len(file.bills)) or kickouts not in allowed:
                text = f"outcome {outcome}, {imported} bills, {kickouts} kickouts"
                result.wrong.append(f"{run.run_id}, {file.name}: the task returned {text}")
            result.reattached += values.get("reattached") is True


def task_name(task: dict[str, Any]) -> str:
    """Return a name for a task instance, with its run and map index."""
    place = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
    return f"{task['dag_run_id']} {task['task_id']}{place}"


def files_with_key(home: Path, key: str, *, without: Path) -> list[Path]:
    """
    Return the files of an Airflow home that contain the API key.

    :param without: folder to leave out.
    """
    wanted = key.encode()
    files = (path for path in home.rglob("*") if path.is_file() and without not in path.parents)
    return [path for path in files if wanted in path.read_bytes()]
