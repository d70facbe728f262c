"""The session: one pool of connections, the key header, timeouts, repeats where they are safe, typed errors."""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import requests

from eci_provider import __version__
from eci_provider.api.errors import (
    EciConnectionError,
    EciNotFoundError,
    EciResponseError,
    EciUnreadableResponseError,
)
from eci_provider.api.options import ClientOptions
from eci_provider.api.transport import bodies
from eci_provider.api.transport.addresses import ApiKey, checked_base_url, checked_key, is_loopback
from eci_provider.api.transport.bodies import (
    TROUBLE,
    StreamedBody,
    excerpt,
    is_success,
    masked_members,
    parsed,
    pieces,
    whole,
)
from eci_provider.api.transport.connections import HearingAdapter
from eci_provider.api.transport.failures import conclusion, connection_error, may_have_taken_effect, meaning_of
from eci_provider.api.transport.retries import parse_http_date, parse_retry_after, retry_delay
from eci_provider.api.transport.streamed_json import Members, UnreadableJsonError
from eci_provider.core import clock

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")
#: Makes something of a body while it arrives.
Take: TypeAlias = "Callable[[Members], Any]"
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": f"airflow-provider-eci/{__version__}",
}
#: The longest name of a request that is kept, in characters.
_LONGEST_ID = 200
#: The largest difference between EnergyCAP's clock and ours that is believed.
_MOST_AHEAD = timedelta(days=3650)


