"""Airflow's own arguments of operators and sensors, for type checkers; unknown ones are refused with a hint."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from eci_provider.core.errors import EciValidationError
from eci_provider.core.text import did_you_mean

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import DAG, TaskGroup
    from typing_extensions import Required

    # For type checkers alone: each name that is evaluated here is paid for whenever a DAG file is parsed.
    _Callbacks: TypeAlias = "Callable[..., Any] | list[Callable[..., Any]] | None"

    class OperatorArguments(TypedDict, total=False):
        """Arguments of BaseOperator in Airflow 2.11 to 3.3; each version refuses those that it lacks."""

        task_id: Required[str]
        owner: str
        email: str | Sequence[str] | None
        email_on_retry: bool
        email_on_failure: bool
        retries: int | None
        retry_delay: timedelta | float
        retry_exponential_backoff: float
        max_retry_delay: timedelta | float | None
        retry_policy: Any
        start_date: datetime | None
        end_date: datetime | None
        depends_on_past: bool
        ignore_first_depends_on_past: bool
        wait_for_past_depends_before_skipping: bool
        wait_for_downstream: bool
        dag: DAG | None
        params: MutableMapping[str, Any] | None
        default_args: dict[str, Any] | None
        priority_weight: int
        weight_rule: Any
        queue: str
        pool: str | None
        pool_slots: int
        sla: timedelta | None
        execution_timeout: timedelta | None
        on_execute_callback: _Callbacks
        on_failure_callback: _Callbacks
        on_success_callback: _Callbacks
        on_retry_callback: _Callbacks
        on_skipped_callback: _Callbacks
        pre_execute: Callable[[Any], None] | None
        post_execute: Callable[[Any, Any], None] | None
        trigger_rule: str
        resources: dict[str, Any] | None
        run_as_user: str | None
        task_concurrency: int | None
        map_index_template: str | None
        max_active_tis_per_dag: int | None
        max_active_tis_per_dagrun: int | None
        executor: str | None
        executor_config: dict[str, Any] | None
        do_xcom_push: bool
        multiple_outputs: bool
        inlets: Any
        outlets: Any
        task_group: TaskGroup | None
        doc: str | None
        doc_md: str | None
        doc_json: str | None
        doc_yaml: str | None
        doc_rst: str | None
        task_display_name: str | None
        logger_name: str | None
        allow_nested_operators: bool
        render_template_as_native_obj: bool | None

    class SensorArguments(OperatorArguments, total=False):
        """Arguments of BaseSensorOperator beside BaseOperator's; our sensors name ``poke_interval`` themselves."""

        timeout: timedelta | float
        soft_fail: bool
        mode: Literal["poke", "reschedule"]
        exponential_backoff: bool
        max_wait: timedelta | float | None
        silent_fail: bool
        never_fail: bool


class EciArgumentError(EciValidationError, TypeError):
    """
    An operator was given an argument that it does not have.

    It is a TypeError, as Python and Airflow 3 raise, and refused like every other wrong argument of ours.
    """


def refuse_unknown(operator: type, arguments: Mapping[str, Any]) -> None:
    """
    Refuse arguments that neither an operator's class nor any above it has, before Airflow does without a hint.

    :param operator: the class of the operator or sensor.
    :param arguments: what was left in ``**kwargs``.
    :raises EciArgumentError: when there is one; it says which was probably meant.
    """
    known = _arguments(operator)
    unknown = [name for name in arguments if name not in known and not name.startswith("_airflow")]
    if not unknown:
        return
    ours = [name for name, is_ours in known.items() if is_ours]
    problems = [
        f"{name} is not an argument. {did_you_mean(name, known)}"
        f"It has {', '.join(ours)}, and those of {'BaseSensorOperator' if 'mode' in known else 'BaseOperator'}"
        for name in unknown
    ]
    raise EciArgumentError(problems, source=f"{operator.__name__} {str(arguments.get('task_id'))!r}")


@lru_cache(maxsize=256)
def _arguments(operator: type) -> dict[str, bool]:
    """Return the names of all arguments of an operator, and of each whether Airflow does not have it."""
    known: dict[str, bool] = {}
    for cls in operator.__mro__:
        if "__init__" not in vars(cls) or cls is object:
            continue
        for name, parameter in inspect.signature(vars(cls)["__init__"]).parameters.items():
            if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                known.setdefault(name, not cls.__module__.startswith("airflow."))
    return known
