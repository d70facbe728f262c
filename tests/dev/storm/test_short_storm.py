"""A short storm: a whole Airflow, a sandbox that fails at random, and a SIGKILL for each kind of process."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dev.storm import Plan, run
from eci_provider.runtime.compat import RetryPolicy

KILLED_ONCE = ("task", "worker with its task", "triggerer", "scheduler with its workers")


@pytest.mark.skipif(RetryPolicy is None, reason="a storm needs what Airflow 3.3 brought")
@pytest.mark.timeout(600)
def test_every_bill_is_there_once_after_a_short_storm(tmp_path: Path) -> None:
    plan = Plan(
        seed=31, runs=4, files=2, seconds=20, slots=4, pause=(2.0, 4.0), must_kill=KILLED_ONCE, import_takes=2.0
    )
    assert Counter(planned.deserves() for planned in plan.planned) == Counter(success=3, failed=1)
    found = run(plan, tmp_path / "home", or_sqlite=True)
    assert found.wrong == []
    assert found.runs == Counter(success=3, failed=1)
    assert (found.imports_mapped, found.imports) == (8, 8)
    assert found.bills == sum(len(file.bills) for file in plan.every_file)
    assert (found.duplicates, found.losses, found.waiting) == (0, 0, 0)
    assert set(KILLED_ONCE) <= set(found.kills)
    assert found.submits_troubled > 0
