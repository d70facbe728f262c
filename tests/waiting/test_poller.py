"""One table: every task that waits, in both modes, ends alike whatever becomes of the import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout

from eci_provider.api import errors
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, run
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import KINDS, waiting_task

TASK = "/api/v3/task/*"
LIST = "/api/v3/task"


def _nothing(sandbox: Sandbox) -> None:
    pass


def _fails(sandbox: Sandbox) -> None:
    sandbox.fail_next_import(message="The file could not be read.")


def _runs_strangely(sandbox: Sandbox) -> None:
    sandbox.settings.statuses = {**sandbox.settings.statuses, "running": "Pondering"}


def _ends_strangely(sandbox: Sandbox) -> None:
    sandbox.settings.statuses = {**sandbox.settings.statuses, "completed": "Settled in part"}


def _never_ends(sandbox: Sandbox) -> None:
    sandbox.settings.delay = 1e9


def _vanishes(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=2, times=None, status=404)
    sandbox.fault("GET", LIST, times=None, status=200, body=[], headers={"TotalPages": "1"})


def _lags(sandbox: Sandbox) -> None:
    sandbox.settings.task_lag, sandbox.settings.lists_lag = 10, True


def _vanishes_for_a_moment(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=2, status=404)


def _is_listed_alone(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=2, times=None, status=404)


def _vanishes_while_the_list_is_down(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=2, times=3, status=404)
    sandbox.fault("GET", LIST, times=2, status=503)


def _is_locked(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=2, times=None, status=403)


def _is_shaky(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=1, times=2, status=503)
    sandbox.fault("GET", TASK, skip=1, times=1, drop="before")
    sandbox.fault("GET", TASK, skip=1, times=1, garbage=True)
    sandbox.fault("GET", TASK, skip=1, times=1, status=429, headers={"Retry-After": "7"})


def _is_down(sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, skip=1, times=None, status=503)


@dataclass
class Case:
    """Describe what becomes of an import, and what the task must make of it."""

    state: str
    outcome: str | None = None
    error: type[Exception] | None = None
    says: tuple[str, ...] = ()
    final: bool = True
    good: bool = True
    server: Callable[[Sandbox], None] = _nothing
    arguments: dict[str, Any] = field(default_factory=dict)


KICKED = {"outcome": "completed_with_kickouts", "good": False, "says": ("Account code 'A-2' was not found.",)}


CASES = {
    "completed": Case("success", "completed"),
    "completed, analysis awaited": Case("success", "completed", arguments={"wait_for_analysis": True}),
    "kickouts fail": Case("failed", error=errors.EciKickoutsError, arguments={"on_kickouts": "fail"}, **KICKED),
    "kickouts warn": Case("success", arguments={"on_kickouts": "warn"}, **KICKED | {"says": ()}),
    "kickouts skip": Case("skipped", arguments={"on_kickouts": "skip"}, **KICKED),
    "failed": Case(
        "failed",
        "failed",
        errors.EciImportFailedError,
        ("'Failed'", "The file could not be read."),
        final=False,
        server=_fails,
    ),
    "unknown status while running": Case("success", "completed", server=_runs_strangely),
    "unknown status at the end": Case(
        "failed",
        "failed",
        errors.EciImportFailedError,
        ("'Settled in part'", "success_statuses"),
        server=_ends_strangely,
    ),
    "unknown status at the end, known to the author": Case(
        "success", "completed", server=_ends_strangely, arguments={"success_statuses": ["settled in PART"]}
    ),
    "never-ending": Case(
        "failed",
        error=errors.EciWaitTimeoutError,
        says=("'In progress'", "2026-01-05T08:02:00", "do not send its bills again", "`timeout` and clear"),
        server=_never_ends,
        arguments={"timeout": 120},
    ),
    "vanished": Case("failed", error=errors.EciNotFoundError, says=("404",), server=_vanishes),
    "lagging": Case("success", "completed", server=_lags),
    "vanished for a moment": Case("success", "completed", server=_vanishes_for_a_moment),
    "listed alone": Case("success", "completed", server=_is_listed_alone),
    "vanished, list down": Case("success", "completed", server=_vanishes_while_the_list_is_down),
    "lost permission": Case("failed", error=errors.EciPermissionError, says=("403",), server=_is_locked),
    "shaky": Case("success", "completed", server=_is_shaky),
    "down for good": Case("failed", error=errors.EciServerError, says=("503",), final=False, server=_is_down),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_both_modes_agree(
    name: str, kind: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    case = CASES[name]
    ends = {
        deferrable: _one_end(case, kind, sandbox, turned_clock, tmp_path, deferrable)
        for deferrable in (False, True)
    }

    for end in ends.values():
        _check(case, end)
    assert _comparable(ends[False]) == _comparable(ends[True])
    assert [path for path, _ in ends[True].deferrals] == ["eci_provider.triggers.task.EciTaskTrigger"]
    assert ends[False].deferrals == []


def _one_end(
    case: Case, kind: str, sandbox: Sandbox, turned: TurnedClock, folder: Path, deferrable: bool
) -> Finished:
    sandbox.reset()
    sandbox.clear_faults()
    turned.__init__(sandbox)
    sandbox.settings.delay = 60
    sandbox.settings.analysis = 30 if "wait_for_analysis" in case.arguments else 0
    task = waiting_task(kind, sandbox, folder, deferrable=deferrable, good=case.good, **dict(case.arguments))
    case.server(sandbox)
    if kind == "sensor" and case.server in (_fails, _never_ends):
        # The sensor's import was submitted before the server was told how to treat it.
        task = waiting_task(kind, sandbox, folder, deferrable=deferrable, good=case.good, **dict(case.arguments))
    return run(task)


def _check(case: Case, end: Finished) -> None:
    assert end.state == case.state, end.error
    if case.outcome:
        assert end.result["outcome"] == case.outcome
        assert end.result["task_guid"]
        assert end.result["task_id"]
        assert end.result["reattached"] is False
    if case.outcome == "completed":
        assert (end.result["imported"], end.result["kickouts"], end.result["analyzing"]) == (2, 0, 0)
    if case.outcome == "completed_with_kickouts":
        assert (end.result["imported"], end.result["kickouts"]) == (1, 1)
        assert end.result["kickout_messages"] == [{"message": KICKED["says"][0], "rows": 1}]
    if case.error:
        assert isinstance(end.error, case.error), repr(end.error)
        assert end.is_final is case.final, repr(end.error)
    for words in case.says:
        assert words in str(end.error)


def _comparable(end: Finished) -> Any:
    """Return what must not differ between the modes: all but what names one import among others."""
    own = ("task_guid", "task_id", "batch_id", "batch_code", "begin_date", "end_date")
    result = {key: value for key, value in (end.result or {}).items() if key not in own}
    result["rounds"] = [
        {key: value for key, value in short.items() if key not in own} for short in result.get("rounds", ())
    ]
    kinds = [base.__name__ for base in type(end.error).__mro__] if end.error else None
    return end.state, result, kinds


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_with_soft_fail_is_skipped_whatever_ends_the_wait(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    for name in ("kickouts fail", "failed", "never-ending", "vanished", "lost permission", "down for good"):
        case = CASES[name]
        soft = Case("skipped", good=case.good, server=case.server, arguments={**case.arguments, "soft_fail": True})

        end = _one_end(soft, "sensor", sandbox, turned_clock, tmp_path, deferrable)

        assert end.state == "skipped", (name, end.error)
        assert all(words in str(end.error) for words in case.says), (name, end.error)


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_settle_time_of_the_connection_is_that_of_a_404(
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, sandbox.url, sandbox.api_key, settle_time=100)
    sandbox.settings.delay = 300
    task = waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, good=True)
    sandbox.settings.task_lag, sandbox.settings.lists_lag = 90, True

    end = run(task)

    assert end.state == "success", end.error


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_that_runs_out_of_time_is_airflows_sensor_timeout(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 1e9
    task = waiting_task("sensor", sandbox, tmp_path, deferrable=deferrable, good=True, timeout=120)

    end = run(task)

    assert isinstance(end.error, AirflowSensorTimeout)
    assert isinstance(end.error, AirflowFailException)
    assert task.task_guid in str(end.error)
    assert sum(turned_clock.slept) == pytest.approx(120)
