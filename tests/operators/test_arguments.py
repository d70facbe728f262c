"""
Every argument of every operator and sensor against every kind of value: refused by name or right, never neglected.

The table is made from the signatures, so that a new argument must be given a kind.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator

import eci_provider.operators
import eci_provider.sensors
from eci_provider.api.errors import EciValidationError
from eci_provider.api.models import validated
from eci_provider.bills.check_options import checked_options
from eci_provider.bills.column_choice import ColumnChoice
from eci_provider.operators import CheckBillFileOperator, SplitBillFileOperator
from eci_provider.operators.columns import known_columns
from eci_provider.runtime.readers import without_none_texts
from tests.support.argument_kinds import KINDS, NEEDED, Kind
from tests.support.run_task import TaskInstanceDouble

TASKS = [getattr(eci_provider.operators, name) for name in eci_provider.operators.__all__]
TASKS += [getattr(eci_provider.sensors, name) for name in eci_provider.sensors.__all__]


def _parameters(cls: Any) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(vars(cls)["__init__"]).parameters.items():
        if name not in ("self", "kwargs"):
            yield parameter


ARGUMENTS = [(cls, parameter.name) for cls in TASKS for parameter in _parameters(cls)]
#: The attribute of an argument, where it has another name.
ATTRIBUTES = {"on_kill": "kill_action"}
TEMPLATED = [(cls, name) for cls, name in ARGUMENTS if ATTRIBUTES.get(name, name) in cls.template_fields]
FIXED = [each for each in ARGUMENTS if each not in TEMPLATED]
TEMPLATE = "{{ params.value }}"
#: These read a mapping when they look up its names in the file.
OF_BILL_FILES = (CheckBillFileOperator, SplitBillFileOperator)


def _table(cells: list[tuple[Any, str]]) -> pytest.MarkDecorator:
    ids = [f"{cls.__name__}-{name}" for cls, name in cells]
    return pytest.mark.parametrize(("cls", "name"), cells, ids=ids)


def _kind(name: str) -> Kind:
    return KINDS[name]


def _is_optional(cls: Any, name: str) -> bool:
    """Return whether None stands for "left out"."""
    (parameter,) = (each for each in _parameters(cls) if each.name == name)
    return parameter.default is None or name in ("rules_off", "fail_on")


def _make(cls: Any, name: str, value: Any) -> Any:
    return cls(task_id="task", **{**NEEDED[cls], name: value})


def _rendered(cls: Any, name: str, value: Any, *, native: bool = False) -> Any:
    """Return a task whose template was rendered to a value."""
    with DAG("dag", schedule=None, render_template_as_native_obj=native):
        task = _make(cls, name, TEMPLATE)
    task.render_template_fields({"params": {"value": value}, "task": task, "ti": TaskInstanceDouble(task)})
    return task


def _resolved(cls: Any, name: str, value: Any) -> Any:
    """Return a task that was given the result of another one."""
    with DAG("dag", schedule=None):
        task = _make(cls, name, BaseOperator(task_id="other").output)
    assert task.upstream_task_ids == {"other"}
    instance: Any = TaskInstanceDouble(task, xcoms={"return_value": value})
    instance.get_relevant_upstream_map_indexes = lambda *_, **__: None  # Airflow 2 asks for it
    task.render_template_fields({"ti": instance, "task": task, "params": {}, "expanded_ti_count": None})
    return task


def _taken(task: Any, name: str) -> Any:
    """Return what the work takes for an argument, by the step that checks rendered arguments."""
    attribute = ATTRIBUTES.get(name, name)
    read = task.read()
    if name == "eci_conn_id" and not isinstance(task, BaseSensorOperator):
        return task.connection_id()
    if name in ("accounts", "meters", "rules_off", "fail_on"):
        return getattr(
            checked_options(source="here", **{name: read[name]}), "off" if name == "rules_off" else name
        )
    if name in ("profile_code", "column_mapping") and isinstance(task, OF_BILL_FILES):
        columns = without_none_texts({each: getattr(task, each) for each in ("profile_code", "column_mapping")})
        found = getattr(validated(ColumnChoice, known_columns(columns, source="here"), source="here"), name)
        return found.wire() if hasattr(found, "wire") else found
    if attribute in read:
        return read[attribute]
    if attribute in getattr(task, "request_fields", ()):
        request = task.checked_request()
        found = getattr(request, name)
        return found.wire() if hasattr(found, "wire") else found
    return getattr(task, name)


def _assert_taken(task: Any, name: str, substance: Any) -> None:
    taken = _taken(task, name)
    assert taken == substance
    if not isinstance(substance, set):
        assert type(taken) is type(substance)


def _assert_refused(name: str, make: Any) -> None:
    """Assert that an argument is refused by its name, when the DAG is parsed or once it is rendered."""
    with pytest.raises(EciValidationError) as caught:
        _taken(make(), name)
    assert name in str(caught.value)


def test_every_argument_has_a_kind() -> None:
    assert {name for _, name in ARGUMENTS} == set(KINDS)
    assert len(ARGUMENTS) > 100
    assert set(TASKS) == set(NEEDED)


@_table(ARGUMENTS)
def test_a_right_literal_is_taken_whoever_made_it(cls: Any, name: str) -> None:
    for value, substance in _kind(name).right:
        task = _make(cls, name, value)
        with DAG("dag", schedule=None):
            task.render_template_fields({"params": {}, "task": task, "ti": TaskInstanceDouble(task)})
        _assert_taken(task, name, substance)


@_table(ARGUMENTS)
def test_a_wrong_literal_is_refused_when_the_dag_is_parsed(cls: Any, name: str) -> None:
    for value in [*_kind(name).wrong, *_kind(name).foreign]:
        if isinstance(value, str) and not value.strip() and _is_optional(cls, name):
            continue  # an empty text may count as left out
        with pytest.raises(EciValidationError) as caught:
            _make(cls, name, value)
        assert name in str(caught.value), repr(value)


@_table(TEMPLATED)
def test_a_template_is_left_for_later_and_read_once_it_is_rendered(cls: Any, name: str) -> None:
    for text, substance in _kind(name).rendered:
        _assert_taken(_rendered(cls, name, text), name, substance)


@_table(TEMPLATED)
def test_what_is_wrong_then_is_refused_and_nothing_is_a_template_any_more(cls: Any, name: str) -> None:
    for text in _kind(name).wrong_texts:
        if not text.strip() and _is_optional(cls, name):
            continue
        _assert_refused(name, lambda text=text: _rendered(cls, name, text))


@_table(TEMPLATED)
def test_native_rendering_and_results_of_other_tasks_give_values(cls: Any, name: str) -> None:
    for value, substance in _kind(name).right:
        if not isinstance(value, (str, Path)):
            _assert_taken(_rendered(cls, name, value, native=True), name, substance)
        _assert_taken(_resolved(cls, name, value), name, substance)
    for value in _kind(name).foreign:
        _assert_refused(name, lambda value=value: _resolved(cls, name, value))


@_table(TEMPLATED)
def test_nothing_counts_as_left_out_or_is_refused_by_name(cls: Any, name: str) -> None:
    makes = [
        lambda: _make(cls, name, None),
        lambda: _make(cls, name, "None"),
        lambda: _rendered(cls, name, None),
        lambda: _rendered(cls, name, None, native=True),
        lambda: _rendered(cls, name, " None "),
        lambda: _resolved(cls, name, None),
        lambda: _resolved(cls, name, "None"),
    ]
    for make in makes:
        if _is_optional(cls, name):
            assert _taken(make(), name) in (None, frozenset())
        else:
            _assert_refused(name, make)


@_table(FIXED)
def test_what_cannot_be_a_template_is_refused_as_one(cls: Any, name: str) -> None:
    for value in (TEMPLATE, BaseOperator(task_id="other").output, None, "None", ["{{ x }}"]):
        with pytest.raises(EciValidationError) as caught:
            _make(cls, name, value)
        assert name in str(caught.value)
