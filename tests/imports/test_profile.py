"""An import profile is created or replaced once, whatever is lost, and the answer is verified."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.operators import CreateImportProfileOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, run
from tests.support.turned_clock import TurnedClock

PATH = "/api/v3/import/bill/profile"
MAPPING: dict[str, Any] = {
    "date_format": "mm/dd/yyyy",
    "account_code_column_index": 1,
    "start_date_column_index": 2,
    "end_date_column_index": 3,
    "observations": [{"column_index": 4, "observation_type_code": "USE", "caption": "Use", "unit_code": "KWH"}],
}
OTHER = {**MAPPING, "account_code_column_index": 9}


def _create(column_mapping: dict[str, Any] = MAPPING, **arguments: Any) -> Finished:
    return run(
        CreateImportProfileOperator(
            task_id="create_profile", profile_code="vendor", column_mapping=column_mapping, **arguments
        )
    )


def _sent(sandbox: Sandbox, method: str) -> int:
    return [request.method for request in sandbox.requests].count(method)


def _index(sandbox: Sandbox) -> int:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        (profile,) = client.import_profiles.list()
    return int((profile.column_mapping or {})["accountCodeColumnIndex"])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"profileCode": "vendor"},
        {"profileId": 0, "profileCode": "vendor"},
        {"profileId": 99},
        {"profileId": 99, "profileCode": "another"},
    ],
)
def test_an_answer_that_does_not_name_the_profile_is_looked_up(
    answer: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("POST", PATH, status=200, body=answer, commit=True)

    end = _create()

    assert end.state == "success", end.error
    assert end.result == {"profile_id": sandbox.profiles()[0]["profile_id"], "profile_code": "vendor"}
    assert _sent(sandbox, "POST") == 1


def test_what_such_an_answer_did_not_create_is_created(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.fault("POST", PATH, status=200, body={})

    end = _create()

    assert end.state == "success", end.error
    assert _sent(sandbox, "POST") == 2
    assert turned_clock.slept == [15.0]


@pytest.mark.parametrize("if_exists", ["keep", "replace"])
def test_a_profile_that_the_list_shows_without_its_number_is_not_used(
    if_exists: str, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", PATH, times=None, status=200, body=[{"profileCode": "vendor"}])

    end = _create(if_exists=if_exists)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert "without its number" in str(end.error)
    assert _sent(sandbox, "POST") == _sent(sandbox, "PUT") == 0


@pytest.mark.parametrize(
    ("fault", "sends"),
    [
        ({"drop": "before"}, 2),
        ({"drop": "after"}, 1),
        ({"status": 502}, 2),
        ({"status": 200, "body": {}}, 2),
        ({"status": 200, "body": {}, "commit": True}, 1),
        ({"status": 200, "body": {"profileId": 99, "profileCode": "another"}, "commit": True}, 1),
        ({"garbage": True}, 1),
    ],
)
def test_a_lost_replacement_is_found_done_or_sent_again(
    fault: dict[str, Any], sends: int, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    first = _create()
    sandbox.fault("PUT", f"{PATH}/*", **fault)

    end = _create(OTHER, if_exists="replace")

    assert end.state == "success", end.error
    assert end.result == first.result
    assert _index(sandbox) == 9
    assert _sent(sandbox, "PUT") == sends


def test_a_replacement_that_did_not_take_place_is_not_reported_as_done(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    profile_id = _create().result["profile_id"]
    body = {"profileId": profile_id, "profileCode": "vendor"}
    sandbox.fault("PUT", f"{PATH}/*", times=None, status=200, body=body)

    end = _create(OTHER, if_exists="replace")

    assert isinstance(end.error, errors.EciNotCarriedOutError)
    assert _index(sandbox) == 1


def test_a_replacement_that_never_arrives_fails_after_three_requests(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    _create()
    sandbox.fault("PUT", f"{PATH}/*", times=None, drop="before")

    end = _create(OTHER, if_exists="replace")

    assert isinstance(end.error, errors.EciConnectionError)
    assert not end.is_final
    assert _sent(sandbox, "PUT") == 3
