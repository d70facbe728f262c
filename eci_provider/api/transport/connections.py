"""Connections that sign requests, read a refusal that comes early, and know whether anything was sent."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util.wait import wait_for_read

from eci_provider.api.transport.bounded_answer import BoundedAnswer

if TYPE_CHECKING:
    from eci_provider.api.transport.api_key import ApiKey

#: The attribute of an error that ended a connection while it was set up, handshakes of TLS and a tunnel included.
_WHILE_CONNECTING = "eci_was_connecting"


class EciAdapter(HTTPAdapter):
    """
    An adapter of requests whose pools make connections with :class:`SigningMixin`.

    :param key: the API key that signs each request.
    :param timeout: seconds that the server may take to read on, and to answer.
    :param named: the arguments of requests' own adapter.
    """

    def __init__(self, key: ApiKey, timeout: float, **named: Any) -> None:
        super().__init__(**named)
        self._arguments = {"key": key, "answer_timeout": timeout}

    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        # Each request gets its pool here, and pools are kept, so the class is replaced once.
        if not isinstance(pool.ConnectionCls, partial):
            pool.ConnectionCls = partial(_signing_class(pool.ConnectionCls), **self._arguments)
        return pool


def was_connecting(error: BaseException) -> bool:
    """
    Return whether an error ended a connection before the first byte of a request was sent.

    :param error: the error that the connection raised, unwrapped.
    """
    return getattr(error, _WHILE_CONNECTING, False) is True


class SigningMixin(HTTPConnection):
    """
    A connection that signs requests, and reads the answer if sending fails.

    A server that refuses a large body (401, 413) answers and closes while we still send. urllib3 reads that answer
    after some of the resulting errors, but not after those of TLS, nor if the server stops reading.

    :param key: the API key that signs each request.
    :param answer_timeout: seconds that the server may take to read on, and to answer.
    """

    sock: Any

    def __init__(self, *args: Any, key: ApiKey, answer_timeout: float, **named: Any) -> None:
        super().__init__(*args, **named)
        self._key, self._answer_timeout = key, answer_timeout
        self.response_class: Any = partial(BoundedAnswer, timeout=answer_timeout)

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            setattr(error, _WHILE_CONNECTING, True)
            raise
        self.sock.settimeout(self._answer_timeout)

    def endheaders(self, *args: Any, **named: Any) -> None:
        """Add the key at the last moment: in a dict of headers it would show in tracebacks with locals."""
        try:
            self.putheader("ECI-ApiKey", self._key.reveal())
            super().endheaders(*args, **named)
        except BaseException as error:
            raise error.with_traceback(None)  # noqa: B904  # its frames hold the headers

    def request(self, *args: Any, **named: Any) -> None:
        self._is_cut_short = False
        if self.sock is not None:
            # urllib3 would apply the time-out for connecting until the whole body is sent.
            self.timeout = self._answer_timeout
        try:
            super().request(*args, **named)
        except OSError:
            if self.sock is None or not wait_for_read(self.sock, timeout=0):
                raise
            self._is_cut_short = True

    def getresponse(self, *args: Any, **named: Any) -> Any:
        response = super().getresponse(*args, **named)
        if self._is_cut_short:
            self.close()  # the server would read the next request as the rest of this body
        return response


@cache
def _signing_class(connection: type[HTTPConnection]) -> Any:
    """Return one of urllib3's classes of connection, plain or of TLS, as one that signs."""
    return type(f"Signing{connection.__name__}", (SigningMixin, connection), {})
