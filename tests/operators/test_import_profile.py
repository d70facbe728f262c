"""Create an import profile, keep it, replace it."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import CreateImportProfileOperator
from eci_provider.sandbox import Sandbox
from tests.running import run

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


def test_a_profile_is_created(sandbox: Sandbox) -> None:
    end = run(_create())

    profile = sandbox.profiles()[0]
    assert end.result == {"profile_id": profile["profile_id"], "profile_code": "vendor"}


def test_the_documented_spelling_is_taken_too_with_templates_inside(sandbox: Sandbox) -> None:
    mapping = {
        "dateFormat": "{{ params.dates }}",
        "accountCodeColumnIndex": "{{ params.account }}",
        "startDateColumnIndex": 2,
        "endDateColumnIndex": 3,
        "observations": [{"columnIndex": 4, "observationTypeCode": "USE", "caption": "Use", "unitCode": "KWH"}],
    }

    end = run(_create(column_mapping=mapping), params={"dates": "yyyymmdd", "account": 7})

    assert end.state == "success", end.error
    sent = next(request.body for request in sandbox.requests if request.method == "POST")["columnMapping"]
    assert (sent["dateFormat"], sent["accountCodeColumnIndex"]) == ("yyyymmdd", 7)


def test_an_existing_profile_fails_unless_told_otherwise(sandbox: Sandbox) -> None:
    first = run(_create())
    changed = {**MAPPING, "account_code_column_index": 9}

    refused = run(_create(column_mapping=changed))
    kept = run(_create(column_mapping=changed, if_exists="keep"))
    assert [request.method for request in sandbox.requests].count("PUT") == 0
    replaced = run(_create(column_mapping=changed, if_exists="replace"))

    assert isinstance(refused.error, errors.EciExistsError)
    assert refused.is_final
    assert "'keep'" in str(refused.error)
    assert kept.result == replaced.result == first.result
    put = next(request.body for request in sandbox.requests if request.method == "PUT")
    assert put["columnMapping"]["accountCodeColumnIndex"] == 9
    assert put["columnMapping"]["vendorCodeColumnIndex"] is None
    assert len(sandbox.profiles()) == 1


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({**MAPPING, "date_format": "dd.mm.yyyy"}, ("column_mapping.date_format", "'dd.mm.yyyy'", "mm/dd/yyyy")),
        ({**MAPPING, "account_code_column_index": 0}, ("account_code_column_index is 0", "1")),
        ({**MAPPING, "observations": []}, ("column_mapping.observations", "at least 1")),
        ({**MAPPING, "acount_code_column_index": 3}, ("Did you mean account_code_column_index?",)),
        (
            {key: value for key, value in MAPPING.items() if key != "end_date_column_index"},
            ("endDateColumnIndex is",),
        ),
    ],
)
def test_a_wrong_mapping_is_refused_when_the_dag_is_parsed(
    mapping: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(errors.EciValidationError) as caught:
        _create(column_mapping=mapping)

    for part in words:
        assert part in str(caught.value)
