"""Raise our errors as Airflow's exceptions, if that changes what Airflow does with the task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

from airflow.providers.common.compat.sdk import AirflowFailException
from jinja2 import TemplateError

from eci_provider.api.errors import EciError, EciValidationError

_Error = TypeVar("_Error", bound=EciError)

#: What Airflow 3 leaves undefined in a run without a logical date.
_OF_THE_LOGICAL_DATE = re.compile(
    r"'(ds|ts|ds_nodash|ts_nodash\w*|logical_date|data_interval_(start|end))' is undef"
)
_LONGEST_TEMPLATE = 200


@contextmanager
def final_errors() -> Iterator[None]:
    """
    Raise non-retryable errors as AirflowFailException, so that Airflow does not retry the task.

    Such an error keeps its class, message and data; it is an ``AirflowFailException`` too.
    """
    try:
        yield
    except EciError as error:
        if error.retry_helps or isinstance(error, AirflowFailException):
            raise
        raise as_airflow_error(error, AirflowFailException) from error.__cause__


@contextmanager
def final_template_errors(template: object, source: str) -> Iterator[None]:
    """
    Raise Jinja's errors as non-retryable ones of ours: the same template fails in the next try, too.

    :param template: what is rendered.
    :param source: whose template it is, for messages.
    """
    try:
        yield
    except TemplateError as error:
        problem = f"the template {str(template)[:_LONGEST_TEMPLATE]!r} cannot be rendered: {error.message}"
        if _OF_THE_LOGICAL_DATE.search(problem):
            problem += (
                ". This run has no logical date; a template such as "
                "{{ (dag_run.logical_date or dag_run.run_after) | ds }} works in every run"
            )
        refused = EciValidationError([problem], source=source)
        raise as_airflow_error(refused, AirflowFailException) from error


def as_airflow_error(error: _Error, airflow_class: type[Exception]) -> _Error:
    """
    Return a copy of an error that is an Airflow exception too.

    :param error: one of ours.
    :param airflow_class: the class of the Airflow exception.
    """
    cls: Any = _combined(cast("Any", type(error)), cast("Any", airflow_class))
    return cast("_Error", error.copy_as(cls))


@lru_cache(maxsize=64)
def _combined(ours: Any, airflow_class: Any) -> Any:
    def reduce_as_ours(error: Any) -> Any:
        return error.copy_as(ours).__reduce__()

    members = {"__doc__": ours.__doc__, "__module__": ours.__module__, "__reduce__": reduce_as_ours}
    return type(ours.__name__, (ours, airflow_class), members)
