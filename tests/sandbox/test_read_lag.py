"""Reads that lag: a new task or batch is answered with 404 for some time or for some reads."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_api import advanced

TASKS, BATCHES = "/api/v3/task", "/api/v3/batch"


def started(api) -> str:
    return str(api.import_file(advanced(["1001"])).json()["taskGUId"])


def statuses(api, sandbox, path, *, seconds=1, reads=4):
    """Return the statuses of several reads, and let time pass between them."""
    found = []
    for _ in range(reads):
        found.append(api.call("GET", path).status_code)
        sandbox.advance(seconds)
    return found


@pytest.mark.parametrize(("setting", "value"), [("task_lag", 2.0), ("lagging_reads", 2)])
def test_a_new_task_is_not_found_at_first_and_listed_all_the_same(sandbox, api, setting, value):
    setattr(sandbox.settings, setting, value)
    guid = started(api)

    assert [task["taskGUId"] for task in api.get(TASKS)] == [guid]
    assert statuses(api, sandbox, f"{TASKS}/{guid}") == [404, 404, 200, 200]
    assert len(sandbox.tasks()) == 1


def test_a_read_before_its_time_counts_by_the_clock_alone(sandbox, api):
    sandbox.settings.task_lag = 2.0
    guid = started(api)

    assert statuses(api, sandbox, f"{TASKS}/{guid}", seconds=0.5, reads=5) == [404] * 4 + [200]


def test_the_kickouts_of_a_new_task_lag_with_it(sandbox, api):
    sandbox.settings.lagging_reads = 1
    path = f"/api/v202401/import/bill/task/{started(api)}/kickout/summary"

    assert statuses(api, sandbox, path, reads=2) == [404, 200]


@pytest.mark.parametrize(("setting", "value"), [("batch_lag", 2.0), ("lagging_reads", 2)])
def test_a_new_batch_is_not_found_at_first_but_can_be_changed(sandbox, api, setting, value):
    setattr(sandbox.settings, setting, value)
    batch = api.open_batch("new")

    assert api.set_status(batch, "Pending") == 204
    assert statuses(api, sandbox, f"{BATCHES}/{batch}") == [404, 404, 200, 200]


def test_tasks_and_batches_lag_each_by_its_own_setting(sandbox, api):
    sandbox.settings.task_lag = 5.0
    guid, batch = started(api), api.open_batch("new")

    assert api.call("GET", f"{BATCHES}/{batch}").status_code == 200
    assert api.call("GET", f"{TASKS}/{guid}").status_code == 404


@pytest.mark.parametrize(("setting", "value"), [("task_lag", 2.0), ("lagging_reads", 2)])
def test_lists_lag_if_they_are_told_to(sandbox, api, setting, value):
    started(api)
    sandbox.advance(60)
    sandbox.settings.lists_lag = True
    setattr(sandbox.settings, setting, value)
    new = started(api)

    seen = []
    for _ in range(3):
        seen.append([task["taskGUId"] == new for task in api.get(TASKS)])
        sandbox.advance(1)

    assert seen == [[False], [False], [False, True]]


def test_lists_of_batches_lag_too(sandbox, api):
    sandbox.settings.batch_lag, sandbox.settings.lists_lag = 2.0, True
    api.open_batch("new")

    assert api.get(BATCHES) == []
    sandbox.advance(2)
    assert [batch["batchCode"] for batch in api.get(BATCHES)] == ["new"]
    assert sandbox.batches()[0]["batch_code"] == "new"


def test_a_reset_forgets_the_reads(sandbox, api):
    sandbox.settings.lagging_reads = 1
    batch = api.open_batch("new")
    assert api.call("GET", f"{BATCHES}/{batch}").status_code == 404

    sandbox.reset()
    sandbox.settings.lagging_reads = 1

    assert api.open_batch("new") == batch
    assert api.call("GET", f"{BATCHES}/{batch}").status_code == 404
