"""Answers: what EnergyCAP returned to a request, or the error that it amounts to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import requests

from eci_provider.api.errors import EciConnectionError, EciResponseError, EciUnreadableResponseError
from eci_provider.api.transport.api_key import ApiKey
from eci_provider.api.transport.bodies import JsonStream, excerpt, is_success, parse_json
from eci_provider.api.transport.failures import describe_status
from eci_provider.api.transport.limits import Limits, UnreadableJsonError
from eci_provider.api.transport.retries import parse_http_date, parse_retry_after
from eci_provider.core.text import shown

#: Reads a body while it arrives, and returns what it makes of it.
Take: TypeAlias = "Callable[[JsonStream], Any]"
#: The longest name of a request that is kept, in characters.
_LONGEST_ID = 200
#: The token that `GET /me` returns, also in JSON that is a text of other JSON.
_TOKEN = re.compile(r'(token\\{0,8}"\s{0,9}:\s{0,9}\\{0,8}")[^"\\]*', re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """
    EnergyCAP's answer to one request.

    :param status: the HTTP status: a success, or 404 where a repeated DELETE found its work done.
    :param headers: the response headers, readable in any case.
    :param data: the parsed JSON body, None if there was none; or what the request's ``take`` made of it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(repr=False)


class AnswerReader:
    """
    Turns HTTP responses into answers, or into the errors that they amount to.

    Errors are returned, not raised, so that no frame of their traceback holds the server's text.

    :param key: the API key, which is masked where a server echoes it.
    :param base_url: the environment's address, for messages.
    """

    def __init__(self, key: ApiKey, base_url: str) -> None:
        self._key, self._base_url = key, base_url

    def read(
        self, response: requests.Response, content: bytes, path: str, limits: Limits
    ) -> Answer | EciResponseError:
        """
        Return what a response says.

        :param response: the response.
        :param content: its body.
        :param path: the request's path, without query.
        :param limits: what its kind may have.
        """
        lead = f"{response.request.method} {path} was answered with"
        if not is_success(response):
            cls, meaning = describe_status(response.status_code, self._base_url)
            return self._error(cls, f"{lead} {response.status_code}: {meaning}", response, content, path)
        if len(content) > limits.size:
            message = f"{lead} more than {limits.size:,} bytes"
            return self._error(EciUnreadableResponseError, message, response, content, path)
        if response.status_code == 204 or not content:
            return Answer(response.status_code, response.headers, None)
        try:
            return Answer(response.status_code, response.headers, parse_json(content, self._key, limits))
        except UnreadableJsonError as error:
            return self.unreadable(response, str(error), path, content)
        except ValueError:
            return self.unreadable(response, "is not JSON", path, content)

    def read_streamed(
        self, response: requests.Response, arriving: Iterable[bytes], take: Take, path: str, limits: Limits
    ) -> Answer | EciResponseError | EciConnectionError:
        """
        Return what a function makes of a success's body while it arrives.

        :param response: the response.
        :param arriving: its body.
        :param take: the function.
        :param path: the request's path, without query.
        :param limits: what its kind may have.
        """
        try:
            taken = take(JsonStream(arriving, self._key, limits))
        except UnreadableJsonError as error:
            return self.unreadable(response, str(error), path)
        except EciConnectionError as lost:
            return lost.with_traceback(None)  # its frames hold what has arrived
        return Answer(response.status_code, response.headers, taken)

    def unreadable(
        self, response: requests.Response, problem: str, path: str, content: bytes = b""
    ) -> EciResponseError:
        """
        Return the error for a success whose body is not what was expected.

        :param response: the response.
        :param problem: what is wrong with its body, such as ``is not JSON``.
        :param path: the request's path, without query.
        :param content: its body, as far as it was read.
        """
        lead = f"{response.request.method} {path} was answered with {response.status_code}"
        message = f"{lead}, but its body {self.redact(problem)}"
        return self._error(EciUnreadableResponseError, message, response, content, path)

    def redact(self, text: str) -> str:
        """
        Return a text of the server with the key and any token masked.

        :param text: the text.
        """
        return _TOKEN.sub(r"\1***", self._key.redact(text))

    def _error(
        self, cls: type[EciResponseError], message: str, response: requests.Response, content: bytes, path: str
    ) -> EciResponseError:
        headers = response.headers
        body = excerpt(content, self.redact)
        said = f" EnergyCAP said: {body}" if body else ""
        request_id = headers.get("X-Request-Id") or headers.get("Request-Id")
        return cls(
            f"{message}.{said}",
            status=response.status_code,
            method=str(response.request.method),
            path=path,
            request_id=shown(self.redact(request_id))[:_LONGEST_ID] if request_id else None,
            retry_after=parse_retry_after(headers.get("Retry-After"), parse_http_date(headers.get("Date"))),
            body=body,
        )
