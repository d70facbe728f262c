"""Arguments are read when the DAG is parsed, as far as they are known, and again once they are rendered."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from eci_provider.core.errors import EciValidationError
from eci_provider.runtime.arguments import as_mapping, is_template, read_arguments
from eci_provider.runtime.readers import choice, switch
from tests.support import values

READERS = {"a": switch, "b": switch, "c": choice(("x", "y"))}


def _task(**arguments: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"a": True, "b": False, "c": "x", "template_fields": ("a", "c"), **arguments})


def _read(task: Any, *, is_rendered: bool) -> dict[str, Any]:
    return read_arguments(task, READERS, source="here", is_rendered=is_rendered)


def test_templates_are_left_out_only_where_the_argument_may_be_one() -> None:
    assert _read(_task(a="{{ x }}"), is_rendered=False) == {"b": False, "c": "x"}
    with pytest.raises(EciValidationError, match=r"^here: b is '{{ x }}': must be True or False$"):
        _read(_task(b="{{ x }}"), is_rendered=False)


def test_one_error_names_everything_that_is_wrong() -> None:
    with pytest.raises(EciValidationError) as caught:
        _read(_task(a="{{ x }}", b="{% y %}", c="{# z #}"), is_rendered=True)

    assert [problem.split()[0] for problem in caught.value.details["problems"]] == ["a", "b", "c"]


def test_arguments_are_kept_as_what_they_are_in_substance() -> None:
    task = _task(c=values.LoudText("y"), d=[values.Choice.WARN, {"e": values.Number.THREE}])
    task.template_fields = ("c", "d")

    assert _read(task, is_rendered=False)["c"] == "y"
    assert type(task.c) is str
    assert task.d == ["warn", {"e": 3}]
    assert type(task.d[0]) is str


@pytest.mark.parametrize(
    "value", ["{{ x }}", "a {% x %}", "{# x #}", {"a": ["{{ x }}"]}, ("{{ x }}",), {"{{ x }}"}]
)
def test_templates(value: Any) -> None:
    assert is_template(value)
    assert not is_template({"a": ["x {x}"]})


def test_airflow_renders_what_is_in_a_dict() -> None:
    assert type(as_mapping(MappingProxyType({"a": "{{ x }}"}))) is dict
