"""Create an import profile, keep it, replace it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from eci_provider.api import errors
from eci_provider.bills import EciBillFileError
from eci_provider.operators import CheckBillFileOperator, CreateImportProfileOperator
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import NYCHA, NYCHA_NAMES
from tests.support.run_task import run

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


def _sent(sandbox: Sandbox) -> dict[str, Any]:
    return next(request.body for request in sandbox.requests if request.method == "POST")["columnMapping"]


@pytest.mark.parametrize("sample_file", [str(NYCHA), f"file://{NYCHA}", "{{ params.folder }}/" + NYCHA.name])
def test_columns_may_be_named_as_a_sample_file_names_them(sample_file: str, sandbox: Sandbox) -> None:
    end = run(
        _create(column_mapping={**NYCHA_NAMES, "sample_file": sample_file}), params={"folder": str(NYCHA.parent)}
    )

    assert end.state == "success", end.error
    sent = _sent(sandbox)
    assert [sent[f"{name}ColumnIndex"] for name in ("accountCode", "startDate", "endDate", "meterCode")] == [
        3,
        5,
        6,
        8,
    ]
    assert [(item["columnIndex"], item["caption"]) for item in sent["observations"]] == [
        (11, "KWH Charges"),
        (13, "KW Charges"),
        (14, "Other charges"),
        (10, "Energy"),
    ]


NAMES: dict[str, Any] = {
    "header": ["Account", "From", "To", "kWh"],
    "date_format": "mm/dd/yyyy",
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "observations": [{"column": "kWh", "observation_type_code": "USE", "unit_code": "KWH"}],
}


def test_columns_may_be_named_as_a_header_names_them_with_templates_inside(sandbox: Sandbox) -> None:
    names = {**NAMES, "account_code": "{{ params.account }}", "date_format": "{{ params.dates }}"}

    end = run(_create(column_mapping=names), params={"account": "Account", "dates": "yyyymmdd"})
    again = run(_create(column_mapping={**NAMES, "date_format": "yyyymmdd"}))

    assert end.state == "success", end.error
    assert again.result == end.result
    assert (_sent(sandbox)["accountCodeColumnIndex"], _sent(sandbox)["dateFormat"]) == (1, "yyyymmdd")


@pytest.mark.parametrize(
    "make", [_create, lambda **arguments: CheckBillFileOperator(task_id="check", file="a.csv", **arguments)]
)
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"account_code": "Acount"},
            "account_code is 'Acount': the header has no such name. Did you mean 'Account'?",
        ),
        ({"end_date": None}, "end_date is required"),
        ({"acount_code": "Account"}, "acount_code is not a field. Did you mean 'account_code'?"),
        ({"date_format": "dd.mm.yyyy"}, "'dd.mm.yyyy'"),
        ({"observations": []}, "at least 1"),
        ({"observations": [{"column": "kWh", "unit_code": "KWH"}]}, "observationTypeCode"),
        ({"observations": NAMES["observations"] * 2}, "twice"),
        ({"sample_file": "sample.csv"}, "both header and sample_file"),
    ],
)
def test_wrong_names_are_refused_when_the_dag_is_parsed(make: Any, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.EciValidationError) as caught:
        make(column_mapping={**NAMES, **changed})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"end_date": ""}, "end_date is ''"),
        ({"acount_code": "Account"}, "acount_code is not a field"),
        ({"date_format": "dd.mm.yyyy"}, "'dd.mm.yyyy'"),
        (
            {"observations": [{"observation_type_code": "USE", "unit_code": "KWH"}]},
            "observations.0.column is required",
        ),
        ({"observations": [{"column": "x" * 33, "observation_type_code": "USE", "unit_code": "K"}]}, "caption"),
    ],
)
def test_so_are_other_faults_of_names_whose_file_is_read_later(changed: dict[str, Any], words: str) -> None:
    names = {**NAMES, "sample_file": "no/such/file.csv", **changed}
    del names["header"]

    with pytest.raises(errors.EciValidationError) as caught:
        _create(column_mapping=names)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"sample_file": "no/such/file.csv"}, EciBillFileError, "no such file"),
        ({"account_code": "Building"}, errors.EciValidationError, "Did you mean 'Building ID'?"),
    ],
)
def test_what_the_sample_file_lacks_fails_the_task_at_once(
    changed: dict[str, Any], error: type[Exception], words: str, sandbox: Sandbox
) -> None:
    end = run(_create(column_mapping={**NYCHA_NAMES, "sample_file": str(NYCHA), **changed}))

    assert isinstance(end.error, error)
    assert end.is_final
    assert words in str(end.error)
    assert sandbox.profiles() == []


def test_names_may_be_another_tasks_result() -> None:
    with DAG("names", schedule=None):
        other = BaseOperator(task_id="other")
        partly = _create(
            column_mapping={**NAMES, "header": other.output["header"], "observations": other.output["items"]}
        )

    assert partly.upstream_task_ids == {"other"}
