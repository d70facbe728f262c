"""Connections that hear a server's refusal before they give up sending."""

from __future__ import annotations

from functools import cache
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.wait import wait_for_read


class HearingAdapter(HTTPAdapter):
    """Take connections from the pools that look for an answer before they give up sending."""

    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        # A pool is asked for at every request, and kept: its kind of connection is changed once.
        if not getattr(pool.ConnectionCls, "hears", False):
            pool.ConnectionCls = _hearing(pool.ConnectionCls)
        return pool


@cache
def _hearing(connection: Any) -> Any:
    """
    Return a kind of connection that does not take a broken pipe for the whole story.

    A server that refuses a large body (401, 413) answers and closes while we still send. urllib3 reads the answer
    after some of the errors this gives, but after none that TLS gives, and not where the server reads no further.
    """

    class Hearing(connection):  # type: ignore[misc]
        hears = True

        def request(self, *args: Any, **named: Any) -> None:
            self._broke_off = False
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
