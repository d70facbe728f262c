"""Airflow's own arguments are known by name; an unknown one is refused, and says which was probably meant."""

from __future__ import annotations

import ast
import copy
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

from eci_provider.api.errors import EciValidationError
from eci_provider.operators import ImportBillsOperator
from eci_provider.runtime import operator_arguments
from eci_provider.runtime.operator_arguments import EciArgumentError, refuse_unknown
from eci_provider.sensors import EciTaskSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from eci_provider.runtime.operator_arguments import OperatorArguments


class Greet(BaseOperator):
    def __init__(self, *, greeting: str = "hello", **kwargs: Unpack[OperatorArguments]) -> None:
        refuse_unknown(type(self), kwargs)
        super().__init__(**kwargs)
        self.greeting = greeting

    def execute(self, context: Any) -> str:
        return self.greeting


class GreetLoudly(Greet):
    """Takes an argument out of ``kwargs``, as subclasses of users do."""

    def __init__(self, **kwargs: Any) -> None:
        self.volume = kwargs.pop("volume", 11)
        super().__init__(**kwargs)


def _fields(name: str) -> set[str]:
    """Return the fields of a TypedDict that type checkers alone see."""
    tree = ast.parse(inspect.getsource(operator_arguments))
    (cls,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        line.target.id
        for line in cls.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


@pytest.mark.parametrize(
    ("airflows", "ours", "named_by_ours"),
    [
        (BaseOperator, "OperatorArguments", set()),
        (BaseSensorOperator, "SensorArguments", {"poke_interval"}),
    ],
)
def test_every_argument_of_this_airflow_is_known_to_type_checkers(
    airflows: type, ours: str, named_by_ours: set[str]
) -> None:
    arguments = set(inspect.signature(airflows.__init__).parameters) - {"self", "kwargs"}

    assert "timeout" in arguments or "retries" in arguments
    assert arguments - _fields(ours) - _fields("OperatorArguments") == named_by_ours


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("greetin", "greeting"), ("retry_dely", "retry_delay"), ("depend_on_past", "depends_on_past")],
)
def test_an_unknown_argument_says_which_was_probably_meant(misspelt: str, meant: str) -> None:
    with pytest.raises(EciArgumentError) as caught:
        Greet(task_id="greet", **{misspelt: "x"})  # type: ignore[arg-type]

    assert str(caught.value) == (
        f"Greet 'greet': {misspelt} is not an argument. Did you mean {meant}? "
        "It has greeting, and those of BaseOperator"
    )
    assert isinstance(caught.value, TypeError)  # as Python and Airflow 3 refuse it
    assert isinstance(caught.value, EciValidationError)


def test_nothing_is_guessed_where_no_argument_is_near() -> None:
    with pytest.raises(EciArgumentError, match=r"zzz is not an argument. It has greeting,") as caught:
        Greet(task_id="greet", zzz=1, yyy=2)  # type: ignore[call-arg]

    assert len(caught.value.details["problems"]) == 2


def test_arguments_of_subclasses_are_theirs() -> None:
    assert GreetLoudly(task_id="greet", volume=3).volume == 3


@pytest.mark.parametrize(
    ("make", "misspelt", "meant"),
    [
        (lambda: ImportBillsOperator(task_id="t", fil="b.csv"), "fil", "file"),
        (lambda: ImportBillsOperator(task_id="t", file="b.csv", defferable=True), "defferable", "deferrable"),
        (lambda: ImportBillsOperator.partial(task_id="t", profil_code="P"), "profil_code", "profile_code"),
        (lambda: EciTaskSensor(task_id="t", task_giud="{{ guid }}"), "task_giud", "task_guid"),
        (lambda: EciTaskSensor(task_id="t", task_guid="{{ guid }}", time_out=5), "time_out", "timeout"),
    ],
)
def test_our_operators_and_sensors_say_so(make: Any, misspelt: str, meant: str) -> None:
    with pytest.raises(EciArgumentError, match=f"'t': {misspelt} is not an argument. Did you mean {meant}\\? It"):
        make()


def test_a_subclass_of_our_operators_may_take_arguments_out_of_kwargs() -> None:
    class Import(ImportBillsOperator):
        """Knows its file by another name."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(file=kwargs.pop("bills"), **kwargs)

    task = Import(task_id="t", bills="b.csv")
    assert (task.file, copy.deepcopy(task).file) == ("b.csv", "b.csv")


def test_mapped_tasks_are_made_with_arguments_of_airflows_own() -> None:
    mapped = Greet.partial(task_id="greet", retries=1).expand(greeting=["hi", "ho"])

    task: Any = mapped.unmap({"greeting": "hi"})
    assert (task.greeting, task.retries) == ("hi", 1)
