"""The gate every request passes: log, faults, key, and only then the application."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eci_provider.sandbox import tasks, wire
from eci_provider.sandbox.clock import stamp
from eci_provider.sandbox.environment import Environment, User
from eci_provider.sandbox.errors import ApiError, error_body
from eci_provider.sandbox.faults import Fault
from eci_provider.sandbox.request_log import RequestRecord, parsed_body

log = logging.getLogger(__name__)


@dataclass
class Answer:
    """A whole response, before any of it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class LateRequest:
    """A request whose client is gone, and that takes effect only later."""

    due: float
    scope: Scope
    body: bytes
    record: RequestRecord


class Gate:
    """
    ASGI application around the application.

    It reads each request whole and collects each answer whole, so that a fault can come before, between
    and after. Everything runs in the event loop's one thread: requests take effect one after the other.
    """

    def __init__(self, env: Environment, app: ASGIApp) -> None:
        self._env = env
        self._app = app
        self._late: list[LateRequest] = []
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let hanging and delayed requests go."""
        self._released.set()
        self._released = asyncio.Event()

    def forget_late(self) -> None:
        self._late.clear()

    @property
    def has_late(self) -> bool:
        return bool(self._late)

    async def settle(self) -> None:
        """Catch up with what is due by now: late requests and imports, in the order of their times."""
        while True:
            now = self._env.clock.time()
            due = min((late for late in self._late if late.due <= now), key=lambda late: late.due, default=None)
            if due is None:
                tasks.run_due(self._env)
                return
            self._late.remove(due)
            tasks.run_due(self._env, due.due)
            with self._env.clock.pinned(due.due):
                await self._answer(due.scope, due.body, due.record)
            # Its client got no answer.
            due.record.status = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        if body is None:
            return
        await self.settle()
        record = self._recorded(scope, body)
        fault = self._env.faults.take(scope["method"], scope["path"]) if _is_api(scope) else None
        if fault is None:
            await _deliver(await self._answer(scope, body, record), send)
            return
        record.fault = fault.kind
        await self._spoil(fault, scope, body, record, receive, send)

    def _recorded(self, scope: Scope, body: bytes) -> RequestRecord:
        headers = _headers(scope)
        user = self._env.user_by_key(headers.get("eci-apikey", ""))
        host, port = scope["client"] or ("", 0)
        record = RequestRecord(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers=headers,
            body=parsed_body(body),
            at=stamp(self._env.clock.time()),
            connection=f"{host}:{port}",
            user=user.code if user else None,
        )
        if _is_api(scope):
            self._env.log.add(record)
        return record

    async def _spoil(
        self, fault: Fault, scope: Scope, body: bytes, record: RequestRecord, receive: Receive, send: Send
    ) -> None:
        """Do to a request and its answer what the fault says."""
        if fault.drop == "late":
            self._late.append(LateRequest(self._env.clock.time() + fault.commit_after, scope, body, record))
        answer = await self._answer(scope, body, record) if fault.commits else Answer(200)
        if fault.delay and not fault.drop:
            await wire.wait(receive, self._released, fault.delay)
        if fault.hang:
            await wire.wait(receive, self._released, None)
        if fault.drop or fault.hang:
            record.status = None
            await wire.drop(send, receive)
            return
        answer = _replaced(fault, answer, self._date())
        record.status = answer.status
        if fault.truncate is None:
            await _deliver(answer, send)
            return
        await _deliver(answer, send, fault.truncate)
        await wire.close(send, receive)

    async def _answer(self, scope: Scope, body: bytes, record: RequestRecord) -> Answer:
        """Let a request take effect and collect its answer."""
        try:
            user = self._admitted(scope, record) if _is_api(scope) else None
            inner = {**scope, "state": {"env": self._env, "user": user, "body": body, "gate": self}}
            # A request is one step for threads that look on; the application never pauses in it.
            with self._env.store.locked():
                answer = await _collected(self._app, inner)
        except ApiError as error:
            answer = refusal(self._env, error)
        except Exception:
            log.exception("The sandbox failed at %s %s", scope["method"], scope["path"])
            answer = refusal(self._env, ApiError(500, "The sandbox itself failed; see its log."))
        answer.headers.append(self._date())
        answer.headers.extend(self._deprecation(scope["path"]))
        record.status = answer.status
        return answer

    def _admitted(self, scope: Scope, record: RequestRecord) -> User:
        """
        Check key and content type.

        :raises ApiError: 401 for a missing or unknown key, 415 for another content type.
        """
        user = self._env.user_by_key(record.headers.get("eci-apikey", ""))
        if user is None:
            raise ApiError(401, "The API key is missing or not valid.")
        # "All requests must specify JSON content type"; the official SDK of 2023 does not, where it has no body.
        excused = scope["method"] in ("GET", "DELETE") and "msrest" in record.headers.get("user-agent", "")
        media_type = record.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._env.settings.strict_content_type and media_type != "application/json" and not excused:
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


def refusal(env: Environment, error: ApiError) -> Answer:
    """Word a refusal as the environment does."""
    content_type, body = error_body(error.message, env.settings.error_format)
    return Answer(error.status, [(b"content-type", content_type.encode())], body)


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _whole_body(receive: Receive) -> bytes | None:
    """Read a request's body; None if the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _collected(app: ASGIApp, scope: Scope) -> Answer:
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


def _replaced(fault: Fault, answer: Answer, date: tuple[bytes, bytes]) -> Answer:
    """Put what the fault answers in place of the real answer."""
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
    shown: list[tuple[bytes, bytes]] = [(name.encode(), value.encode()) for name, value in headers.items()]
    if "date" not in headers:
        shown.append(date)
    return Answer(fault.status or 307, shown, body)


async def _deliver(answer: Answer, send: Send, only: int | None = None) -> None:
    """
    Send an answer.

    :param only: announce all of it, but send only so many bytes and leave the answer unfinished.
    """
    headers = [pair for pair in answer.headers if pair[0].lower() != b"content-length"]
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    start: dict[str, Any] = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    sent = answer.body if only is None else answer.body[:only]
    await send({"type": "http.response.body", "body": sent, "more_body": only is not None})
