"""The sandbox's own controls, for other processes on this machine. They require no API key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from eci_provider.sandbox import inspection
from eci_provider.sandbox.environment import PERMISSIONS, Environment
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.faults import Fault

router = APIRouter()
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Control:
    """
    A call from this machine.

    A web page of another site could send requests to a loopback port, by a host name that resolves to 127.0.0.1 or
    by a form. The Host header reveals the first, the content type the second.
    """

    def __init__(self, request: Request) -> None:
        self.env: Environment = request.scope["state"]["env"]
        self.gate: Any = request.scope["state"]["gate"]
        self._body: bytes = request.scope["state"]["body"]
        self.query = dict(request.query_params)
        name = request.headers.get("host", "").lower()
        host = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        if host not in LOOPBACK_NAMES:
            raise ApiError(403, "The Host header must name loopback, such as 127.0.0.1.")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method != "GET" and media_type != "application/json":
            raise ApiError(415, "Content-Type must be application/json.")
        #: Address of the sandbox, as the caller named it.
        self.url = f"http://{name}"

    def content(self) -> dict[str, Any]:
        """
        Parse the body and return it.

        :raises ApiError: 400 unless it is a JSON object.
        """
        try:
            parsed = json.loads(self._body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ApiError(400, "The body must be a JSON object.")
        return parsed

    def answer(self, content: Any) -> Response:
        """Return an answer with status 200."""
        return Response(json.dumps(content).encode(), media_type="application/json; charset=utf-8")


async def _control(request: Request) -> Control:
    return Control(request)


Local = Annotated[Control, Depends(_control)]


def apply_change(change: Callable[[], Any]) -> Any:
    """
    Make a change with names and values from a request.

    :raises ApiError: 400 if they are wrong.
    """
    try:
        return change()
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ApiError(400, str(error)) from None


@router.get("/sandbox/state")
async def get_state(control: Local) -> Response:
    return control.answer(inspection.state(control.env) | {"now": control.env.clock.now().isoformat()})


@router.get("/sandbox/requests")
async def get_requests(control: Local) -> Response:
    return control.answer([record.as_dict() for record in control.env.log.all()])


@router.delete("/sandbox/requests")
async def clear_requests(control: Local) -> Response:
    control.env.log.clear()
    return control.answer({})


@router.get("/sandbox/settings")
async def get_settings(control: Local) -> Response:
    return control.answer(control.env.settings.as_dict())


@router.patch("/sandbox/settings")
async def change_settings(control: Local) -> Response:
    changes = control.content()
    apply_change(lambda: control.env.settings.update(changes))
    return control.answer(control.env.settings.as_dict())


@router.post("/sandbox/accounts")
async def add_account(control: Local) -> Response:
    defaults = dict.fromkeys(("vendor_code", "service_start", "service_end", "alert"))
    given = {"meters": (), "aliases": (), "active": True, **defaults, **control.content()}
    if not isinstance(given.get("code"), str) or not given["code"]:
        raise ApiError(400, 'code is required, as in {"code": "1003", "meters": ["M-3"]}.')
    return control.answer({"account_id": apply_change(lambda: control.env.add_account(**given))})


@router.post("/sandbox/users")
async def add_user(control: Local) -> Response:
    given = control.content()
    code, full_name = given.pop("code", None), given.pop("full_name", None)
    if not isinstance(code, str) or not code:
        raise ApiError(400, "code is required.")
    key = apply_change(lambda: control.env.add_user(code, full_name, dict.fromkeys(PERMISSIONS, True) | given))
    return control.answer({"code": code, "api_key": key})


@router.post("/sandbox/faults")
async def add_fault(control: Local) -> Response:
    """Add a fault, or set chaos: ``{"chaos": {"503": 0.1}, "seed": 1}``."""
    given = control.content()
    faults = control.env.faults
    if "chaos" in given:
        apply_change(lambda: faults.set_chaos(int(given.get("seed", 0)), dict(given["chaos"])))
        return control.answer({})
    return control.answer({"fault": apply_change(lambda: faults.add(Fault(**given))).kind})


@router.delete("/sandbox/faults")
async def clear_faults(control: Local) -> Response:
    control.env.faults.clear()
    control.gate.release()
    return control.answer({})


@router.post("/sandbox/clock")
async def advance_clock(control: Local) -> Response:
    seconds = control.content().get("advance")
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise ApiError(400, "advance must be a number of seconds.")
    control.env.clock.advance(seconds)
    return control.answer({"now": control.env.clock.now().isoformat()})


@router.post("/sandbox/reset")
async def reset(control: Local) -> Response:
    control.gate.discard_late()
    control.env.reset()
    control.gate.release()
    return control.answer({})
