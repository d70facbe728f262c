"""Recipes from dicts and files; what is wrong in one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import BillFileRecipe, load_recipe

GOOD: dict[str, Any] = {
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "amounts": {"COST:USD:Gas": "Charges"},
}
YAML = "account_code: Account\nstart_date: From\nend_date: To\namounts: {'COST:USD:Gas': Charges}\n"


def test_a_dict_json_and_yaml_give_the_same_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(GOOD)
    (tmp_path / "r.json").write_text(recipe.model_dump_json(exclude_unset=True))
    (tmp_path / "r.yml").write_text(YAML)

    assert load_recipe(tmp_path / "r.json") == load_recipe(str(tmp_path / "r.yml")) == recipe
    assert load_recipe(recipe) is recipe
    assert BillFileRecipe.model_validate(recipe.wire()) == recipe


def test_a_code_in_yaml_stays_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        YAML + "meter_code: {constant: 0004411}\nvendor_code: {constant: no}\ninvoice_number: {constant: 1.50}\n"
        "bill_note: {constant: 2024-01-31}\ncontrol_code: {column: 7}\nrate: {column: '7'}\n"
    )

    recipe = load_recipe(tmp_path / "r.yaml")

    found = [recipe.meter_code, recipe.vendor_code, recipe.invoice_number, recipe.bill_note]
    assert [value and value.constant for value in found] == ["0004411", "no", "1.50", "2024-01-31"]
    assert recipe.control_code is not None
    assert recipe.rate is not None
    assert (recipe.control_code.column, recipe.rate.column) == (7, "7")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("r.yaml", YAML + "end_date: To\n", "a key is there twice"),
        ("r.yaml", "a: [", "it is not YAML"),
        ("r.yaml", "- a\n", "must be a mapping"),
        ("r.json", '{"a": 1, "a": 2}', "'a' is there twice"),
        ("r.json", "{", "it is not JSON"),
        ("r.yaml", YAML + "meter_code: {column: M, lookup: none.csv}\n", "cannot be opened"),
        ("r.yaml", YAML + "meter_code: {column: M, lookup: three.csv}\n", "has 3 cells instead of two"),
        ("r.yaml", YAML + "meter_code: {column: M, lookup: double.csv}\n", "gives a code another value"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(name: str, text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "three.csv").write_text("a,b,c\n")
    (tmp_path / "double.csv").write_text("a,b\na,c\n")

    with pytest.raises(EciValidationError, match=problem):
        load_recipe(tmp_path / name)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"account_code": None}, "account_code is missing"),
        ({"amounts": {}}, "amounts is missing"),
        ({"amounts": {"Cost": "Charges"}}, "must be TYPE:UNIT:LABEL"),
        ({"account_code": {"column": "A", "constant": "B"}}, "it names column and constant"),
        ({"account_code": {}}, "it names nothing"),
        ({"account_code": {"column": 0}}, "column"),
        ({"account_code": {"column": "A", "pattern": "("}}, "must be a regular expression"),
        ({"account_code": {"column": "A", "pattern": "(a)(b)"}}, "at most one group"),
        ({"end_date": {"column": "A", "date": "mm/yyyy"}}, "names no day"),
        ({"end_date": {"column": "A", "date": "dd/mm/yyyy q"}}, "which is no part of a date"),
        ({"dates": "yyyy-mm-dd yy"}, "names the year twice"),
        ({"start_date": {"column": "A", "first": "2024-01-01"}}, "first is for after_last_end only"),
        ({"source": {"encoding": "klingon"}}, "must be an encoding"),
        ({"source": {"header_rows": 0}}, "header_rows"),
        ({"numbers": {"decimal": ",", "thousands": ","}}, "must differ"),
        ({"leave_out": {"column": "A"}}, "must have one of equals, matches and empty"),
        ({"colums": 1}, "colums is not a field"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match=problem):
        load_recipe({**GOOD, **wrong})
