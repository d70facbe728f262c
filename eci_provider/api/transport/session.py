"""The session: one pool of connections to EnergyCAP, requests repeated where that is safe, and typed errors."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

from eci_provider import __version__
from eci_provider.api.errors import (
    EciConnectionError,
    EciError,
    EciNotFoundError,
    EciRateLimitError,
    EciResponseError,
    EciValidationError,
)
from eci_provider.api.options import ClientOptions
from eci_provider.api.transport.addresses import checked_base_url, is_loopback
from eci_provider.api.transport.answers import Answer, AnswerReader, Take
from eci_provider.api.transport.api_key import ApiKey, checked_key
from eci_provider.api.transport.bodies import (
    CONNECTION_ERRORS,
    StreamedBody,
    is_success,
    read_body,
    read_chunks,
)
from eci_provider.api.transport.connections import EciAdapter
from eci_provider.api.transport.failures import (
    connection_error,
    final_error,
    may_have_taken_effect,
    unexpected_error,
)
from eci_provider.api.transport.limits import OBJECT, Limits, UnreadableJsonError
from eci_provider.api.transport.retries import parse_http_date, retry_delay
from eci_provider.core import clock
from eci_provider.core.text import shown

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": f"airflow-provider-eci/{__version__}",
}
#: How long a request is repeated, in seconds.
_LONGEST_RETRIES = 600.0
#: The largest difference between EnergyCAP's clock and ours that is believed.
_MOST_AHEAD = timedelta(days=3650)


@dataclass
class _Call:
    """A request, as it may be sent several times, and the status of its last answer; None before there is one."""

    operation: str
    method: str
    path: str
    params: Mapping[str, Any] | None
    body: Any
    limits: Limits
    take: Take | None
    status: int | None = None

    @property
    def shown_path(self) -> str:
        """Return the path for messages, without a query."""
        return self.path.partition("?")[0]


class EciSession:
    """
    An HTTP session with one EnergyCAP environment.

    :param base_url: the environment's address, such as ``https://app.energycap.com``.
    :param api_key: the API key (Authentication page). It is sent in the header ``ECI-ApiKey`` and shown nowhere.
    :param options: its time-outs, retries and trust.
    :param sleep: how to wait between repeats, in seconds.
    :raises EciValidationError: if the address or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | ApiKey,
        options: ClientOptions,
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        api_key = ApiKey.of(api_key)  # hides it from tracebacks that show locals
        self.base_url = checked_base_url(base_url, allow_http=options.allow_http)
        key = checked_key(api_key)
        self._reader = AnswerReader(key, self.base_url)
        self._max_retries = options.max_retries
        self._timeouts = (options.connect_timeout, options.timeout)
        self._sleep = sleep
        self._warned: set[str] = set()
        #: How far EnergyCAP's clock is ahead of ours; None before the first answer.
        self._server_ahead: timedelta | None = None
        self._http = requests.Session()
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, EciAdapter(key, options.timeout, max_retries=0, pool_maxsize=16))
        # The environment is read here and only once: Session.request() would read it for every request, send a
        # password from .netrc, and let REQUESTS_CA_BUNDLE override `verify=False`.
        settings = self._http.merge_environment_settings(self.base_url, {}, False, options.verify, None)
        # A proxy would take requests to this machine away from it, over plain http with a readable key.
        self._proxies = {} if is_loopback(urlsplit(self.base_url).hostname) else settings["proxies"]
        bundle = settings["verify"] if options.verify is True else options.verify
        self._verify: bool | str = True if bundle is None else bundle

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'base_url', '')!r})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def server_now(self) -> datetime:
        """Return the time of EnergyCAP's clock, by the ``Date`` of its last answer; ours before the first."""
        return clock.utc_now() + (self._server_ahead or timedelta(0))

    @property
    def knows_server_time(self) -> bool:
        """Return whether an answer has shown EnergyCAP's clock."""
        return self._server_ahead is not None

    def redact(self, text: str) -> str:
        """
        Return a text of the server with the key and any token masked.

        :param text: the text.
        """
        return self._reader.redact(text)

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        repeat: bool = True,
        limits: Limits = OBJECT,
        take: Take | None = None,
        read: Callable[[Answer], _Value],
    ) -> _Value:
        """
        Send a request, and repeat it where that is safe and can help. This is the only way to EnergyCAP.

        A POST is repeated only if EnergyCAP cannot have taken it. A GET, PUT or DELETE is repeated after lost
        connections, 408, 429, 5xx and unreadable bodies, with backoff and obeying ``Retry-After``.

        Everything that is made of an answer is made in here, by ``take`` and ``read``, so that whatever the answer
        holds, nothing but an error of ours leaves.

        :param operation: the operation id, for messages.
        :param method: GET, POST, PUT or DELETE.
        :param path: the path from ``/api`` on, already quoted.
        :param params: the query; parameters that are None are left out.
        :param body: what to send as JSON; a body that is streamed as JSON; or None for no body.
        :param repeat: false to send the request only once.
        :param limits: what a success's body may have.
        :param take: reads a success's body while it arrives. It is called again, from the body's start, when the
            request is repeated, and raises UnreadableJsonError for a body that it does not expect.
        :param read: returns what the answer means; the request is not repeated if it raises.
        :return: what ``read`` returned.
        :raises EciUnknownOutcomeError: if a POST was sent and its effect is not known.
        :raises EciError: of another class for any other failure.
        """
        call = _Call(operation, method, path, params, body, limits, take)
        try:
            answer = self._repeat(call, most_failures=self._max_retries + 1 if repeat else 1)
            return read(answer)
        except EciError:
            raise
        except Exception as error:
            failure = unexpected_error(error, operation, method, call.shown_path, call.status)
        raise failure  # outside of the block, or the error would have the other one in its context

    def pause(self, seconds: float) -> None:
        """
        Sleep between two requests.

        :param seconds: how long.
        """
        (self._sleep or clock.sleep)(seconds)

    def _repeat(self, call: _Call, *, most_failures: int) -> Answer:
        failures, began, is_in_doubt = 0, clock.monotonic(), False
        while True:
            try:
                return self._send_once(call)
            except (EciConnectionError, EciResponseError) as error:
                if is_in_doubt and call.method == "DELETE" and isinstance(error, EciNotFoundError):
                    return Answer(error.status, {}, None)  # an attempt without an answer has deleted it
                failures += 1
                # A DELETE that was one of too many was not carried out.
                is_refused = isinstance(error, EciRateLimitError)
                is_in_doubt = is_in_doubt or (may_have_taken_effect(error) and not is_refused)
                delay = retry_delay(
                    error,
                    method=call.method,
                    failures=failures,
                    most_failures=most_failures,
                    elapsed=clock.monotonic() - began,
                    most_elapsed=_LONGEST_RETRIES,
                    random=random.random,
                )
                if delay is None:
                    raise final_error(error, call.operation, call.method) from error.__cause__
                log.info("%s: retrying in %.1f s after: %s", call.operation, delay, error)
                self.pause(delay)

    def _send_once(self, call: _Call) -> Answer:
        request = self._prepared(call)
        call.status = None

        def send() -> requests.Response:
            # Not through the session, which would read a redirect's target and body itself.
            return self._http.get_adapter(self.base_url).send(
                request, timeout=self._timeouts, stream=True, proxies=self._proxies, verify=self._verify
            )

        response = self._connected(send, call)
        call.status = response.status_code
        try:
            if call.take is not None and is_success(response):
                self._read_headers(call.operation, response.headers)
                arriving = self._arriving(response, call)
                outcome = self._reader.read_streamed(response, arriving, call.take, call.shown_path, call.limits)
            else:
                outcome = self._read_whole(response, call)
                self._read_headers(call.operation, response.headers)
        finally:
            response.close()
        if isinstance(outcome, (EciConnectionError, EciResponseError)):
            raise outcome
        return outcome

    def _read_whole(self, response: requests.Response, call: _Call) -> Answer | EciResponseError:
        path, limits = call.shown_path, call.limits
        try:
            # The body is no local of this frame, which is in the traceback of the error.
            return self._reader.read(
                response, self._connected(partial(read_body, response, limits), call), path, limits
            )
        except UnreadableJsonError as error:
            return self._reader.unreadable(response, str(error), path)

    def _prepared(self, call: _Call) -> requests.PreparedRequest:
        body = call.body
        try:
            request = requests.Request(
                call.method,
                self.base_url + call.path,
                params={name: value for name, value in (call.params or {}).items() if value is not None},
                data=body if body is None or isinstance(body, StreamedBody) else json.dumps(body).encode(),
            ).prepare()
        except UnicodeError:
            problem = "the query holds half a character (a lone surrogate), which cannot be sent"
            raise EciValidationError([problem], source=call.operation) from None
        request.headers.update(_HEADERS)  # the connection adds the key
        return request

    def _connected(self, step: Callable[[], _Value], call: _Call) -> _Value:
        """Return what a step returns; if it loses the connection, raise that as an error of ours."""
        try:
            return step()
        except CONNECTION_ERRORS as error:
            failure = connection_error(error, call.method, call.shown_path, self.base_url)
        # Raised outside of the block, or the error would have the request in its context.
        if isinstance(call.body, StreamedBody):
            raise call.body.cut_short(failure) from failure.__cause__
        raise failure from failure.__cause__

    def _arriving(self, response: requests.Response, call: _Call) -> Iterator[bytes]:
        chunks = read_chunks(response)
        while chunk := self._connected(partial(next, chunks, b""), call):
            yield chunk

    def _read_headers(self, operation: str, headers: Mapping[str, str]) -> None:
        """Set the server's clock by an answer, and warn once of a deprecated operation."""
        if date := parse_http_date(headers.get("Date")):
            ahead = date - clock.utc_now()
            # A clock that shows the year 9999 is wrong, and added to ours it would overflow.
            if abs(ahead) < _MOST_AHEAD:
                self._server_ahead = ahead
        replacement = headers.get("ECI-Deprecated")
        if replacement and operation not in self._warned:
            self._warned.add(operation)
            log.warning(
                "EnergyCAP has deprecated %s and names as its replacement: %s",
                operation,
                shown(self.redact(replacement), 200),
            )
