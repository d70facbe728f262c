"""Requests as the pages show them: those of one import or batch, repeated ones counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.request_log import RequestRecord
from eci_provider.sandbox.web.texts import masked

LONGEST_BODY = 4_000
LONGEST_VALUE = 400


@dataclass(frozen=True)
class RequestView:
    """
    One request, or several that are equal and follow each other.

    :param method: HTTP method.
    :param target: path, and query if there is one.
    :param status: status of the answer; None if there is none, or none yet.
    :param user: code of the key's user; None if the key is unknown.
    :param fault: description of the fault that hit it.
    :param first: time of the first, ISO 8601.
    :param last: time of the last.
    :param times: how many there are.
    :param body: the body of the first, for people to read; empty without one.
    """

    method: str
    target: str
    status: int | None
    user: str | None
    fault: str | None
    first: str
    last: str
    times: int
    body: str


def of_import(env: Environment, task_id: int, guid: str, most: int) -> tuple[list[RequestView], int]:
    """
    Return the newest requests about an import: the one that started it, and those whose path names it.

    :param most: number of rows at most.
    :return: the requests, the oldest first, and the number of rows without the limit.
    """
    note = f"/api/v3/task/{task_id}"
    return _views(
        env,
        lambda record: guid in record.created or record.path == note or _names(record.path, f"/{guid}"),
        most,
    )


def of_batch(env: Environment, batch_id: int, most: int) -> tuple[list[RequestView], int]:
    """Return the newest requests about a batch: the one that opened it, and those whose path names it."""
    key = str(batch_id)
    return _views(env, lambda record: key in record.created or _names(record.path, f"/batch/{batch_id}"), most)


def _names(path: str, resource: str) -> bool:
    """Return whether a path names a resource, such as ``/batch/7``, or something below it."""
    return f"{resource}/" in f"{path.lower()}/"


def _views(env: Environment, belongs: Callable[[RequestRecord], bool], most: int) -> tuple[list[RequestView], int]:
    found: list[RequestView] = []
    for record in filter(belongs, env.log.all()):
        view = _view(record)
        if found and _same(found[-1], view):
            found[-1] = replace(found[-1], last=view.last, times=found[-1].times + 1)
        else:
            found.append(view)
    return found[-most:], len(found)


def _view(record: RequestRecord) -> RequestView:
    query = urlencode(record.query, safe=",/:*", errors="replace")
    at = record.at or ""
    return RequestView(
        method=record.method,
        target=f"{record.path}?{query}" if query else record.path,
        status=record.status,
        user=record.user,
        fault=record.fault,
        first=at,
        last=at,
        times=1,
        body=_body(record.body),
    )


def _same(one: RequestView, other: RequestView) -> bool:
    keys = ("method", "target", "status", "user", "fault", "body")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _body(body: Any) -> str:
    """Return a body for people to read: long values, such as a bill file in base64, are left out."""
    if body is None:
        return ""
    if isinstance(body, bytes):
        return f"({len(body):,} bytes that are not JSON)"
    text = json.dumps(_shortened(body), indent=2, ensure_ascii=False)
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}\n… and {len(text) - LONGEST_BODY:,} more"


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {masked(name): _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str):
        # Masked before anything is cut or escaped: a key is no longer found then.
        return masked(value) if len(value) <= LONGEST_VALUE else f"({len(value):,} characters)"
    return value
