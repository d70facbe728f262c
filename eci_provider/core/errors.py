"""Base error classes: every error of this package carries its facts as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.core.paths import redact_path

if TYPE_CHECKING:
    from typing_extensions import Self

_Error = TypeVar("_Error", bound="EciError")


class EciError(Exception):
    """
    Base class for every error of this package.

    :param message: what happened and what to do next; it never holds the API key.
    :param details: further facts, readable in :attr:`details` and kept plain (JSON).
    """

    #: Whether a later attempt at the same thing can succeed.
    retry_helps: bool = True

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details: dict[str, Any] = details

    @property
    def message(self) -> str:
        """Return the message."""
        return str(self.args[0])

    def copy(self, message: str | None = None, **details: Any) -> Self:
        """
        Return a copy of the same class, with the same data, cause and traceback.

        :param message: the message of the copy; this error's own when left out.
        :param details: details to add or replace; an attribute of the same name follows.
        :return: the copy; this error stays as it is.
        """
        return self.copy_as(type(self), message, **details)

    def copy_as(self, cls: type[_Error], message: str | None = None, **details: Any) -> _Error:
        """
        Return a copy as another class, such as one that is an Airflow exception too.

        :param cls: the class of the copy.
        :param message: the message of the copy; this error's own when left out.
        :param details: details to add or replace; an attribute of the same name follows.
        :return: the copy; this error stays as it is.
        """
        state = {
            **vars(self),
            **{name: value for name, value in details.items() if name in vars(self)},
            "details": {**self.details, **details},
        }
        args = self.args if message is None else (message, *self.args[1:])
        error = restore_error(cls, args, state)
        error.__cause__ = self.__cause__
        return error.with_traceback(self.__traceback__)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_error, (type(self), self.args, vars(self))


def restore_error(cls: type[_Error], args: tuple[Any, ...], state: Mapping[str, Any]) -> _Error:
    """
    Return an error as it was, without calling its constructor.

    :param cls: its class.
    :param args: its message, and what else it was raised with.
    :param state: its attributes.
    """
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class EciValidationError(EciError, ValueError):
    """
    Input was refused before anything was sent.

    :param problems: one sentence a problem; each names the field, the value and the bound.
    :param source: where the input came from, such as ``OpenBatchOperator 'open_batch'``.
    """

    retry_helps = False

    def __init__(self, problems: Iterable[str], *, source: str) -> None:
        problems = list(problems)
        super().__init__(_refusal(problems, source), problems=problems, source=source)

    def copy(self, message: str | None = None, **details: Any) -> Self:
        """
        Return a copy of this error; with other problems or another source its message is made from them.

        :param message: the message of the copy.
        :param details: details to add or replace, such as ``source``.
        """
        facts = {**self.details, **details}
        if message is None and details.keys() & {"problems", "source"}:
            message = _refusal(facts["problems"], facts["source"])
        return super().copy(message, **details)


def _refusal(problems: list[str], source: str) -> str:
    if len(problems) == 1:
        return f"{source}: {problems[0]}"
    return f"{source}: {len(problems)} problems:" + "".join(f"\n  - {problem}" for problem in problems)


class EciStoreError(EciError):
    """
    No installed package opens a file's store; EnergyCAP was not asked for anything.

    :param problem: which package is missing.
    :param file: the file's URL.
    """

    retry_helps = False

    def __init__(self, problem: str, *, file: object) -> None:
        shown = redact_path(file)
        super().__init__(f"File {shown!r}: {problem}", file=shown)
        self.problem = problem
