"""
The links of a task in Airflow's UI: "Open in EnergyCAP" and "Kickout report".

Their URLs come from the connection's ``ui_url_template``, since EnergyCAP does not publish its paths, and
``report_url_template``. A task stores a URL in XCom as soon as it is known, and stores nothing if there is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from eci_provider.core.paths import redact_path
from eci_provider.core.text import LONGEST_CODE, shown
from eci_provider.hooks.link_template import PLACEHOLDERS, REPORT_PLACEHOLDERS, first_filled

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from eci_provider.hooks.eci import EciHook

#: The XCom keys of the URLs: Airflow 3 reads them, Airflow 2 calls ``get_link``.
LINK_KEY = "eci_link"
REPORT_LINK_KEY = "eci_kickout_report_link"

# Stores whose URLs name a container before the "@", and an account after it.
_AZURE = ("abfs", "abfss", "wasb", "wasbs")


class EciLink(BaseOperatorLink):
    """Link from a task to its batch or import in EnergyCAP."""

    name = "Open in EnergyCAP"

    @property
    def xcom_key(self) -> str:
        """Return the XCom key under which Airflow finds the URL."""
        return LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL, or an empty text if there is none.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        return XCom.get_value(ti_key=ti_key, key=LINK_KEY) or ""


class KickoutReportLink(BaseOperatorLink):
    """Link from a task to the kickout report that it wrote; see :func:`browser_url`."""

    name = "Kickout report"

    @property
    def xcom_key(self) -> str:
        """Return the XCom key under which Airflow finds the URL."""
        return REPORT_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the URL, or an empty text if there is none.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        return XCom.get_value(ti_key=ti_key, key=REPORT_LINK_KEY) or ""


class LinkedTask(Protocol):
    """A task that shows the links."""

    #: The URL of "Open in EnergyCAP" that this process has stored.
    link_url: str


def store_links_itself(task: BaseOperator) -> None:
    """
    Take our links off a task that runs in a worker; Airflow's page has them from the DAG.

    When a run of a task ends, Airflow 3 stores its links again, and one without a URL as an empty row in XCom.

    :param task: the operator or sensor.
    """
    ours = (EciLink, KickoutReportLink)
    task.operator_extra_links = tuple(link for link in task.operator_extra_links if not isinstance(link, ours))


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
        task.link_url = url


def show_report(context: Context, template: str | None, path: str) -> None:
    """
    Make the link to the kickout report work, once it is written, if a browser can open it.

    :param context: Airflow's context.
    :param template: the connection's ``report_url_template``.
    :param path: where it was written.
    """
    if url := browser_url(path, template):
        context["ti"].xcom_push(key=REPORT_LINK_KEY, value=url)


def browser_url(path: str, template: str | None = None) -> str | None:
    """
    Return the URL with which a browser shows a report, wherever the browser runs.

    Without a template it is the page of S3's or Google Cloud Storage's own console, which does not know stores of
    other vendors that speak their protocol; an http or https URL stays as it is.

    :param path: a local path or a URL; its password and the values of its query are left out.
    :param template: the connection's ``report_url_template``.
    :return: None for any other place, such as a folder of the worker.
    """
    if url := first_filled(template, _report_facts(path), REPORT_PLACEHOLDERS):
        return url
    parts, (bucket, key) = urlsplit(path), _bucket_and_key(path)
    if parts.scheme in ("s3", "s3a", "s3n"):
        return f"https://s3.console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(key)}"
    if parts.scheme in ("gs", "gcs"):
        return f"https://console.cloud.google.com/storage/browser/_details/{quote(bucket)}/{quote(key)}"
    return _without_user(path) if parts.scheme in ("http", "https") else None


def _report_facts(path: str) -> dict[str, str]:
    """Return the values of the template's placeholders, quoted for a URL."""
    bucket, key = _bucket_and_key(path)
    facts = {
        "url": quote(_without_user(path), safe=""),
        "path": quote(key),
        "name": quote(key.rpartition("/")[2], safe=""),
    }
    return {**facts, "bucket": quote(bucket, safe="")} if bucket else facts


def _bucket_and_key(path: str) -> tuple[str, str]:
    """Return the bucket or container of a URL, and the path in it; a local path has none, and loses its "/"."""
    if "://" not in path:
        return "", Path(path).absolute().as_posix().lstrip("/")
    # An object's key may contain "?" and "#".
    scheme, _, rest = path.partition("://")
    location, _, key = rest.partition("/")
    user, _, bucket = location.rpartition("@")
    return (user if scheme in _AZURE and user and "." in bucket else bucket), key


def _without_user(path: str) -> str:
    """Return a URL without a user and password, and without the values of its query."""
    parts = urlsplit(path) if "://" in path else None
    if parts is not None and parts.password is not None:
        path = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    # A user name without a password may be part of the location, such as a container.
    return redact_path(path)


def filled_template(template: str | None, host: str, facts: dict[str, Any]) -> str | None:
    """
    Return the URL of "Open in EnergyCAP".

    :param template: the connection's ``ui_url_template``.
    :param host: the environment's address.
    :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
    :return: None without a template, or as long as too little is known for it.
    """
    values = {
        name: quote(shown(str(value), LONGEST_CODE), safe="", errors="replace")
        for name, value in facts.items()
        if value is not None
    }
    return first_filled(template, {**values, "host": host}, PLACEHOLDERS)
