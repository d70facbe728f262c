"""Our errors as Airflow's exceptions."""

from __future__ import annotations

import pickle

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout

from eci_provider.api.errors import EciError, EciNotFoundError, EciServerError
from eci_provider.runtime.exceptions import as_airflow_error, final_errors

FINAL = EciNotFoundError("It is gone.", status=404, method="GET", path="/api/v3/me")


def test_an_error_that_no_retry_helps_is_final_and_keeps_what_it_says() -> None:
    cause = ValueError("x")

    with pytest.raises(EciNotFoundError) as caught, final_errors():
        raise FINAL from cause

    assert isinstance(caught.value, AirflowFailException)
    assert (caught.value.message, caught.value.status, caught.value.details) == (
        "It is gone.",
        404,
        FINAL.details,
    )
    assert caught.value.__cause__ is cause
    assert type(caught.value).__name__ == "EciNotFoundError"


def test_an_error_that_a_retry_may_help_stays_as_it_is() -> None:
    error = EciServerError("x", status=503, method="GET", path="/")

    with pytest.raises(EciServerError) as caught, final_errors():
        raise error

    assert caught.value is error


def test_a_final_error_is_made_once() -> None:
    with pytest.raises(EciNotFoundError) as first, final_errors():
        raise FINAL
    with pytest.raises(EciNotFoundError) as second, final_errors():
        raise first.value

    assert second.value is first.value


@pytest.mark.parametrize("airflow_class", [AirflowFailException, AirflowSensorTimeout])
def test_it_is_both_and_pickled_as_ours(airflow_class: type[Exception]) -> None:
    both = as_airflow_error(FINAL, airflow_class)

    assert isinstance(both, airflow_class)
    assert type(as_airflow_error(FINAL, airflow_class)) is type(both)
    unpickled: EciError = pickle.loads(pickle.dumps(both))  # noqa: S301
    assert type(unpickled) is EciNotFoundError
    assert (unpickled.message, unpickled.details) == (FINAL.message, FINAL.details)
