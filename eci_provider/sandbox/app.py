"""The FastAPI application. The gate in front of it handles the log, the faults and the API key."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.errors import ApiError, error_body
from eci_provider.sandbox.routes import account, batches, control, imports, kickouts, pages, profiles, tasks


def build() -> FastAPI:
    """
    Return the application.

    Each request carries its environment: the gate puts it into the request's state.
    """
    app = FastAPI(title="EnergyCAP sandbox", openapi_url=None, redirect_slashes=False)
    for resource in (account, batches, imports, profiles, kickouts, tasks, control, pages):
        app.include_router(resource.router)

    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> Response:
        return _error_response(request, error.status, error.message)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        # Assumption: an id in the path that is not an integer is answered with 400.
        names = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
        return _error_response(request, 400, f"Not valid: {names}.")

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        return _error_response(request, error.status_code, str(error.detail))

    return app


def _error_response(request: Request, status: int, message: str) -> Response:
    env: Environment = request.scope["state"]["env"]
    content_type, body = error_body(message, env.settings.error_format)
    return Response(body, status_code=status, headers={"content-type": content_type})
