"""Import profiles: every bound of a mapping, and profiles that are kept as they were sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciBadRequestError, EciNotFoundError
from eci_provider.api.import_profiles import ColumnMapping
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, MAPPING, example

INT32 = 2**31
REQUIRED = ("accountCodeColumnIndex", "startDateColumnIndex", "endDateColumnIndex")
COLUMNS = sorted(
    set(example("create_bill_import_profile_request")["columnMapping"]) - {"dateFormat", "observations"}
)
FORMATS = ("mm/dd/yyyy", "Month dd yyyy", "dd/mm/yyyy", "dd Month yyyy", "yyyymmdd")
ONE_OF = "must be 'mm/dd/yyyy', 'Month dd yyyy', 'dd/mm/yyyy', 'dd Month yyyy' or 'yyyymmdd'"
WHERE = "import_profiles.create: column_mapping"


def mapping(**changed: Any) -> dict[str, Any]:
    return {**MAPPING, **changed}


def observation(**changed: Any) -> dict[str, Any]:
    """Return a mapping whose only observation differs from a good one."""
    return mapping(observations=[{**MAPPING["observations"][0], **changed}])


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in MAPPING.items() if key != name}


def test_the_columns_are_those_of_the_page() -> None:
    assert len(COLUMNS) == 19
    fields = {field.alias for field in ColumnMapping.model_fields.values()}
    assert fields == {*COLUMNS, "dateFormat", "observations"}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_counts_from_one(
    name: str, eci_sandbox: Sandbox, client: EciClient, refusal: Callable[..., str]
) -> None:
    for value, bound in (
        (0, "must be greater than or equal to 1"),
        (INT32, f"must be less than or equal to {INT32 - 1}"),
        (True, "must be a whole number, not true or false"),
        ("A", "must be a whole number"),
    ):
        message = refusal(client.import_profiles.create, "P", mapping(**{name: value}))
        assert message.startswith(f"{WHERE}.{name} is {value!r}: {bound}")
    for number, value in enumerate((1, INT32 - 1)):
        profile = client.import_profiles.create(f"P{number}", mapping(**{name: value}))
        assert eci_sandbox.requests[-1].body["columnMapping"][name] == value
        assert profile.column_mapping is not None
        assert profile.column_mapping[name] == value


@pytest.mark.parametrize("name", [*REQUIRED, "dateFormat", "observations"])
def test_a_mapping_must_have_what_is_required(name: str, client: EciClient, refusal: Callable[..., str]) -> None:
    assert refusal(client.import_profiles.create, "P", without(name)) == f"{WHERE}.{name} is required"
    assert refusal(client.import_profiles.create, "P", mapping(**{name: None})).startswith(
        f"{WHERE}.{name} is None: "
    )


@pytest.mark.parametrize("date_format", FORMATS)
def test_documented_date_formats_are_sent(date_format: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    client.import_profiles.create("P", mapping(dateFormat=date_format))
    assert eci_sandbox.profiles()[0]["column_mapping"]["dateFormat"] == date_format


@pytest.mark.parametrize("date_format", ["string", "YYYYMMDD", "yyyy-mm-dd", "month dd yyyy", "yyyymmdd ", ""])
def test_other_date_formats_are_refused(date_format: str, client: EciClient, refusal: Callable[..., str]) -> None:
    message = refusal(client.import_profiles.create, "P", mapping(dateFormat=date_format))
    assert message == f"{WHERE}.dateFormat is {date_format!r}: {ONE_OF}"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (mapping(observations=[]), ".observations is []: must have at least 1 entry"),
        (observation(columnIndex=0), ".observations.0.columnIndex is 0: must be greater than or equal to 1"),
        (
            observation(columnIndex=INT32),
            f".observations.0.columnIndex is {INT32}: must be less than or equal to ",
        ),
        (observation(caption="x" * 33), ".observations.0.caption is 'xxx"),
        (observation(caption=None), ".observations.0.caption is None: "),
        (observation(unitCode=""), ".observations.0.unitCode is '': it should have at least 1 character"),
        (
            observation(observationTypeCode=""),
            ".observations.0.observationTypeCode is '': it should have at least",
        ),
        (
            observation(observationType="CHG"),
            ".observations.0.observationType is not a field. Did you mean observation_type_code? "
            "Allowed: column_index, observation_type_code, caption, unit_code",
        ),
        (mapping(accountColumnIndex=1), ".accountColumnIndex is not a field. Did you mean "),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_illegal_mappings_are_refused(
    bad: dict[str, Any], problem: str, client: EciClient, refusal: Callable[..., str]
) -> None:
    assert refusal(client.import_profiles.create, "P", bad).startswith(WHERE + problem)
    assert refusal(client.import_profiles.edit, 1, "P", bad).startswith(WHERE.replace("create", "edit") + problem)


def test_a_caption_takes_32_characters(eci_sandbox: Sandbox, client: EciClient) -> None:
    for number, caption in enumerate(("", "x", "x" * 32)):
        client.import_profiles.create(f"P{number}", observation(caption=caption))
        assert eci_sandbox.requests[-1].body["columnMapping"]["observations"][0]["caption"] == caption


def test_a_code_takes_1_to_64_characters(
    eci_sandbox: Sandbox, client: EciClient, refusal: Callable[..., str]
) -> None:
    message = refusal(client.import_profiles.create, "", MAPPING)
    assert message == "import_profiles.create: profile_code is '': it should have at least 1 character"
    message = refusal(client.import_profiles.create, "x" * 65, MAPPING)
    assert message.startswith("import_profiles.create: profile_code is 'xxx")
    assert message.endswith("(65 long): it should have at most 64 characters")
    for code in ("x", "x" * 64):
        client.import_profiles.create(code, MAPPING)
    assert [profile["profile_code"] for profile in eci_sandbox.profiles()] == ["x", "x" * 64]


@pytest.mark.parametrize("profile_id", [0, INT32, True, "P", None])
def test_a_profiles_number_is_no_code(profile_id: Any, client: EciClient, refusal: Callable[..., str]) -> None:
    for call in (
        lambda: client.import_profiles.get(profile_id),
        lambda: client.import_profiles.edit(profile_id, "P", MAPPING),
        lambda: client.import_profiles.delete(profile_id),
    ):
        assert refusal(call).startswith(f"import_profiles: profile_id is {profile_id!r}: must be ")


def test_a_profile_goes_through_its_life(client: EciClient) -> None:
    created = client.import_profiles.create("P", ColumnMapping(**MAPPING))
    assert created.profile_id is not None
    assert client.import_profiles.get(created.profile_id) == created
    edited = client.import_profiles.edit(created.profile_id, "Q", mapping(meterCodeColumnIndex=5))
    assert (edited.profile_id, edited.profile_code) == (created.profile_id, "Q")
    assert edited.column_mapping is not None
    assert edited.column_mapping["meterCodeColumnIndex"] == 5
    # A PUT replaces: what is left out of an edit is gone.
    client.import_profiles.edit(created.profile_id, "Q", MAPPING)
    (listed,) = client.import_profiles.list()
    assert listed.column_mapping is not None
    assert listed.column_mapping["meterCodeColumnIndex"] is None
    with pytest.raises(EciBadRequestError, match="already in use"):
        client.import_profiles.create("Q", MAPPING)
    client.import_profiles.delete(created.profile_id)
    assert client.import_profiles.list() == []
    with pytest.raises(EciNotFoundError):
        client.import_profiles.get(created.profile_id)


def test_a_mapping_that_is_no_object_is_refused(client: EciClient, refusal: Callable[..., str]) -> None:
    for bad in (None, [], "accountCodeColumnIndex=1", GUID):
        assert refusal(client.import_profiles.create, "P", bad).startswith(f"{WHERE} is {bad!r}: ")
