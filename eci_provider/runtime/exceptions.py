"""Raise our errors as Airflow's exceptions, if that changes what Airflow does with the task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

from airflow.providers.common.compat.sdk import AirflowFailException

from eci_provider.api.errors import EciError

_Error = TypeVar("_Error", bound=EciError)


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
