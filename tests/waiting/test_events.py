"""Events: what a trigger found, or its error, comes out as it went in."""

from __future__ import annotations

import pickle

import pytest

from eci_provider.api import errors
from eci_provider.waiting.events import EciEventError, error_event, found_event, subject, unpack
from tests.support.run_task import through_serialization

GUID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    "error",
    [
        errors.EciServerError("s", status=503, method="GET", path="/p", retry_after=7.0, body="b"),
        errors.EciConnectionError("c", kind="reset", sent=True, method="GET", path="/p"),
        errors.EciWaitTimeoutError("w", task_guid=GUID, status="x"),
        errors.EciValidationError(["one", "two"], source="here"),
        errors.EciImportFailedError("f", result={"imported": 0}),
    ],
)
def test_an_error_is_restored_from_an_event(error: errors.EciError) -> None:
    event = through_serialization(error_event(error, task_guid=GUID))

    with pytest.raises(type(error)) as caught:
        unpack(event)

    assert vars(caught.value) == vars(error)
    assert str(caught.value) == str(error)
    assert caught.value.retry_helps == error.retry_helps


@pytest.mark.parametrize(
    "event", [None, {}, {"status": "success"}, {"status": "found"}, {"status": "found", "found": "yes"}, "text", 7]
)
def test_an_event_that_is_not_understood_fails_closed(event: object) -> None:
    with pytest.raises(EciEventError, match="not understood"):
        unpack(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["object", "EciClient", "Exception", None])
def test_an_unknown_error_class_is_still_an_error(name: str | None) -> None:
    with pytest.raises(errors.EciError, match="what happened"):
        unpack({"status": "error", "type": name, "message": "what happened"})


def test_an_event_names_what_was_waited_for() -> None:
    assert subject(found_event({}, task_guid=GUID), "task_guid") == GUID
    with pytest.raises(EciEventError):
        subject(found_event({}), "task_guid")


@pytest.mark.parametrize("ended_by", ["timeout", "execution_timeout"])
def test_ended_by_survives_storage(ended_by: str) -> None:
    error = errors.EciWaitTimeoutError("w", ended_by=ended_by, task_guid="g", status="x")
    event = through_serialization(error_event(error, task_guid="g"))

    with pytest.raises(errors.EciWaitTimeoutError) as caught:
        unpack(event)

    for again in (caught.value, pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert vars(again) == vars(error)
        assert (again.ended_by, again.retry_helps) == (ended_by, ended_by == "execution_timeout")
