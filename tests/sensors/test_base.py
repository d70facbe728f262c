"""What both sensors share: named and explained arguments, checked when the DAG is parsed."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from tests.support.docstrings import explained_arguments, explanation

NEEDED: dict[type, dict[str, Any]] = {
    EciTaskSensor: {"task_guid": "{{ params.guid }}"},
    EciBatchSensor: {"batch_id": 7, "batch_status": "Closed"},
}


@pytest.mark.parametrize("name", ["timeout", "execution_timeout"])
@pytest.mark.parametrize("kind", [EciTaskSensor, EciBatchSensor])
def test_a_span_of_more_than_a_year_is_refused(kind: type[Any], name: str) -> None:
    for span in (timedelta(days=367), timedelta(seconds=1e12)):
        with pytest.raises(errors.EciValidationError, match=f"{name} is .*at most a year"):
            kind(task_id="wait", **{name: span}, **NEEDED[kind])
    kind(task_id="wait", **{name: timedelta(days=366)}, **NEEDED[kind])
    kind(task_id="wait", timeout=0, **NEEDED[kind])


@pytest.mark.parametrize("kind", [EciTaskSensor, EciBatchSensor])
def test_every_argument_of_ours_is_named_typed_and_explained(kind: type[Any]) -> None:
    own = [entry for name, entry in inspect.signature(kind).parameters.items() if name != "kwargs"]

    assert {"eci_conn_id", "deferrable", "poke_interval", "wait_for_analysis"} <= {entry.name for entry in own}
    assert explained_arguments(kind) == [entry.name for entry in own] + ["kwargs"]
    for entry in own:
        assert entry.annotation is not entry.empty, entry.name
        has_default = entry.default is not entry.empty
        assert ("Default:" in explanation(kind, entry.name)) is has_default, entry.name


@pytest.mark.parametrize("kind", [EciTaskSensor, EciBatchSensor])
def test_an_unknown_argument_says_which_was_meant(kind: type[Any]) -> None:
    hint = re.escape("wait_for_analyses is not an argument. Did you mean wait_for_analysis?")

    with pytest.raises(errors.EciValidationError, match=hint):
        kind(task_id="wait", wait_for_analyses=True, **NEEDED[kind])


@pytest.mark.parametrize("kind", [EciTaskSensor, EciBatchSensor])
def test_no_more_than_two_classes_of_ours_stand_above_airflows(kind: type[Any]) -> None:
    ours = [base.__name__ for base in kind.__mro__ if base.__module__.startswith("eci_provider")]

    assert ours == [kind.__name__, "EciSensor"]
