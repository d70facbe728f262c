"""The log of requests, for the assertions of tests."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

# A sandbox that runs for weeks must not grow without limit.
KEPT_RECORDS = 20_000


@dataclass
class RequestRecord:
    """
    One request and the status of its answer.

    :param method: HTTP method.
    :param path: path, decoded.
    :param query: last value of each query parameter, decoded.
    :param headers: headers by name in lower case, including the API key.
    :param body: parsed JSON; the raw bytes if they are not JSON; None without a body.
    :param at: time of arrival by the sandbox's clock, ISO 8601.
    :param connection: address and port of the client.
    :param status: status of the answer; None while it is pending, or if none was sent.
    :param user: code of the key's user; None if the key is unknown.
    :param fault: description of the fault that hit the request, if any.
    :param created: GUIDs of the imports, and ids of the batches, that the request created.
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
    created: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON: raw bytes become text."""
        shown = asdict(self)
        if isinstance(self.body, bytes):
            shown["body"] = self.body.decode("utf-8", "replace")
        return shown


class RequestLog:
    """The newest records, the oldest first. It may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=KEPT_RECORDS)

    def add(self, record: RequestRecord) -> None:
        """Add a record."""
        with self._lock:
            self._records.append(record)

    def all(self) -> list[RequestRecord]:
        """Return a copy of the log."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Remove all records."""
        with self._lock:
            self._records.clear()


def parse_body(body: bytes) -> Any:
    """Parse a request's body for the log. Bytes that are not JSON are returned as they are."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body
