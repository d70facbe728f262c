"""Turn answers into models; an answer that is not what the documentation promises is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from eci_provider.api.errors import EciError, EciUnknownOutcomeError, EciUnreadableResponseError
from eci_provider.api.models import ResponseModel, sentences
from eci_provider.api.transport.limits import OBJECT, PAGE, Limits
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from eci_provider.api.transport.answers import Answer
    from eci_provider.api.transport.bodies import JsonStream
    from eci_provider.api.transport.session import EciSession

_Response = TypeVar("_Response", bound=ResponseModel)
_Item = TypeVar("_Item")


def fetch(
    session: EciSession,
    model: type[_Response],
    operation: str,
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    repeat: bool = True,
    limits: Limits = OBJECT,
    check: Callable[[_Response], None] | None = None,
) -> _Response:
    """
    Send a request, and return the object that the answer's body holds.

    :param session: the session.
    :param model: the model of the object.
    :param operation: the operation id, for messages.
    :param method: GET, PUT or POST; after a POST an unreadable answer leaves its outcome unknown.
    :param path: the path.
    :param params: the query.
    :param body: what to send as JSON.
    :param repeat: false to send the request only once.
    :param limits: what the answer's body may have.
    :param check: raises an error if the object is not what was requested.
    :raises EciUnknownOutcomeError: if the answer to a POST holds something else.
    :raises EciUnreadableResponseError: if another answer holds something else.
    :raises EciError: as for every request.
    """

    def read(answer: Answer) -> _Response:
        problem = "its body is not an object"
        if isinstance(answer.data, dict):
            try:
                found = model.model_validate(answer.data)
            except ValidationError as error:
                problem = _problem(session, model, error)
            else:
                if check is not None:
                    check(found)
                return found
        raise _unreadable(problem, answer.status, operation, method, path)

    return session.request(
        operation, method, path, params=params, body=body, repeat=repeat, limits=limits, read=read
    )


def check_subject(session: EciSession, wanted: str, found: str | None, *, operation: str, path: str) -> None:
    """
    Refuse the answer to a GET that is about something else than what was requested, and close the connections.

    Believed, such an answer would give an import the result of another one.

    :param session: the session.
    :param wanted: the id that was requested.
    :param found: the id in the answer; None if it has none.
    :param operation: the operation id, for messages.
    :param path: the path.
    :raises EciUnreadableResponseError: if they differ.
    """
    if found is not None and found != wanted:
        session.close()
        raise _unreadable(f"it is about {shown(session.redact(found), 80)}", 200, operation, "GET", path)


def check_answer(
    session: EciSession,
    wanted: Mapping[str, str | int],
    found: Mapping[str, str | int | None],
    *,
    operation: str,
    method: str,
    path: str,
) -> None:
    """
    Refuse the answer to a change that does not name what was asked for, and close the connections.

    Texts may differ in case and in blanks at their ends. Numbers that a server gives must be above 0.

    :param session: the session.
    :param wanted: what the answer must name, by the documented names; a number of 0 for any number.
    :param found: what it names.
    :param operation: the operation id, for messages.
    :param method: the HTTP method.
    :param path: the path.
    :raises EciUnknownOutcomeError: if the answer to a POST names something else.
    :raises EciUnreadableResponseError: if another answer does.
    """
    for name, value in wanted.items():
        got = found[name]
        if _is_named(value, got):
            continue
        named = "nothing" if got is None else repr(session.redact(str(got))[:80])
        asked = "a number" if value == 0 else repr(value)
        raise refused_answer(
            session, f"it names {named} as {name}, not {asked}", operation=operation, method=method, path=path
        )


def refused_answer(session: EciSession, problem: str, *, operation: str, method: str, path: str) -> EciError:
    """
    Return the error for a success that cannot be about what was asked for, and close the connections.

    :param session: the session.
    :param problem: what is wrong with it, after "but".
    :param operation: the operation id, for messages.
    :param method: the HTTP method; after a POST the outcome is unknown.
    :param path: the path.
    """
    session.close()
    return _unreadable(problem, 200, operation, method, path)


def _is_named(wanted: str | int, found: str | int | None) -> bool:
    if isinstance(wanted, str):
        return isinstance(found, str) and found.strip().casefold() == wanted.strip().casefold()
    return isinstance(found, int) and found > 0 and wanted in (0, found)


def nothing(answer: Answer) -> None:
    """
    Read nothing of an answer: that of a deletion, or of a change of status, holds none.

    :param answer: the answer.
    """


class PageReading(Generic[_Item]):
    """
    The body of a list, read while it arrives.

    :param stream: the body.
    :param read_item: returns what an item is, or None to leave it out.
    :param describe: returns what is wrong with an item.
    """

    def __init__(
        self,
        stream: JsonStream,
        read_item: Callable[[Any], _Item | None],
        describe: Callable[[ValidationError], str],
    ) -> None:
        #: The items that were not left out, and how many there are in all.
        self.items: list[_Item] = []
        self.count = 0
        #: What is wrong with the body, or with the first item that is not what the documentation promises.
        self.problem: str | None = None
        items = stream.items()
        if items is None:
            self.problem = "its body is not an array"
        for item in items or ():
            self.count += 1
            try:
                found = read_item(item)
            except ValidationError as error:
                self.problem = self.problem or describe(error)
                continue
            if found is not None:
                self.items.append(found)
        #: The same for the same body.
        self.digest = stream.digest
        self.headers: Mapping[str, str] = {}


def read_list(
    session: EciSession,
    model: type[ResponseModel],
    operation: str,
    path: str,
    read_item: Callable[[Any], _Item | None],
    *,
    params: Mapping[str, Any] | None = None,
    repeat: bool = True,
) -> PageReading[_Item]:
    """
    Send a GET, and return the list that the answer's body holds.

    :param session: the session.
    :param model: the model of its items, for messages.
    :param operation: the operation id, for messages.
    :param path: the path.
    :param read_item: returns what an item is, or None to leave it out.
    :param params: the query.
    :param repeat: false to send the request only once.
    :raises EciUnreadableResponseError: if the body holds something else.
    :raises EciError: as for every request.
    """

    def take(stream: JsonStream) -> PageReading[_Item]:
        return PageReading(stream, read_item, lambda error: _problem(session, model, error))

    def read(answer: Answer) -> PageReading[_Item]:
        page: PageReading[_Item] = answer.data
        if page.problem:
            raise _unreadable(page.problem, answer.status, operation, "GET", path)
        page.headers = answer.headers
        return page

    return session.request(operation, "GET", path, params=params, repeat=repeat, limits=PAGE, take=take, read=read)


def _problem(session: EciSession, model: type[ResponseModel], error: ValidationError) -> str:
    """Return the first thing that is wrong with an answer, without the key, which the server may have echoed."""
    detail = error.errors(include_url=False)[0]
    detail["input"] = _redacted(session, detail["input"])
    return sentences(model, [detail])[0]


def _redacted(session: EciSession, value: Any) -> Any:
    if isinstance(value, str):
        return session.redact(value)
    if isinstance(value, list):
        return [_redacted(session, item) for item in value]
    if isinstance(value, dict):
        return {session.redact(name): _redacted(session, item) for name, item in value.items()}
    return value


def _unreadable(problem: str, status: int, operation: str, method: str, path: str) -> EciError:
    message = f"{operation}: {method} {path} was answered with {status}, but {problem}."
    if method == "POST":
        advice = "It may have taken effect. Check in EnergyCAP before you send it again."
        return EciUnknownOutcomeError(
            f"{message} {advice}", operation=operation, status=status, method=method, path=path
        )
    return EciUnreadableResponseError(message, status=status, method=method, path=path)
