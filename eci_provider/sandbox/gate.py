"""The gate in front of the application. Every request passes the log, the faults and the check of its key here."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eci_provider.sandbox import connections, tasks
from eci_provider.sandbox.clock import format_time
from eci_provider.sandbox.environment import Environment, User
from eci_provider.sandbox.errors import ApiError, error_body
from eci_provider.sandbox.faults import Fault
from eci_provider.sandbox.request_log import RequestRecord, parse_body

log = logging.getLogger(__name__)


@dataclass
class Answer:
    """A complete response, before any of it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class LateRequest:
    """A request that takes effect later, after its connection was closed."""

    due: float
    scope: Scope
    body: bytes
    record: RequestRecord
    double: str | None = None


class Gate:
    """
    ASGI middleware around the application.

    It reads each request and each answer completely, so that a fault can happen before, between and after them.
    All requests run in the one thread of the event loop, so they take effect one after the other.
    """

    def __init__(self, env: Environment, app: ASGIApp) -> None:
        self._env = env
        self._app = app
        self._late: list[LateRequest] = []
        self._released = asyncio.Event()

    def release(self) -> None:
        """End the wait of all hanging and delayed requests."""
        self._released.set()
        self._released = asyncio.Event()

    def discard_late(self) -> None:
        """Discard the late requests: they never take effect."""
        self._late.clear()

    @property
    def has_late(self) -> bool:
        """Whether there are late requests."""
        return bool(self._late)

    async def settle(self) -> None:
        """Process the late requests and imports that are due, in the order of their times."""
        while True:
            now = self._env.clock.time()
            due = min((late for late in self._late if late.due <= now), key=lambda late: late.due, default=None)
            if due is None:
                tasks.run_due(self._env)
                return
            self._late.remove(due)
            tasks.run_due(self._env, due.due)
            with self._env.clock.pinned(due.due):
                await self._effect(due.double, due.scope, due.body, due.record)
            # The client received no answer.
            due.record.status = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if body is None:
            return
        await self.settle()
        record = self._record(scope, body)
        fault = self._env.faults.take(scope["method"], scope["path"]) if _is_api(scope) else None
        if fault is None:
            await _deliver(await self._answer(scope, body, record), send)
            return
        record.fault = fault.kind
        await self._spoil(fault, scope, body, record, receive, send)

    def _record(self, scope: Scope, body: bytes) -> RequestRecord:
        headers = _headers(scope)
        user = self._env.user_by_key(headers.get("eci-apikey", ""))
        host, port = scope["client"] or ("", 0)
        record = RequestRecord(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers=headers,
            body=parse_body(body),
            at=format_time(self._env.clock.time()),
            connection=f"{host}:{port}",
            user=user.code if user else None,
        )
        if _is_api(scope):
            self._env.log.add(record)
        return record

    async def _spoil(
        self, fault: Fault, scope: Scope, body: bytes, record: RequestRecord, receive: Receive, send: Send
    ) -> None:
        """Answer a request as a fault says."""
        if fault.drop == "late":
            due = self._env.clock.time() + fault.commit_after
            self._late.append(LateRequest(due, scope, body, record, fault.double))
        answer = await self._effect(fault.double, scope, body, record) if fault.commits else Answer(200)
        if fault.delay and not fault.drop:
            await connections.wait(receive, self._released, fault.delay)
        if fault.hang:
            await connections.wait(receive, self._released, None)
        if fault.drop or fault.hang:
            record.status = None
            await connections.drop(send, receive)
            return
        answer = _faulty_answer(fault, answer, self._date())
        record.status = answer.status
        if fault.truncate is None:
            await _deliver(answer, send)
            return
        await _deliver(answer, send, fault.truncate)
        await connections.close(send, receive)

    async def _effect(self, double: str | None, scope: Scope, body: bytes, record: RequestRecord) -> Answer:
        """Process a request, twice if it is doubled, and return the answer that the client gets."""
        first = await self._answer(scope, body, record)
        if double is None:
            return first
        second = await self._answer(scope, body, record)
        answer = first if double == "first" else second
        record.status = answer.status
        return answer

    async def _answer(self, scope: Scope, body: bytes, record: RequestRecord) -> Answer:
        """Process a request, and return its answer."""
        try:
            user = self._authenticate(scope, record) if _is_api(scope) else None
            state = {"env": self._env, "user": user, "body": body, "record": record, "gate": self}
            inner = {**scope, "state": state}
            # Threads that inspect the store see either all of a request or nothing.
            with self._env.store.locked():
                answer = await _collect(self._app, inner)
        except ApiError as error:
            answer = error_answer(self._env, error)
        except Exception:
            log.exception("The sandbox failed to answer %s %s", scope["method"], scope["path"])
            answer = error_answer(self._env, ApiError(500, "Internal error of the sandbox; see its log."))
        answer.headers.append(self._date())
        answer.headers.extend(self._deprecation(scope["path"]))
        record.status = answer.status
        return answer

    def _authenticate(self, scope: Scope, record: RequestRecord) -> User:
        """
        Check the key and the content type, and return the key's user.

        :raises ApiError: 401 for a missing or unknown key, 415 for another content type.
        """
        user = self._env.user_by_key(record.headers.get("eci-apikey", ""))
        if user is None:
            raise ApiError(401, "The API key is missing or not valid.")
        # "All requests must specify JSON content type", but the official SDK of 2023 does not if there is no body.
        exempt = scope["method"] in ("GET", "DELETE") and "msrest" in record.headers.get("user-agent", "")
        media_type = record.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._env.settings.strict_content_type and media_type != "application/json" and not exempt:
            raise ApiError(415, "The header 'Content-Type: application/json' is required on every request.")
        return user

    def _date(self) -> tuple[bytes, bytes]:
        return b"date", self._env.clock.http_date().encode()

    def _deprecation(self, path: str) -> list[tuple[bytes, bytes]]:
        return [
            (b"eci-deprecated", text.encode())
            for pattern, text in self._env.settings.deprecated.items()
            if fnmatchcase(path, pattern)
        ]


