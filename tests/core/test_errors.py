"""Base error classes: how an error is copied and restored."""

from __future__ import annotations

import pickle

import pytest

from eci_provider.core.errors import EciError, EciStoreError, EciValidationError


class _PathError(EciError):
    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message, path=path)
        self.path = path


def _raised() -> _PathError:
    try:
        raise _PathError("It failed.", path="/a") from OSError("reset")
    except _PathError as error:
        error.retry_helps = False
        return error


def test_a_copy_has_the_class_data_cause_and_traceback_of_the_error() -> None:
    error = _raised()
    copy = error.copy("It failed for good.")
    assert type(copy) is _PathError
    assert copy.message == "It failed for good."
    assert (copy.path, copy.details, copy.retry_helps) == ("/a", {"path": "/a"}, False)
    assert copy.__cause__ is error.__cause__
    assert copy.__traceback__ is error.__traceback__ is not None
    assert error.message == "It failed."


def test_a_copy_without_a_message_keeps_it() -> None:
    assert _raised().copy().args == ("It failed.",)


def test_a_replaced_detail_replaces_the_attribute_of_its_name_too() -> None:
    error = _raised()
    copy = error.copy(path="/b", batch_id=3)
    assert (copy.path, copy.details) == ("/b", {"path": "/b", "batch_id": 3})
    assert not hasattr(copy, "batch_id")
    assert (error.path, error.details) == ("/a", {"path": "/a"})


def test_a_copy_as_another_class_keeps_the_data() -> None:
    copy = _raised().copy_as(EciStoreError)
    assert type(copy) is EciStoreError
    assert (copy.message, copy.details, copy.retry_helps) == ("It failed.", {"path": "/a"}, False)


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        (["timeout is 0"], "connection 'b': timeout is 0"),
        (["timeout is 0", "verify is 3"], "connection 'b': 2 problems:\n  - timeout is 0\n  - verify is 3"),
    ],
)
def test_a_refusal_copied_with_another_source_names_it(problems: list[str], text: str) -> None:
    copy = EciValidationError(problems, source="hook").copy(source="connection 'b'")
    assert copy.message == text
    assert copy.details == {"problems": problems, "source": "connection 'b'"}


def test_a_refusal_copied_with_a_message_has_that_message() -> None:
    copy = EciValidationError(["timeout is 0"], source="hook").copy("No.", source="b")
    assert (copy.message, copy.details["source"]) == ("No.", "b")


def test_a_copied_error_survives_a_pickle() -> None:
    copy = EciValidationError(["timeout is 0"], source="hook").copy("No.")
    again = pickle.loads(pickle.dumps(copy))  # noqa: S301
    assert (type(again), again.message, again.details) == (EciValidationError, "No.", copy.details)
