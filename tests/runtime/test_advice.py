"""What an error advises about an import that the task no longer waits for."""

from __future__ import annotations

import pytest

from eci_provider.api.errors import EciConnectionError, EciError, EciNotFoundError, EciWaitTimeoutError
from eci_provider.runtime.advice import adopt_hint, hints_added, reattach_hint, wait_hint

TIMEOUT = EciWaitTimeoutError("x")
EXECUTION_TIMEOUT = EciWaitTimeoutError("x", ended_by="execution_timeout")
TRANSIENT = EciConnectionError("x", kind="reset", sent=True, method="GET", path="/")
GONE = EciNotFoundError("x", status=404, method="GET", path="/")


@pytest.mark.parametrize(
    ("error", "reattach", "wait"),
    [
        (TIMEOUT, "Raise `timeout` and clear the task", "Raise the sensor's `timeout` and clear it"),
        (EXECUTION_TIMEOUT, "A retry or a clear of the task reattaches", "A retry or a clear of the sensor"),
        (TRANSIENT, "A retry or a clear of the task reattaches", "A retry or a clear of the sensor"),
        (GONE, "Clear the task when the cause is fixed", "Clear the sensor when the cause is fixed"),
    ],
)
def test_the_hint_fits_the_error(error: EciError, reattach: str, wait: str) -> None:
    assert reattach_hint(error).startswith(reattach)
    assert wait_hint(error).startswith(wait)


def test_without_an_error_a_retry_helps() -> None:
    assert reattach_hint().startswith("A retry or a clear of the task reattaches")


@pytest.mark.parametrize(("error", "longer"), [(TIMEOUT, True), (EXECUTION_TIMEOUT, False), (None, False)])
def test_an_import_that_would_be_sent_again_is_to_be_adopted(error: EciError | None, longer: bool) -> None:
    hint = adopt_hint("guid", error)

    assert "reattach=False" in hint
    assert "set adopt_task_guid to 'guid'" in hint
    assert ("raise `timeout`" in hint) is longer


def test_a_hint_is_added_to_a_copy() -> None:
    cause = ValueError("y")
    original = EciWaitTimeoutError("It is late.", task_guid="guid")
    original.__cause__ = cause

    with pytest.raises(EciWaitTimeoutError) as caught, hints_added(lambda error: f"After {error.message}"):
        raise original

    assert caught.value.message == "It is late. After It is late."
    assert (caught.value.details["task_guid"], caught.value.ended_by) == ("guid", "timeout")
    assert caught.value.__cause__ is cause
    assert original.message == "It is late."


def test_an_error_of_others_gets_no_hint() -> None:
    with pytest.raises(KeyError, match="x"), hints_added(wait_hint):
        raise KeyError("x")
