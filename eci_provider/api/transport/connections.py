"""Connections that hear a server's refusal before they give up sending, and know whether they ever began to."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.util.wait import wait_for_read

from eci_provider.api.transport.answers import BoundedAnswer

if TYPE_CHECKING:
    from eci_provider.api.transport.addresses import ApiKey

#: Connecting ends with the handshakes of TLS and of a proxy's tunnel; an error of theirs bears this attribute.
_WHILE_CONNECTING = "eci_was_connecting"


class HearingAdapter(HTTPAdapter):
    """
    Take connections from the pools that look for an answer before they give up sending.

    :param key: what each request is signed with.
    :param patience: seconds that a server may take to read on, and to answer.
    :param named: the arguments of requests' own adapter.
    """

    def __init__(self, key: ApiKey, patience: float, **named: Any) -> None:
        super().__init__(**named)
        self._signing = {"key": key, "patience": patience}

    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        # A pool is asked for at every request, and kept: its kind of connection is changed once.
        if not isinstance(pool.ConnectionCls, partial):
            pool.ConnectionCls = partial(_hearing(pool.ConnectionCls), **self._signing)
        return pool


def was_connecting(error: BaseException) -> bool:
    """
    Tell whether an error ended a connection before it was handed the first byte of a request.

    :param error: what the connection raised, unwrapped.
    """
    return getattr(error, _WHILE_CONNECTING, False) is True


@cache
def _hearing(connection: Any) -> Any:
    """
    Return a kind of connection that signs requests, and does not take a broken pipe for the whole story.

    A server that refuses a large body (401, 413) answers and closes while we still send. urllib3 reads the answer
    after some of the errors this gives, but after none that TLS gives, and not where the server reads no further.
    """

    class Hearing(connection):  # type: ignore[misc]
        def __init__(self, *args: Any, key: ApiKey, patience: float, **named: Any) -> None:
            super().__init__(*args, **named)
            self._signs_with, self._patience = key, patience
            self.response_class = partial(BoundedAnswer, patience=patience)

        def connect(self) -> None:
            try:
                super().connect()
            except Exception as error:
                setattr(error, _WHILE_CONNECTING, True)
                raise
            self.sock.settimeout(self._patience)

        def endheaders(self, *args: Any, **named: Any) -> None:
            """Sign the request at the last moment: in a dict of headers the key would show in many a traceback."""
            try:
                self.putheader("ECI-ApiKey", self._signs_with.reveal())
                super().endheaders(*args, **named)
            except BaseException as error:
                raise error.with_traceback(None)  # noqa: B904  # in its frames lies what was being sent

        def request(self, *args: Any, **named: Any) -> None:
            self._broke_off = False
            if self.sock is not None:
                # urllib3 would have the time-out for connecting hold until the whole body is out.
                self.timeout = self._patience
            try:
                super().request(*args, **named)
            except OSError:
                if self.sock is None or not wait_for_read(self.sock, timeout=0):
                    raise
                self._broke_off = True

        def getresponse(self, *args: Any, **named: Any) -> Any:
            response = super().getresponse(*args, **named)
            if self._broke_off:
                self.close()  # the server would take another request on it for the rest of this one's body
            return response

    return Hearing
