"""Create an import profile once: one that is there is compared, a lost answer is looked up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.operators import CreateImportProfileOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock

MAPPING: dict[str, Any] = {
    "date_format": "mm/dd/yyyy",
    "account_code_column_index": 1,
    "start_date_column_index": 2,
    "end_date_column_index": 3,
    "observations": [{"column_index": 4, "observation_type_code": "USE", "caption": "Use", "unit_code": "KWH"}],
}


def _create(**arguments: Any) -> CreateImportProfileOperator:
    return CreateImportProfileOperator(
        task_id="create_profile", **{"profile_code": "vendor", "column_mapping": MAPPING, **arguments}
    )


@pytest.mark.parametrize("if_exists", ["fail", "keep", "replace"])
def test_a_profile_that_maps_alike_is_taken_for_its_own(if_exists: str, sandbox: Sandbox) -> None:
    first = run(_create())

    again = run(_create(if_exists=if_exists))

    assert again.result == first.result
    assert [request.method for request in sandbox.requests].count("POST") == 1
    assert [request.method for request in sandbox.requests].count("PUT") == 0


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        ({"drop": "after"}, 1),
        ({"status": 500, "commit": True}, 1),
        ({"drop": "late", "commit_after": 5}, 1),
        ({"drop": "before"}, 2),
    ],
)
def test_a_lost_answer_is_told_by_the_profile_itself(
    fault: dict[str, Any], posts: int, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("POST", "/api/v3/import/bill/profile", **fault)

    end = run(_create())

    assert end.state == "success", end.error
    assert [profile["profile_id"] for profile in sandbox.profiles()] == [end.result["profile_id"]]
    assert [request.method for request in sandbox.requests].count("POST") == posts


def test_what_a_server_shows_beside_the_mapping_makes_it_no_other_one(sandbox: Sandbox) -> None:
    first = run(_create()).result
    with EciClient(sandbox.url, sandbox.api_key) as client:
        shown = client.import_profiles.get(first["profile_id"]).column_mapping
    assert shown is not None
    more = [
        {**item, "observationId": number, "unitName": None} for number, item in enumerate(shown["observations"])
    ]
    mapping = {**shown, "observations": more, "fileType": "csv", "vendorColumn": None}
    profile = {"profileId": first["profile_id"], "profileCode": "vendor", "columnMapping": mapping}
    body = json.dumps([profile])
    sandbox.fault("GET", "/api/v3/import/bill/profile", times=None, status=200, body=body)

    again = run(_create())

    assert again.state == "success", again.error
    assert again.result == first


def test_where_looking_fails_another_try_may_help(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.fault("POST", "/api/v3/import/bill/profile", drop="after")
    sandbox.fault("GET", "/api/v3/import/bill/profile", skip=1, times=None, status=503)

    end = run(_create())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert not end.is_final
    assert "'vendor'" in str(end.error)


def test_a_profile_that_appears_in_between_is_compared(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    # Its first request takes effect only after the second look, so that the second request is refused.
    sandbox.fault("POST", "/api/v3/import/bill/profile", drop="late", commit_after=15)
    sandbox.fault("GET", "/api/v3/import/bill/profile", skip=2, times=1, status=200, body=[])

    end = run(_create())

    assert end.state == "success", end.error
    assert len(sandbox.profiles()) == 1
