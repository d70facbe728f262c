"""Models: strict with the user, lenient with the server, and unchanged by a round trip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eci_provider.api.account import BillImportSettings
from eci_provider.api.batches import BatchCreate, BatchEdit, BatchResponse, BatchStatusUpdate
from eci_provider.api.bill_imports import BatchMode, BatchSettings, BillImportOptions, KickoutImport
from eci_provider.api.column_mapping import ColumnMapping, DateFormat, Observation
from eci_provider.api.import_profiles import ImportProfile, ImportProfileResponse
from eci_provider.api.kickouts.resource import KickoutDetails, KickoutSummary
from eci_provider.api.models import RequestModel, ResponseModel, excerpt, validated
from eci_provider.api.tasks import GuidResponse, TaskResponse
from tests.support import values
from tests.support.api_data import GUID

INT32 = st.integers(-(2**31), 2**31 - 1)
NUMBER = st.integers(1, 2**31 - 1)
IDS = st.integers(1, 2**31 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
#: Names that no documented field has, in any case; the server may add such at any time.
UNKNOWN = st.dictionaries(st.text(min_size=1).map(lambda name: f"x-{name}"), JSON, max_size=3)
COST = st.floats(allow_nan=False, allow_infinity=False)


def nullable(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of the fields there, null or not, and with unknown ones beside them."""
    known = st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in fields.items()})
    return st.builds(lambda some, more: {**more, **some}, known, UNKNOWN)


USERS = nullable(userId=INT32, userCode=st.text(), fullName=st.text())
BATCHES = nullable(
    batchId=NUMBER,
    batchCode=st.text(),
    batchStatus=st.text(),
    isOpen=st.booleans(),
    startDate=st.text(),
    endDate=st.text(),
    billCount=INT32,
    runningTotal=COST,
    statementDate=st.text(),
    dueDate=st.text(),
    nextReading=st.text(),
    note=st.text(),
    accountPeriodYear=INT32,
    createdBy=USERS,
    flagCount=INT32,
    hasLogs=st.booleans(),
)
TASKS = nullable(
    taskId=NUMBER,
    taskGUId=st.uuids().map(str),
    taskType=nullable(taskTypeId=INT32, taskTypeCode=st.text()),
    status=st.text(),
    message=st.text(),
    endDate=st.text(),
    output=JSON,
    settings=JSON,
    taskNote=st.text(),
    analyzingCount=INT32,
    batch=nullable(batchId=NUMBER, batchCode=st.text()),
    user=USERS,
)
PROFILES = nullable(
    profileId=NUMBER, profileCode=st.text(), columnMapping=st.dictionaries(st.text(), JSON, max_size=4)
)
RESPONSES = st.one_of(
    st.tuples(st.just(BatchResponse), BATCHES),
    st.tuples(st.just(TaskResponse), TASKS),
    st.tuples(st.just(ImportProfileResponse), PROFILES),
)


@given(RESPONSES)
def test_a_response_comes_out_as_it_came_in(pair: tuple[type[ResponseModel], dict[str, Any]]) -> None:
    model, data = pair
    read = model.model_validate(json.loads(json.dumps(data)))
    assert read.model_dump(by_alias=True, exclude_unset=True) == data


def flooded(model: type[ResponseModel]) -> dict[str, Any]:
    """Return an answer whose every text is far too long, with more where nothing was documented."""
    data: dict[str, Any] = {"x-unknown": "x" * 50_000}
    for field in model.model_fields.values():
        inner = [cls for cls in get_args(field.annotation) if isinstance(cls, type)]
        nested = next((cls for cls in inner if issubclass(cls, ResponseModel)), None)
        if nested:
            data[str(field.alias)] = flooded(nested)
        elif str in inner or field.annotation is Any:
            data[str(field.alias)] = "é" * 50_000
    return data


@pytest.mark.parametrize("model", [BatchResponse, TaskResponse])
def test_what_is_kept_of_a_response_fits_an_xcom_whatever_the_server_sends(model: type[ResponseModel]) -> None:
    shown = model.model_validate(flooded(model)).documented()
    assert len(json.dumps(shown)) < 16 * 1024
    assert "x-unknown" not in json.dumps(shown)
    assert shown["batch_code" if model is BatchResponse else "status"].startswith("ééé")


def text(most: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(min_size=least, max_size=most)


def made(model: type[RequestModel], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


def given_or_not(**fields: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.none() | value for name, value in fields.items()}


DATES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: f"{moment:%H:%M:%S}").map(lambda time: f"2026-03-30T{time}.1234567Z"),
)
OBSERVATIONS = made(
    Observation, column_index=IDS, observation_type_code=text(20, 1), caption=text(32), unit_code=text(9, 1)
)
MAPPINGS = made(
    ColumnMapping,
    date_format=st.sampled_from(get_args(DateFormat)),
    account_code_column_index=IDS,
    start_date_column_index=IDS,
    end_date_column_index=IDS,
    vendor_code_column_index=st.none() | IDS,
    bill_note_column_index=st.none() | IDS,
    observations=st.lists(OBSERVATIONS, min_size=1, max_size=3).map(tuple),
)
SETTINGS = made(
    BatchSettings,
    batch_mode=st.none() | st.sampled_from(get_args(BatchMode)),
    existing_open_batch_id=IDS,
    pending_batch_id=IDS,
    new_batch_code=text(255, 1),
    leave_existing_batches_open=st.none() | st.booleans(),
)
REQUESTS: st.SearchStrategy[RequestModel] = st.one_of(
    made(
        BatchCreate,
        batch_code=text(255, 1),
        **given_or_not(
            close_existing_batch=st.booleans(),
            due_date=DATES,
            control_code=text(255),
            account_period_number=INT32,
            account_period_year=st.integers(1900, 2099),
        ),
    ),
    made(BatchEdit, batch_code=text(255, 1), note=st.none() | text(255)),
    made(
        BatchStatusUpdate,
        batch_status=st.sampled_from(["Open", "Pending", "Closed"]),
        leave_open_batches_as_is=st.booleans(),
        note=st.none() | text(255),
    ),
    made(KickoutImport, batch_settings=st.none() | SETTINGS, comment=st.none() | st.text()),
    made(BillImportOptions, profile_code=st.none() | st.text(), batch_settings=st.none() | SETTINGS),
    made(ImportProfile, profile_code=text(64, 1), column_mapping=MAPPINGS),
)


