"""A request whose answer is lost, or that is not answered yet, is searched for before it is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api import errors
from tests.support.submissions import MODES, STATES, TASKS, Scene, use_batch
from tests.support.two_bills import IMPORT


@MODES
@STATES
@pytest.mark.parametrize(
    "fault", [{"drop": "after"}, {"status": 503, "commit": True}, {"garbage": True}, {"truncate": 5}]
)
def test_an_import_whose_answer_was_lost_is_adopted_in_the_same_try(
    deferrable: bool, has_state: bool, fault: dict[str, Any], scene: Scene
) -> None:
    scene.sandbox.fault("POST", IMPORT, **fault)

    end = scene.run(scene.tries(deferrable=deferrable, has_state=has_state))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


def test_a_request_that_never_arrived_is_sent_again_after_the_settle_time(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert end.result["reattached"] is False
    assert scene.submits == 2
    assert scene.clock.slept[0] == 15.0
    assert scene.bills_once()


def test_a_request_that_takes_effect_late_is_found_by_the_second_search(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=14)

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert scene.submits == 1
    assert scene.bills_once()


def test_after_three_lost_requests_the_next_try_searches_first(scene: Scene) -> None:
    fault = scene.sandbox.fault("POST", IMPORT, drop="before", times=None)
    tries = scene.tries()

    lost = scene.run(tries)

    assert isinstance(lost.error, errors.EciUnknownOutcomeError)
    assert not lost.is_final
    assert fault.hits == 3
    scene.sandbox.clear_faults()
    scene.sandbox.clear_requests()
    assert scene.run(tries).state == "success"
    assert [request.path for request in scene.sandbox.requests[:3]] == ["/api/v3/me", TASKS, TASKS]
    assert scene.bills_once()


@STATES
def test_where_the_search_fails_nothing_is_sent_until_a_later_try_has_searched(
    has_state: bool, scene: Scene
) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, status=503, times=None)
    tries = scene.tries(has_state=has_state)

    lost = scene.run(tries)

    assert isinstance(lost.error, errors.EciUnknownOutcomeError)
    assert not lost.is_final
    assert "bills.csv" in str(lost.error)
    scene.sandbox.clear_faults()
    found = scene.run(tries)
    assert found.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


def test_a_search_that_is_refused_for_good_is_final(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, status=403, times=None)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final


def test_a_refusal_after_a_lost_answer_does_not_hide_the_doubt(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=60)
    scene.sandbox.fault("POST", IMPORT, status=403)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert end.error.retry_helps is False
    assert "403" in str(end.error)
    assert "clear the task" in str(end.error)


def test_a_429_that_never_ends_fails_the_try(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, status=429, headers={"Retry-After": "40"}, times=None)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciRateLimitError)
    assert end.error.retry_after == 40
    assert not end.is_final
    assert scene.submits == 3


def test_a_429_is_waited_for(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, status=429, headers={"Retry-After": "40"})

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert scene.clock.slept[:2] == [40.0, 15.0]
    assert scene.submits == 2
    assert scene.bills_once()


def test_a_marker_that_is_taken_as_a_batch_code_is_ours(scene: Scene) -> None:
    tries = scene.tries(batch_settings={"batch_mode": "new batch"}, has_state=False)
    scene.run(tries)
    # The DAG run is created again under its old name: its first try knows nothing and is refused.
    again = scene.tries(batch_settings={"batch_mode": "new batch"}, has_state=False)

    end = scene.run(again)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


@pytest.mark.parametrize("mode", ["new batch", "new self-contained batch"])
def test_a_code_that_is_taken_by_the_import_before_is_explained(mode: str, scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries(batch_settings={"batch_mode": mode, "new_batch_code": "Bills 2026-01"})
    first = scene.run(tries)

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciBadRequestError)
    said = str(end.error)
    for part in (str(scene.path), "Bills 2026-01", first.xcoms["task_guid"], "smart batch"):
        assert part in said


def test_a_batch_that_takes_no_bills_any_more_is_named(scene: Scene) -> None:
    (batch,) = scene.open_batches("B1")
    tries = scene.tries(batch_settings=use_batch(batch))
    first = scene.run(tries)
    with scene.client() as client:
        client.batches.close(batch)
    tries.clear()

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciBadRequestError)
    assert f"Check that batch {batch} takes bills" in str(end.error)
    assert first.result["task_guid"] in str(end.error)


@STATES
@pytest.mark.parametrize("kind", ["of another import", "nil"])
def test_an_answer_that_names_another_import_is_not_believed(kind: str, has_state: bool, scene: Scene) -> None:
    scene.run(scene.other_task())
    (other,) = scene.sandbox.tasks()
    guid = other["task_guid"] if kind == "of another import" else "00000000-0000-0000-0000-000000000000"
    scene.sandbox.fault("POST", IMPORT, status=200, body={"taskGUId": guid}, commit=True)
    sent = scene.submits

    end = scene.run(scene.tries(has_state=has_state))

    assert end.state == "success", end.error
    assert end.result["task_guid"] not in (guid, other["task_guid"])
    assert scene.submits == sent + 1
    assert len(scene.sandbox.tasks()) == 2


def test_the_answer_to_a_retry_does_not_name_the_import_that_is_retried(scene: Scene) -> None:
    guid = scene.import_kicked_out()
    scene.sandbox.fault(
        "POST", "/api/v202401/import/bill/task/*", status=200, body={"taskGUId": guid}, commit=True
    )

    with scene.client() as client, pytest.raises(errors.EciUnknownOutcomeError, match="names the import"):
        client.bill_imports.retry_kickouts(guid)


def test_a_request_whose_answer_names_another_import_is_not_sent_again(scene: Scene) -> None:
    other = scene.run(scene.other_task()).result["task_guid"]
    scene.sandbox.fault("POST", IMPORT, status=200, body={"taskGUId": other})
    sent = scene.submits

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final
    assert other in str(end.error)
    assert scene.submits == sent + 1


#: Statuses that a gateway may give although EnergyCAP has taken the file.
MISLEADING = (302, 303, 307, 406, 408, 409, 423, 424, 425, 429, 440, 499, 500, 502, 504, 599)


@MODES
@pytest.mark.parametrize("status", MISLEADING)
def test_an_import_that_was_taken_is_found_whatever_its_answer_says(
    status: int, deferrable: bool, scene: Scene
) -> None:
    scene.sandbox.fault("POST", IMPORT, status=status, commit=True)

    end = scene.run(scene.tries(deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


@pytest.mark.parametrize("status", [302, 406, 423, 424, 440, 499])
def test_an_import_that_was_not_taken_is_sent_again(status: int, scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, status=status)

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert scene.submits == 2
    assert scene.bills_once()


def test_a_conflict_is_not_sent_again_and_says_that_it_may_have_been_taken(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, status=409, body="Another request is under way.", times=None)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciBadRequestError)
    assert end.is_final
    assert "EnergyCAP may have carried it out all the same" in str(end.error)
    assert scene.submits == 1


@STATES
@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_a_later_try_finds_an_import_that_was_refused_and_taken(
    status: int, has_state: bool, scene: Scene
) -> None:
    """If the assumption about these statuses is wrong, nothing is imported twice all the same."""
    scene.sandbox.fault("POST", IMPORT, status=status, commit=True)
    tries = scene.tries(has_state=has_state)

    refused = scene.run(tries)
    assert refused.state == "failed"
    assert refused.is_final
    tries.clear()
    found = scene.run(tries)

    assert found.state == "success", found.error
    assert found.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


@pytest.mark.parametrize(
    ("said", "is_about_the_batch"),
    [
        ("There is no bill import profile with the code 'P'.", False),
        ("The file name is not valid.", False),
        ("existingOpenBatchId: 7 is not a batch that is Open.", True),
        ("You have more than one open BATCH.", True),
        ("", True),
    ],
)
def test_a_refusal_names_the_batch_only_if_energycap_may_mean_it(
    said: str, is_about_the_batch: bool, scene: Scene
) -> None:
    (batch,) = scene.open_batches("B1")
    scene.sandbox.fault("POST", IMPORT, status=400, body=said)

    end = scene.run(scene.tries(batch_settings=use_batch(batch)))

    assert isinstance(end.error, errors.EciBadRequestError)
    assert said in str(end.error)
    assert ("takes bills" in str(end.error)) is is_about_the_batch


@pytest.mark.parametrize("mode", ["new batch", "new self-contained batch"])
@pytest.mark.parametrize("code", [None, "2026-01"])
def test_a_copy_that_is_refused_does_not_hide_the_import_of_its_original(
    mode: str, code: str | None, scene: Scene
) -> None:
    scene.sandbox.fault("POST", IMPORT, double="second")

    end = scene.run(scene.tries(batch_settings={"batch_mode": mode, "new_batch_code": code}))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()
