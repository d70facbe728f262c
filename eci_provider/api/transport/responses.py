"""Turn answers into models, and say so when an answer is not what the documentation promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from eci_provider.api.errors import EciError, EciUnknownOutcomeError, EciUnreadableResponseError
from eci_provider.api.models import ResponseModel, sentences

if TYPE_CHECKING:
    from eci_provider.api.transport.session import Answer, EciSession

_Response = TypeVar("_Response", bound=ResponseModel)


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
) -> _Response:
    """
    Send a request and read the answer's body as one object.

    :param session: the session.
    :param model: what the documentation promises.
    :param operation: the operation id, for messages.
    :param method: GET, PUT or POST; after a POST an unreadable answer leaves its effect unknown.
    :param path: the path.
    :param params: the query.
    :param body: what to send as JSON.
    :param repeat: false to send it once whatever happens.
    :raises EciUnknownOutcomeError: when the answer to a POST is something else.
    :raises EciUnreadableResponseError: when another answer is something else.
    :raises EciError: as for every request.
    """
    answer = session.request(operation, method, path, params=params, body=body, repeat=repeat)
    if not isinstance(answer.data, dict):
        raise _unreadable("its body is not an object", answer.status, operation, method, path)
    try:
        return model.model_validate(answer.data)
    except ValidationError as error:
        problem = _problem(session, model, error)
    raise _unreadable(problem, answer.status, operation, method, path)


def must_be(session: EciSession, asked: Any, told: Any, *, operation: str, path: str) -> None:
    """
    Refuse the answer to a GET that is about something else than what was asked for, and drop the connections.

    Nothing is known that gives such an answer now; what it would do is call one import done with another's result.

    :param session: the session.
    :param asked: which one was asked for.
    :param told: which one the answer is about, None where it does not say.
    :param operation: the operation id, for messages.
    :param path: the path.
    :raises EciUnreadableResponseError: when they differ.
    """
    if told is not None and told != asked:
        session.close()
        raise _unreadable(f"it is about {session.redact(str(told))[:80]}", 200, operation, "GET", path)


def read_many(
    session: EciSession, model: type[_Response], answer: Answer, *, operation: str, path: str
) -> list[_Response]:
    """
    Read the body of an answer to a GET as a list.

    :param session: the session.
    :param model: what the documentation promises for each item.
    :param answer: the answer.
    :param operation: the operation id, for messages.
    :param path: the request's path.
    :raises EciUnreadableResponseError: when the answer is something else.
    """
    if not isinstance(answer.data, list):
        raise _unreadable("its body is not an array", answer.status, operation, "GET", path)
    try:
        return [model.model_validate(item) for item in answer.data]
    except ValidationError as error:
        problem = _problem(session, model, error)
    raise _unreadable(problem, answer.status, operation, "GET", path)


def _problem(session: EciSession, model: type[ResponseModel], error: ValidationError) -> str:
    """Say what is wrong with an answer first; the server may have echoed the key in it."""
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
        advice = "It may have taken effect; look in EnergyCAP before sending it again."
        return EciUnknownOutcomeError(
            f"{message} {advice}", operation=operation, status=status, method=method, path=path
        )
    return EciUnreadableResponseError(message, status=status, method=method, path=path)
