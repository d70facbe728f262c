"""A profile is read as EnergyCAP may show it, which may differ from what it accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.operators import CheckBillFileOperator
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import MAPPING, row, text
from tests.support.run_task import Finished, run

CHARGE, ENERGY = MAPPING["observations"]
PROFILES = "/api/v3/import/bill/profile"


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    """A file with a fault in a date and one in each column of amounts."""
    file = tmp_path / "bills.csv"
    file.write_text(text(row(start="13/13/2025"), row(account="2", charge="x"), row(account="3", energy="y")))
    return file


def _checked(sandbox: Sandbox, bills: Path, mapping: Any) -> Finished:
    profile = {"profileId": 7, "profileCode": "P", "columnMapping": mapping}
    sandbox.fault("GET", PROFILES, status=200, body=[profile])
    return run(CheckBillFileOperator(task_id="check", file=str(bills), profile_code="P", on_problems="warn"))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"profileVersion": 2, "numberOfHeaderRows": 1},
        {"dateFormat": "MM/dd/yyyy"},
        {"observations": [{**CHARGE, "observationTypeId": 3}, {**ENERGY, "channel": None}]},
        {"observations": [{**CHARGE, "caption": None}, {**ENERGY, "unitCode": None}]},
        {"observations": [{"ColumnIndex": 6}, {"COLUMNINDEX": 7, "caption": "c" * 60}]},
        {"observations": [CHARGE, ENERGY, {**CHARGE, "columnIndex": 0}, {**CHARGE, "columnIndex": None}]},
        {"rateColumnIndex": 0, "payAmountColumnIndex": None, "serialNumberColumnIndex": -1},
    ],
)
def test_a_profile_is_read_leniently(changed: dict[str, Any], sandbox: Sandbox, bills: Path) -> None:
    end = _checked(sandbox, bills, {**MAPPING, **changed})

    assert end.state == "success", end.error
    assert [(kind["code"], kind["column"]) for kind in end.result["problems"]] == [
        ("date_unreadable", "Start"),
        ("number_unreadable", "Charge"),
        ("number_unreadable", "Energy"),
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"dateFormat": "dd.mm.yyyy"}, "dateFormat is 'dd.mm.yyyy'"),
        ({"accountCodeColumnIndex": 0}, "accountCodeColumnIndex is required"),
        ({"observations": []}, "at least 1 entry"),
        ({"observations": ["x"]}, "observations.0 is 'x'"),
        ({"endDateColumnIndex": "third"}, "endDateColumnIndex is 'third'"),
    ],
)
def test_what_is_missing_in_a_profile_is_reported(
    changed: dict[str, Any], words: str, sandbox: Sandbox, bills: Path
) -> None:
    end = _checked(sandbox, bills, {**MAPPING, **changed})

    assert isinstance(end.error, EciValidationError)
    assert "the mapping of import profile 'P' cannot be used: " in str(end.error)
    assert words in str(end.error)
