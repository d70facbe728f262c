"""
The links of a task in Airflow's UI: "Open in EnergyCAP" and "Kickout report".

The URL of the first comes from the connection's ``ui_url_template``, since EnergyCAP does not publish its paths.
"""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from eci_provider.core.paths import redact_path
from eci_provider.core.text import LONGEST_CODE, shown
from eci_provider.hooks.link_template import unknown_placeholders

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from eci_provider.hooks.eci import EciHook

#: The XCom keys of the URLs: Airflow 3 reads them, Airflow 2 calls ``get_link``.
LINK_KEY = "eci_link"
REPORT_LINK_KEY = "eci_kickout_report_link"


class EciLink(BaseOperatorLink):
    """Link from a task to its batch or import in EnergyCAP."""

    name = "Open in EnergyCAP"

    @property
    def xcom_key(self) -> str:
        """Return the XCom key under which Airflow 3 finds the URL."""
        return LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL, or an empty text if there is none.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        return _stored(getattr(operator, "link_url", None), ti_key, LINK_KEY)


class KickoutReportLink(BaseOperatorLink):
    """Link from a task to the kickout report that it wrote; see :func:`browser_url`."""

    name = "Kickout report"

    @property
    def xcom_key(self) -> str:
        """Return the XCom key under which Airflow 3 finds the URL."""
        return REPORT_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL, or an empty text if there is none.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        return _stored(getattr(operator, "report_url", None), ti_key, REPORT_LINK_KEY)


def _stored(url: str | None, ti_key: TaskInstanceKey, key: str) -> str:
    """Return the URL that the task object holds; in another process than the task's, the URL in XCom."""
    if url is None:
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
    Make the link "Open in EnergyCAP" work from now on, while the task waits and after it fails.

    :param task: the operator or sensor.
    :param context: Airflow's context.
    :param hook: the hook, for the connection's template.
    :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
    """
    url = filled_template(hook.settings.ui_url_template, hook.settings.base_url, facts)
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
    task.report_url = browser_url(path)
    context["ti"].xcom_push(key=REPORT_LINK_KEY, value=task.report_url)


def browser_url(path: str) -> str:
    """
    Return the URL with which a browser shows a file.

    For S3 and Google Cloud Storage it is that of their console, which does not know stores of other vendors that
    speak their protocol. Any other URL stays as it is. A local path becomes a ``file:`` URL of this worker, which
    most browsers open only if it is typed.

    :param path: a local path or a URL; its password and the values of its query are left out.
    """
    if "://" not in path:
        return Path(path).absolute().as_uri()
    parts = urlsplit(path)
    bucket = parts.netloc.rpartition("@")[2]
    # An object's key may contain "?" and "#".
    key = path.partition("://")[2].partition("/")[2]
    if parts.scheme in ("s3", "s3a", "s3n"):
        return f"https://s3.console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(key)}"
    if parts.scheme in ("gs", "gcs"):
        return f"https://console.cloud.google.com/storage/browser/_details/{quote(bucket)}/{quote(key)}"
    # A user name without a password may be part of the location, such as a container.
    return redact_path(urlunsplit(parts._replace(netloc=bucket)) if parts.password is not None else path)


def filled_template(template: str | None, host: str, facts: dict[str, Any]) -> str | None:
    """
    Return a URL template with its placeholders filled.

    :param template: the connection's ``ui_url_template``.
    :param host: the environment's address.
    :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
    :return: None without a template, or as long as one of its placeholders is not known.
    """
    if not template or unknown_placeholders(template):
        return None
    values = {
        name: quote(shown(str(value), LONGEST_CODE), safe="", errors="replace")
        for name, value in facts.items()
        if value is not None
    }
    values["host"] = host
    wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    return template.format(**values) if wanted <= values.keys() else None
