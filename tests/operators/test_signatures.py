"""Signature and docstring of whatever a DAG's author calls: every argument is named, typed and explained."""

from __future__ import annotations

import ast
import inspect
import re
from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

import eci_provider.operators
import eci_provider.sensors
import eci_provider.triggers
from eci_provider.hooks.eci import EciHook

OPERATORS = [getattr(eci_provider.operators, name) for name in eci_provider.operators.__all__]
SENSORS = [getattr(eci_provider.sensors, name) for name in eci_provider.sensors.__all__]
TRIGGERS = [getattr(eci_provider.triggers, name) for name in eci_provider.triggers.__all__]
TASKS = [*OPERATORS, *SENSORS]
CLASSES = [*TASKS, *TRIGGERS, EciHook]
#: Arguments whose values are few words.
CHOICES = {"on_kickouts", "on_kill", "if_exists", "on_problems", "batch_status"}

each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
each_task = pytest.mark.parametrize("cls", TASKS, ids=lambda cls: cls.__name__)


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(vars(cls)["__init__"]).parameters)
    del parameters["self"]
    return parameters


def _named(cls: type) -> dict[str, inspect.Parameter]:
    return {name: each for name, each in _parameters(cls).items() if each.kind is not each.VAR_KEYWORD}


def _explained(cls: type) -> dict[str, str]:
    """Return what a class's docstring says of each argument, on one line."""
    entries = re.findall(r"^:param (\w+): (.*?)(?=^:|\Z)", inspect.getdoc(cls) or "", flags=re.M | re.S)
    assert len(dict(entries)) == len(entries)
    return {name: " ".join(text.split()) for name, text in entries}


def test_every_class_is_looked_at() -> None:
    assert len(OPERATORS) >= 8
    assert len(SENSORS) == len(TRIGGERS) == 2


@each_class
def test_every_argument_is_named_and_typed(cls: type) -> None:
    named = _named(cls)

    assert all(each.annotation is not each.empty for each in named.values())
    ours = [
        base for base in cls.__mro__ if base.__module__.startswith("eci_provider.") and "__init__" in vars(base)
    ]
    assert {name for base in ours for name in _named(base)} <= set(named)


@each_task
def test_only_airflows_own_arguments_go_through_kwargs(cls: type) -> None:
    arguments = "SensorArguments" if issubclass(cls, BaseSensorOperator) else "OperatorArguments"

    assert _parameters(cls)["kwargs"].annotation == f"Unpack[{arguments}]"
    airflows = {*inspect.signature(BaseOperator.__init__).parameters, "soft_fail", "mode"}
    assert not airflows & set(_named(cls))


@pytest.mark.parametrize("cls", [*TRIGGERS, EciHook], ids=lambda cls: cls.__name__)
def test_nothing_else_goes_through_kwargs(cls: type) -> None:
    assert _parameters(cls) == _named(cls)


@each_class
def test_at_most_two_classes_of_ours_stand_above_airflows(cls: type) -> None:
    assert len([base for base in cls.__mro__ if base.__module__.startswith("eci_provider.")]) <= 2


@each_class
def test_choices_and_spans_of_time_have_their_types(cls: type) -> None:
    for name, each in _named(cls).items():
        if name in CHOICES and cls not in TRIGGERS:
            assert "Literal[" in each.annotation, name
        if name in ("poll_interval", "poke_interval", "timeout") and cls in TASKS:
            assert each.annotation == "timedelta | float", name


@each_class
def test_every_argument_is_explained(cls: type) -> None:
    explained = _explained(cls)

    assert list(explained) == list(_parameters(cls))
    for name, each in _named(cls).items():
        if each.default is not each.empty:
            said = explained[name].partition("Default: ")[2]
            assert said, f"{name}: {explained[name]}"
            word = "default_deferrable" if name == "deferrable" else _word(each.default)
            assert word in said, f"{name}: {said}"
        else:
            assert "Default:" not in explained[name], name
        if "timedelta" in each.annotation:
            assert "seconds (or a timedelta)" in explained[name], name


def _word(default: Any) -> str:
    """Return how a docstring writes a default; an empty text where it says in words what happens without."""
    if default is None or default in ([], ()):
        return ""
    if isinstance(default, str):
        return f'``"{default}"``'
    if isinstance(default, timedelta):
        return f"{default.total_seconds() / 3600:g} hours"
    return str(default) if isinstance(default, bool) else f"{default:g}"


@each_task
def test_what_is_a_template_says_so(cls: Any) -> None:
    explained = _explained(cls)
    said = {name for name in _named(cls) if "Templated." in explained[name]}

    # Airflow's method has the name of the argument on_kill.
    assert said == {"on_kill" if name == "kill_action" else name for name in cls.template_fields}


@each_task
def test_the_result_and_an_example_are_shown(cls: Any) -> None:
    text = inspect.getdoc(cls) or ""
    example = re.search(r"^(?:\.\. code-block:: python|.*::)\n\n((?:    .*\n|\n)+)", text, flags=re.M)

    assert re.search(r"^:return: .", text, flags=re.M)
    for key in cls.output_keys:
        assert f'output["{key}"]' in text, key
    assert example is not None
    tree = ast.parse(dedent(example.group(1)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    (call,) = (node for node in calls if getattr(node.func, "id", "") == cls.__name__)
    given = {keyword.arg for keyword in call.keywords}
    required = {name for name, each in _named(cls).items() if each.default is each.empty}
    assert {"task_id", *required} <= given <= {"task_id", *_named(cls)}
