"""The pages as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.web import batches, bills, imports, kickouts, requests, texts
from eci_provider.sandbox.web.query import OUTCOMES, STATUSES, STEP, Query
from eci_provider.sandbox.web.summary import summary

# Imports whose kicked-out rows the overview shows, and rows of each. Their own pages show all.
KICKOUT_IMPORTS = 10
KICKOUT_ROWS = 20


def overview(env: Environment, query: Query, url: str) -> str:
    """
    Return the page of all batches, imports and kickouts.

    :param url: address of the sandbox, for the connection that the page tells a newcomer.
    """
    with _keys_hidden(env):
        found_batches, batch_count = batches.listed(env, query)
        found_imports, import_count = imports.listed(env, query)
        kicked_out = [item for item in found_imports if item.row["kickouts"]]
        groups = [(item, _kickouts(env, item, query)) for item in kicked_out[:KICKOUT_IMPORTS]]
        return _render(
            env,
            "overview.html",
            query=query,
            url=url,
            summary=summary(env),
            batches=found_batches,
            batch_count=batch_count,
            imports=found_imports,
            import_count=import_count,
            kickouts=groups,
            kickouts_left_out=len(kicked_out) - len(groups),
        )


def batch_page(env: Environment, batch_id: int, query: Query) -> str | None:
    """Return the page of a batch; None if there never was one with this id."""
    with _keys_hidden(env):
        batch = batches.one(env, batch_id)
        if batch is None:
            return None
        found, count = imports.of_batch(env, batch_id, query.rows)
        shown, request_count = requests.of_batch(env, batch_id, query.rows)
        return _render(
            env,
            "deleted_batch.html" if isinstance(batch, batches.DeletedBatch) else "batch.html",
            query=query,
            batch=batch,
            imports=found,
            import_count=count,
            bills=bills.of(env, "batch_id", batch_id, query),
            requests=shown,
            request_count=request_count,
        )


def import_page(env: Environment, guid: str, query: Query) -> str | None:
    """Return the page of an import; None if there is none with this GUID."""
    with _keys_hidden(env):
        item = imports.one(env, guid)
        if item is None:
            return None
        task_id = item.row["task_id"]
        shown, request_count = requests.of_import(env, task_id, item.row["guid"], query.rows)
        return _render(
            env,
            "import.html",
            query=query,
            item=item,
            kickouts=kickouts.of_import(env, task_id, query, query.rows),
            bills=bills.of(env, "task_id", task_id, query),
            requests=shown,
            request_count=request_count,
        )


def missing_page(env: Environment, what: str) -> str:
    """
    Return the page for something that is not there.

    :param what: its kind and name, such as "batch 7".
    """
    with _keys_hidden(env):
        return _render(env, "missing.html", what=what)


def _kickouts(env: Environment, item: imports.ImportView, query: Query) -> kickouts.Kickouts:
    """Return the kicked-out rows that match; all if the import matches by something else, such as its name."""
    task_id = item.row["task_id"]
    found = kickouts.of_import(env, task_id, query, KICKOUT_ROWS)
    return found if found.matching else kickouts.of_import(env, task_id, Query(), KICKOUT_ROWS)


@contextmanager
def _keys_hidden(env: Environment) -> Iterator[None]:
    """Mask the API keys of all users, and the token, in whatever a page reads and shows."""
    users = env.store.rows("SELECT api_key FROM users WHERE api_key IS NOT NULL")
    with texts.hiding([*(user["api_key"] for user in users), env.token]):
        yield


def _render(env: Environment, template: str, **values: Any) -> str:
    return _templates().get_template(template).render(now=env.clock.time(), clock=env.clock.kind, **values)


@cache
def _templates() -> Templates:
    templates = Templates(
        loader=PackageLoader("eci_provider.sandbox.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=texts.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        moment=texts.moment,
        duration=texts.duration,
        money=texts.money,
        n=texts.counted,
        spelled=texts.spelled,
    )
    templates.globals.update(OUTCOMES=OUTCOMES, STATUSES=STATUSES, STEP=STEP)
    return templates