@dataclass(frozen=True)
class Answer:
    """
    Hold what EnergyCAP answered to one request.

    :param status: the HTTP status: a success, or 404 where a repeated DELETE found its work done.
    :param headers: the response headers, readable in any case.
    :param data: the parsed JSON body, or None where there was none; or what the request's ``take`` made of it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(repr=False)


class EciSession:
    """
    Speak HTTP with one EnergyCAP environment.

    :param base_url: the environment's address, such as ``https://app.energycap.com``.
    :param api_key: the API key (Authentication page). It travels in the header ``ECI-ApiKey`` and shows nowhere.
    :param options: its time-outs, retries and trust.
    :param sleep: how to wait between repeats, in seconds.
    :raises EciValidationError: when the address or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | ApiKey,
        options: ClientOptions,
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        api_key = ApiKey.of(api_key)  # a traceback that shows locals shall not show it
        self.base_url = checked_base_url(base_url, allow_http=options.allow_http)
        self._key = checked_key(api_key)
        self._max_retries = options.max_retries
        self._timeouts = (options.connect_timeout, options.timeout)
        self._sleep = sleep
        self._warned: set[str] = set()
        #: How far EnergyCAP's clock is ahead of ours; None until an answer has told.
        self._server_ahead: timedelta | None = None
        self._http = requests.Session()
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, HearingAdapter(self._key, options.timeout, max_retries=0, pool_maxsize=16))
        # The environment is read once, here: Session.request() would read it for every request, and would
        # also send a password from .netrc and let REQUESTS_CA_BUNDLE override `verify=False`.
        settings = self._http.merge_environment_settings(self.base_url, {}, False, options.verify, None)
        # A proxy would carry what is meant for this machine away from it, over plain http with the key readable.
        self._proxies = {} if is_loopback(urlsplit(self.base_url).hostname) else settings["proxies"]
        bundle = settings["verify"] if options.verify is True else options.verify
        self._verify: bool | str = True if bundle is None else bundle

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'base_url', '')!r})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def server_now(self) -> datetime:
        """Return EnergyCAP's clock as its last answer's ``Date`` showed it; ours before the first one."""
        return clock.utc_now() + (self._server_ahead or timedelta(0))

    @property
    def knows_server_time(self) -> bool:
        """Tell whether an answer has shown EnergyCAP's clock."""
        return self._server_ahead is not None

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        repeat: bool = True,
        take: Take | None = None,
    ) -> Answer:
        """
        Send one request, repeating it while that is safe and can help.

        A POST is repeated only when no connection came about. A GET, PUT or DELETE is repeated after lost
        connections, 408, 429, 5xx and unreadable bodies, with backoff and obeying ``Retry-After``.

        :param operation: the operation id, for messages.
        :param method: GET, POST, PUT or DELETE.
        :param path: the path from ``/api`` on, already quoted.
        :param params: the query; what is None is left out.
        :param body: what to send as JSON, a body that is JSON already and streamed, or None for no body.
        :param repeat: false to send it once whatever happens.
        :param take: reads a success's body while it arrives, given what stands in it one by one; it is called
            anew, from the body's start, when the request is repeated, and raises UnreadableJsonError where the
            body is not what it expects.
        :return: the answer.
        :raises EciUnknownOutcomeError: when a POST was sent and its effect cannot be known.
        :raises EciError: one of its children otherwise.
        """
        failures, began, in_doubt = 0, time.monotonic(), False
        while True:
            try:
                return self._send_once(operation, method, path, params, body, take)
            except (EciConnectionError, EciResponseError) as error:
                if in_doubt and method == "DELETE" and isinstance(error, EciNotFoundError):
                    return Answer(error.status, {}, None)  # a try whose answer was lost has deleted it
                failures += 1
                in_doubt = in_doubt or may_have_taken_effect(error)
                delay = retry_delay(
                    error,
                    method=method,
                    failures=failures,
                    most_failures=self._max_retries + 1 if repeat else 1,
                    elapsed=time.monotonic() - began,
                    most_elapsed=600.0,
                    random=random.random,
                )
                if delay is None:
                    raise conclusion(error, operation, method) from error.__cause__
                log.info("%s: asking again in %.1f s, for %s", operation, delay, error)
                (self._sleep or clock.sleep)(delay)

    def _send_once(
        self,
        operation: str,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        take: Take | None,
    ) -> Answer:
        url = self.base_url + path
        request = requests.Request(
            method,
            url,
            params={name: value for name, value in (params or {}).items() if value is not None},
            data=body if body is None or isinstance(body, StreamedBody) else json.dumps(body).encode(),
        ).prepare()
        request.headers.update(_HEADERS)  # the connection adds the key
        sent_path = path.partition("?")[0]

        def send() -> requests.Response:
            # The adapter and not the session sends: that one would read a redirect's target and body itself.
            return self._http.get_adapter(url).send(
                request, timeout=self._timeouts, stream=True, proxies=self._proxies, verify=self._verify
            )

        response = self._told(send, method, sent_path, body)
        try:
            if take is not None and is_success(response):
                self._note(operation, response.headers)
                outcome = self._taken(take, response, method, sent_path)
            else:
                content = partial(whole, response)
                outcome = self._judged(response, self._told(content, method, sent_path, body), method, sent_path)
                self._note(operation, response.headers)
        finally:
            response.close()
        if isinstance(outcome, EciResponseError):
            raise outcome  # from here, where no local holds what the server said
        return outcome

    def _told(self, step: Callable[[], _Value], method: str, path: str, body: Any = None) -> _Value:
        """Take a step, and tell of trouble with the connection as an error of ours."""
        try:
            return step()
        except TROUBLE as error:
            failure = connection_error(error, method, path, self.base_url)
        # Out of the block: what was raised there would come along, and the request in it.
        told = body.cut_short(failure) if isinstance(body, StreamedBody) else failure
        raise told from failure.__cause__

    def _note(self, operation: str, headers: Mapping[str, str]) -> None:
        """Heed what an answer's headers say beside it."""
        if moment := parse_http_date(headers.get("Date")):
            ahead = moment - clock.utc_now()
            # A date of the year 9999 is no clock's, and added to ours there is no such date.
            if abs(ahead) < _MOST_AHEAD:
                self._server_ahead = ahead
        self._warn_if_deprecated(operation, headers)

    def _taken(self, take: Take, response: requests.Response, method: str, path: str) -> Answer | EciResponseError:
        """Hand a body over while it arrives; trouble with what is made of it is none of the connection."""
        body = pieces(response)

        def arriving() -> Iterator[bytes]:
            while piece := self._told(partial(next, body, b""), method, path):
                yield piece

        try:
            taken = take(masked_members(arriving(), self._key))
        except UnreadableJsonError as error:
            problem = self.redact(str(error))
            message = f"{method} {path} was answered with {response.status_code}, but its body {problem}"
            return self._response_error(EciUnreadableResponseError, message, response, b"", path)
        return Answer(response.status_code, response.headers, taken)

    def _judged(
        self, response: requests.Response, content: bytes, method: str, path: str
    ) -> Answer | EciResponseError:
        said = f"{method} {path} was answered with"
        if not is_success(response):
            cls, meaning = meaning_of(response.status_code, self.base_url)
            message = f"{said} {response.status_code}: {meaning}"
            return self._response_error(cls, message, response, content, path)
        if len(content) > bodies.LARGEST_BODY:
            message = f"{said} more than {bodies.LARGEST_BODY} bytes"
            return self._response_error(EciUnreadableResponseError, message, response, content, path)
        if response.status_code == 204 or not content:
            return Answer(response.status_code, response.headers, None)
        try:
            return Answer(response.status_code, response.headers, parsed(content, self._key))
        except (ValueError, RecursionError):
            message = f"{said} {response.status_code}, but its body is not JSON"
            return self._response_error(EciUnreadableResponseError, message, response, content, path)

    def _response_error(
        self,
        cls: type[EciResponseError],
        message: str,
        response: requests.Response,
        content: bytes,
        path: str,
    ) -> EciResponseError:
        body = excerpt(content, self.redact)
        request_id = response.headers.get("X-Request-Id") or response.headers.get("Request-Id")
        said = f" EnergyCAP said: {body}" if body else ""
        return cls(
            f"{message}.{said}",
            status=response.status_code,
            method=str(response.request.method),
            path=path,
            request_id=self.redact(request_id)[:_LONGEST_ID] if request_id else None,
            retry_after=parse_retry_after(
                response.headers.get("Retry-After"), parse_http_date(response.headers.get("Date"))
            ),
            body=body,
        )

    def redact(self, text: str) -> str:
        """Return a text of the server without the key and without a token, should it hold one."""
        return re.sub(r'("token"\s*:\s*)"[^"]*"?', r'\1"***"', self._key.redact(text), flags=re.IGNORECASE)

    def _warn_if_deprecated(self, operation: str, headers: Mapping[str, str]) -> None:
        replacement = headers.get("ECI-Deprecated")
        if replacement and operation not in self._warned:
            self._warned.add(operation)
            log.warning(
                "EnergyCAP marks %s as deprecated and names as its replacement: %s",
                operation,
                self.redact(replacement)[:200],
            )
