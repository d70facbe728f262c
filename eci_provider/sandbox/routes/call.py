"""What every endpoint is given, and how it answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from eci_provider.sandbox.environment import Environment, User
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.listing import reduced
from eci_provider.sandbox.validation import Schema, checked

PERMISSION_NAMES = {"view": "View", "create": "Create", "edit": "Edit", "delete": "Delete", "manage": "Manage"}


@dataclass(frozen=True)
class Call:
    """One call of an endpoint: the environment, the key's user, the query and the body."""

    env: Environment
    user: User
    query: dict[str, str]
    user_agent: str
    body: bytes

    def content(self, schema: Schema) -> dict[str, Any]:
        """
        Parse the body and check it.

        The 2023 SDK knows neither all keys of B7 nor sends null ones, so it may leave out those that are
        "Required (defined)"; the setting ``lenient_put`` lets every client.

        :raises ApiError: 400 for a body that is no JSON or breaks a rule.
        """
        try:
            parsed = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "The request body is not valid JSON.") from None
        lenient = self.env.settings.lenient_put or "msrest" in self.user_agent
        return checked(parsed, schema, lenient=lenient)

    def answer(self, content: Any, headers: dict[str, str] | None = None) -> Response:
        """Answer 200, with only the fields that a GET asked for."""
        return Response(
            json.dumps(reduced(content, self.query)).encode(),
            media_type="application/json; charset=utf-8",
            headers=headers,
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
        return Call(env, user, dict(request.query_params), agent, state["body"])

    return call


AnyKey = Annotated[Call, Depends(_permitted(None))]
View = Annotated[Call, Depends(_permitted("view"))]
Create = Annotated[Call, Depends(_permitted("create"))]
Delete = Annotated[Call, Depends(_permitted("delete"))]
EnvironmentAdmin = Annotated[Call, Depends(_permitted("environment_admin"))]


def no_content() -> Response:
    return Response(status_code=204)