def error_answer(env: Environment, error: ApiError) -> Answer:
    """Return the answer for an error, in the format that the settings say."""
    content_type, body = error_body(error.message, env.settings.error_format)
    return Answer(error.status, [(b"content-type", content_type.encode())], body)


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _read_body(receive: Receive) -> bytes | None:
    """Return a request's body; None if the client disconnected before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _collect(app: ASGIApp, scope: Scope) -> Answer:
    answer = Answer(500)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


def _faulty_answer(fault: Fault, answer: Answer, date: tuple[bytes, bytes]) -> Answer:
    """Return the fault's answer, or the real answer if the fault has none."""
    if fault.garbage:
        return Answer(200, [(b"content-type", b"application/json"), date], b"\x89\xff<<not json>>")
    if fault.status is None and fault.redirect is None:
        return answer
    headers = {name.lower(): value for name, value in fault.headers.items()}
    if fault.redirect is not None:
        headers.setdefault("location", fault.redirect)
    body = fault.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        headers.setdefault("content-type", "application/json")
        body = json.dumps(body).encode()
    pairs: list[tuple[bytes, bytes]] = [(name.encode(), value.encode()) for name, value in headers.items()]
    if "date" not in headers:
        pairs.append(date)
    return Answer(fault.status or 307, pairs, body)


async def _deliver(answer: Answer, send: Send, only: int | None = None) -> None:
    """
    Send an answer.

    :param only: number of bytes of the body to send, although the headers announce all; None for all.
    """
    headers = [pair for pair in answer.headers if pair[0].lower() != b"content-length"]
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    start: dict[str, Any] = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    sent = answer.body if only is None else answer.body[:only]
    await send({"type": "http.response.body", "body": sent, "more_body": only is not None})
