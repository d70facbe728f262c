"""What arrived: the log of requests that tests look at."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

# A sandbox left running for weeks must not grow without end.
KEPT_RECORDS = 20_000


@dataclass
class RequestRecord:
    """
    One request as it arrived and what became of it.

    :param query: last value of each query parameter, decoded.
    :param headers: names in lower case, the API key included (it is a sandbox).
    :param body: parsed JSON, or the raw bytes where they are none; None without a body.
    :param status: status of the answer; None while it is pending or if none was sent.
    :param user: code of the key's user, None if the key is unknown.
    :param connection: address and port of the client.
    :param fault: the fault that hit the request, in words.
    :param at: time of arrival by the sandbox's clock, ISO 8601.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: str | None
    connection: str
    status: int | None = None
    user: str | None = None
    fault: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Show the record as JSON can carry it: raw bytes become text."""
        shown = asdict(self)
        if isinstance(self.body, bytes):
            shown["body"] = self.body.decode("utf-8", "replace")
        return shown


class RequestLog:
    """The last records, oldest first; safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=KEPT_RECORDS)

    def add(self, record: RequestRecord) -> None:
        with self._lock:
            self._records.append(record)

    def all(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()


def parsed_body(body: bytes) -> Any:
    """Parse a request's body for the log: JSON if it is, else the bytes themselves."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body
