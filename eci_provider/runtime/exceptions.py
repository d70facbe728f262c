"""Make our errors Airflow's where that changes what Airflow does: a retry that cannot help is not made."""

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
    Let errors that a retry cannot help fail the task at once.

    Such an error keeps its class, message and data, and becomes an ``AirflowFailException`` as well.
    """
    try:
        yield
    except EciError as error:
        if error.retry_helps or isinstance(error, AirflowFailException):
            raise
        raise as_airflow_error(error, AirflowFailException) from error.__cause__


def as_airflow_error(error: _Error, airflow_class: type[Exception]) -> _Error:
    """
    Return an error that is both what it was and an Airflow exception.

    :param error: one of ours.
    :param airflow_class: the Airflow exception whose treatment it needs.
    """
    cls: Any = _combined(cast("Any", type(error)), cast("Any", airflow_class))
    return cast("_Error", error.copy_as(cls))


@lru_cache(maxsize=64)
def _combined(ours: Any, airflow_class: Any) -> Any:
    def reduce_as_ours(error: Any) -> Any:
        return error.copy_as(ours).__reduce__()

    members = {"__doc__": ours.__doc__, "__module__": ours.__module__, "__reduce__": reduce_as_ours}
    return type(ours.__name__, (ours, airflow_class), members)
