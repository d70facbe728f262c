"""
The links of tasks: "Open in EnergyCAP", and "Kickout report".

The first one's URL comes from the connection, since the product's paths are not public.
"""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink

from eci_provider.core.paths import redact_path
from eci_provider.hooks.link_template import unknown_placeholders

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from eci_provider.hooks.eci import EciHook

#: Where the URL lies; Airflow 3 serves it from there, Airflow 2 asks :meth:`EciLink.get_link`.
LINK_KEY = "eci_link"
REPORT_LINK_KEY = "eci_kickout_report_link"


class EciLink(BaseOperatorLink):
    """Lead from a task to its batch or import in EnergyCAP."""

    name = "Open in EnergyCAP"

    @property
    def xcom_key(self) -> str:
        """Return where Airflow 3 finds the URL: the key that running tasks write to."""
        return LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL that the task left, or an empty text where it left none.

        :param operator: the operator.
        :param ti_key: which run of it.
        """
        return _left(getattr(operator, "link_url", None), ti_key, LINK_KEY)


class KickoutReportLink(BaseOperatorLink):
    """Lead from a task to the kickout report that it wrote; see :func:`place_url`."""

    name = "Kickout report"

    @property
    def xcom_key(self) -> str:
        """Return where Airflow 3 finds the URL: the key that tasks write to."""
        return REPORT_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL of the report, or an empty text where the task wrote none.

        :param operator: the operator.
        :param ti_key: which run of it.
        """
        return _left(getattr(operator, "report_url", None), ti_key, REPORT_LINK_KEY)


def _left(url: str | None, ti_key: TaskInstanceKey, key: str) -> str:
    """Return what a task knows, or what it left where this is another process."""
    if url is None:
        from airflow.providers.common.compat.sdk import XCom

        url = XCom.get_value(ti_key=ti_key, key=key)
    return url or ""


class LinkedTask(Protocol):
    """
    A task that shows the links.

    Airflow 3 computes links in the worker when a run of the task ends, and overwrites the stored URL with what it
    gets; so the task keeps its URLs, also over a deferral. Airflow 2 computes them in the web server.
    """

    #: The URLs; empty if there is none, None if this process does not know.
    link_url: str | None
    report_url: str | None


def show_link(task: LinkedTask, context: Context, hook: EciHook, **facts: Any) -> None:
    """
    Make the link "Open in EnergyCAP" work from now on, while the task waits and whatever becomes of it.

    :param task: the operator or sensor.
    :param context: Airflow's context.
    :param hook: the hook, for the connection's template.
    :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
    """
    url = filled(hook.settings.ui_url_template, hook.settings.base_url, facts)
    if url and url != task.link_url:
        context["ti"].xcom_push(key=LINK_KEY, value=url)
    task.link_url = url or task.link_url or ""


def show_report(task: LinkedTask, context: Context, path: str) -> None:
    """
    Make the link to the kickout report work, once it is written.

    :param task: the operator.
    :param context: Airflow's context.
    :param path: where it was written.
    """
    task.report_url = place_url(path)
    context["ti"].xcom_push(key=REPORT_LINK_KEY, value=task.report_url)


class Linked:
    """Mixin for operators that show the links."""

    link_url: str | None = None
    report_url: str | None = None

    def show_link(self, context: Context, hook: EciHook, **facts: Any) -> None:
        """Make the link "Open in EnergyCAP" work; see :func:`show_link`."""
        show_link(self, context, hook, **facts)

    def show_report(self, context: Context, path: str) -> None:
        """Make the link to the kickout report work; see :func:`show_report`."""
        show_report(self, context, path)


def place_url(path: str) -> str:
    """
    Return the URL of a file for a browser.

    An object of Amazon's or Google's store is shown by their consoles, which ask who one is; of one of your own
    that speaks their protocol they know nothing. Any other URL stays as it is, and a local path is a ``file:`` of
    this worker, which most browsers open by hand only.

    :param path: a local path or a URL; a password in it is left out, and so are the values of a query.
    """
    if "://" not in path:
        return Path(path).absolute().as_uri()
    parts = urlsplit(path)
    bucket = parts.netloc.rpartition("@")[2]
    # A store's key may hold what divides a URL.
    key = path.partition("://")[2].partition("/")[2]
    if parts.scheme in ("s3", "s3a", "s3n"):
        return f"https://s3.console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(key)}"
    if parts.scheme in ("gs", "gcs"):
        return f"https://console.cloud.google.com/storage/browser/_details/{quote(bucket)}/{quote(key)}"
    # A user's name alone may be part of the place, such as a container's.
    return redact_path(urlunsplit(parts._replace(netloc=bucket)) if parts.password is not None else path)


def filled(template: str | None, host: str, facts: dict[str, Any]) -> str | None:
    """
    Fill a URL template.

    :param template: the connection's ``ui_url_template``.
    :param host: the environment's address.
    :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
    :return: the URL; None without a template or while a placeholder of it is not known.
    """
    if not template or unknown_placeholders(template):
        return None
    values = {
        name: quote(str(value), safe="", errors="replace") for name, value in facts.items() if value is not None
    }
    values["host"] = host
    wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    return template.format(**values) if wanted <= values.keys() else None