@given(REQUESTS, st.booleans())
def test_a_request_read_from_its_own_wire_is_itself(request_: RequestModel, every_key: bool) -> None:
    wire = request_.wire(every_key=every_key)
    assert type(request_).model_validate(json.loads(json.dumps(wire))) == request_
    aliases = {field.alias for field in type(request_).model_fields.values()}
    assert aliases >= set(wire)
    if every_key:
        assert aliases == set(wire)
    else:
        always = {
            field.alias for name, field in type(request_).model_fields.items() if name in request_.always_sent
        }
        assert {name for name, value in wire.items() if value is None} <= always <= set(wire)


@pytest.mark.parametrize(
    "model", [BatchResponse, TaskResponse, ImportProfileResponse, KickoutDetails, KickoutSummary]
)
def test_an_empty_answer_is_a_response_of_nothing(model: type[ResponseModel]) -> None:
    read = model.model_validate({})
    assert read.model_dump(by_alias=True, exclude_unset=True) == {}
    assert not any(read.model_dump().values())


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**400])
def test_a_number_that_cannot_be_one_is_not_known(number: int) -> None:
    assert BatchResponse.model_validate({"batchId": number}).batch_id is None
    assert ImportProfileResponse.model_validate({"profileId": number}).profile_id is None
    assert TaskResponse.model_validate({"taskId": number, "batch": {"batchId": number}}).task_id is None


def test_a_guid_response_without_a_guid_is_none() -> None:
    for data in ({}, {"taskGUId": None}, {"taskGUId": "string"}, {"taskGUId": 5}):
        with pytest.raises(ValidationError):
            GuidResponse.model_validate(data)


def test_unknown_keys_are_kept_and_known_ones_found_in_any_case() -> None:
    batch = BatchResponse.model_validate(
        {"BATCHID": 1, "Batchcode": "A", "newThing": {"a": [1]}, "createdBy": {"USERID": 2, "Extra": None}}
    )
    assert (batch.batch_id, batch.batch_code) == (1, "A")
    assert batch.model_extra == {"newThing": {"a": [1]}}
    assert batch.created_by is not None
    assert (batch.created_by.user_id, batch.created_by.model_extra) == (2, {"Extra": None})


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_what_is_no_object_is_no_response(data: Any) -> None:
    with pytest.raises(ValidationError):
        BillImportSettings.model_validate(data)


def test_requests_do_not_change_once_checked() -> None:
    request = BatchEdit(batch_code="A", note=None)
    with pytest.raises(ValidationError, match="frozen"):
        request.note = "x" * 256  # type: ignore[misc]


def test_a_nested_misspelling_names_the_fields_of_its_own_level() -> None:
    with pytest.raises(ValueError, match=r"^here: batch_settings\.batchMod is not a field\. ") as caught:
        validated(KickoutImport, {"batch_settings": {"batchMod": "new batch"}}, source="here")
    assert "Allowed: batch_mode, existing_open_batch_id, " in str(caught.value)
    assert "import_note" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 58, repr("x" * 58)),
        ("x" * 59, f"'{'x' * 59}... (59 long)"),
        ([1] * 100, f"[{'1, ' * 19}1,... (100 long)"),
        (GUID, repr(GUID)),
    ],
)
def test_values_in_messages_are_cut(value: Any, shown: str) -> None:
    assert excerpt(value) == shown


def _request_models(base: type[RequestModel] = RequestModel) -> Iterator[type[RequestModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("eci_provider."):
            yield model
        yield from _request_models(model)


FIELDS = [(model, name) for model in _request_models() for name in model.model_fields]


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_a_field_takes_its_kind_whoever_made_the_value_and_nothing_else(model: Any, name: str) -> None:
    def problems(value: Any) -> list[str]:
        try:
            model.model_validate({name: value})
        except ValidationError as error:
            return [each["msg"] for each in error.errors() if each["loc"][0] == name]
        return []

    kind = str(get_type_hints(model)[name])
    if "bool" in kind:
        assert [problems(value) for value, _ in values.SWITCHES if problems(value)] == []
        assert all(problems(value) for value in (1, 0, "yes", "1"))
    elif "int" in kind and name != "account_period_year":  # 7 is no year
        assert [problems(value) for value, _ in values.WHOLE_NUMBERS if problems(value)] == []
        assert all(problems(value) for value in ("maybe", "1.0", "1_0", True))
    for value in [*values.FOREIGN, 1.5, values.Scalar(1.5, "f")]:
        assert isinstance(value, dict) or problems(value), repr(value)


def test_values_are_sent_as_what_they_are_in_substance() -> None:
    request = BatchCreate(
        batch_code=values.LoudText("a"),
        close_existing_batch=values.Scalar(False, "b"),
        statement_date=pendulum.date(2026, 3, 30),
        control_code=Decimal("12.50"),
        account_period_number=values.Number.THREE,
    )

    assert request.wire() == {
        "batchCode": "a",
        "closeExistingBatch": False,
        "statementDate": "2026-03-30",
        "controlCode": "12.50",
        "accountPeriodNumber": 3,
    }
