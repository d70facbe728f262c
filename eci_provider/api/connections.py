"""Connections that hear a server's refusal before they give up sending, and know whether they ever began to."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.wait import wait_for_read

from eci_provider.api.answering import BoundedAnswer

#: Connecting ends with the handshakes of TLS and of a proxy's tunnel; an error of theirs bears this attribute.
_WHILE_CONNECTING = "eci_was_connecting"


class HearingAdapter(HTTPAdapter):
    """
    Take connections from the pools that look for an answer before they give up sending.

    :param patience: seconds that a server may take to read on, and to answer.
    :param named: the arguments of requests' own adapter.
    """

    def __init__(self, patience: float, **named: Any) -> None:
        super().__init__(**named)
        self._patience = patience

    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        # A pool is asked for at every request, and kept: its kind of connection is changed once.
        if not getattr(pool.ConnectionCls, "hears", False):
            pool.ConnectionCls = _hearing(pool.ConnectionCls, self._patience)
        return pool


def was_connecting(error: BaseException) -> bool:
    """
    Tell whether an error ended a connection before it was handed the first byte of a request.

    :param error: what the connection raised, unwrapped.
    """
    return getattr(error, _WHILE_CONNECTING, False) is True


@cache
def _hearing(connection: Any, patience: float) -> Any:
    """
    Return a kind of connection that does not take a broken pipe for the whole story.

    A server that refuses a large body (401, 413) answers and closes while we still send. urllib3 reads the answer
    after some of the errors this gives, but after none that TLS gives, and not where the server reads no further.
    """

    class Hearing(connection):  # type: ignore[misc]
        hears = True

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self.response_class = partial(BoundedAnswer, patience=patience)

        def connect(self) -> None:
            try:
                super().connect()
            except Exception as error:
                setattr(error, _WHILE_CONNECTING, True)
                raise
            self.sock.settimeout(patience)

        def request(self, *args: Any, **named: Any) -> None:
            self._broke_off = False
            if self.sock is not None:
                # urllib3 would have the time-out for connecting hold until the whole body is out.
                self.timeout = patience
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
