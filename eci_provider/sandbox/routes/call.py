"""The call of an endpoint: its input, its permission, its answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from eci_provider.sandbox.environment import Environment, User
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.paging import page, reduced
from eci_provider.sandbox.request_log import RequestRecord
from eci_provider.sandbox.validation import Schema, validate

PERMISSION_NAMES = {"view": "View", "create": "Create", "edit": "Edit", "delete": "Delete", "manage": "Manage"}


@dataclass(frozen=True)
class Call:
    """One call of an endpoint: the environment, the key's user, the query, the body, and its record in the log."""

    env: Environment
    user: User
    query: dict[str, str]
    user_agent: str
    body: bytes
    record: RequestRecord

    def content(self, schema: Schema) -> dict[str, Any]:
        """
        Parse and validate the body.

        The SDK of 2023 does not know all keys of B7, and omits keys that are null. So it may omit keys that are
        "Required (defined)"; with the setting ``lenient_put``, every client may.

        :raises ApiError: 400 for a body that is not JSON or breaks a rule.
        """
        try:
            parsed = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "The request body is not valid JSON.") from None
        lenient = self.env.settings.lenient_put or "msrest" in self.user_agent
        return validate(parsed, schema, lenient=lenient)

    def answer(self, content: Any, headers: dict[str, str] | None = None) -> Response:
        """Return an answer with status 200, reduced to the fields that the query names."""
        return Response(
            json.dumps(reduced(content, self.query)).encode(),
            media_type="application/json; charset=utf-8",
            headers=headers,
        )

    def answer_page(self, records: list[dict[str, Any]]) -> Response:
        """Return an answer with the page of a list that the query asks for."""
        settings = self.env.settings
        return self.answer(
            *page(records, self.query, largest=settings.largest_page, total_pages=settings.total_pages)
        )


def _permitted(permission: str | None) -> Callable[[Request], Awaitable[Call]]:
    async def call(request: Request) -> Call:
        state = request.scope["state"]
        env, user = state["env"], state["user"]
        if permission is not None and not user.may(permission):
            raise ApiError(
                env.settings.permission_status,
                f"The user '{user.code}' lacks the permission "
                f"{PERMISSION_NAMES.get(permission, permission)} on BillsAndBatches.",
            )
        agent = request.headers.get("user-agent", "")
        return Call(env, user, dict(request.query_params), agent, state["body"], state["record"])

    return call


AnyKey = Annotated[Call, Depends(_permitted(None))]
View = Annotated[Call, Depends(_permitted("view"))]
Create = Annotated[Call, Depends(_permitted("create"))]
Delete = Annotated[Call, Depends(_permitted("delete"))]
EnvironmentAdmin = Annotated[Call, Depends(_permitted("environment_admin"))]


def no_content() -> Response:
    """Return an answer with status 204."""
    return Response(status_code=204)
