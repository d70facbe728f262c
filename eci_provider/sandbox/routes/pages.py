"""The pages for a browser, with their styles and scripts. They require no API key, and never show one."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fastapi import APIRouter, Response

from eci_provider.sandbox.routes.control import Local
from eci_provider.sandbox.web import pages
from eci_provider.sandbox.web.query import Query

router = APIRouter()
# Text from a bill file must never load or run anything, and no page loads anything from another host.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
LONGEST_ID = 18


@router.get("/")
async def show_overview(control: Local) -> Response:
    return _page(pages.overview(control.env, Query.of(control.query), control.url))


@router.get("/batches/{batch_id}")
async def show_batch(batch_id: str, control: Local) -> Response:
    is_id = batch_id.isascii() and batch_id.isdigit() and len(batch_id) <= LONGEST_ID
    found = pages.batch_page(control.env, int(batch_id), Query.of(control.query)) if is_id else None
    return _page(found) if found else _page(pages.missing_page(control.env, f"batch {batch_id}"), 404)


@router.get("/imports/{task_guid}")
async def show_import(task_guid: str, control: Local) -> Response:
    found = pages.import_page(control.env, task_guid, Query.of(control.query))
    return _page(found) if found else _page(pages.missing_page(control.env, f"import {task_guid}"), 404)


@router.get("/assets/{name}")
async def get_asset(name: str, control: Local) -> Response:
    if name not in ASSETS:
        return Response(status_code=404)
    headers = HEADERS | {"cache-control": "no-cache"}
    return Response(_asset(name), media_type=ASSETS[name], headers=headers)


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status_code=status, media_type="text/html; charset=utf-8", headers=HEADERS)


@cache
def _asset(name: str) -> bytes:
    return resources.files("eci_provider.sandbox.web").joinpath("static").joinpath(name).read_bytes()
