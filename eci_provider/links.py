"""The link "Open in EnergyCAP"; its URL comes from the connection, since the product's paths are not public."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink

from eci_provider.templates import unknown_placeholders

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from eci_provider.hooks.eci import EciHook

#: Where the URL lies; Airflow 3 serves it from there, Airflow 2 asks :meth:`EciLink.get_link`.
LINK_KEY = "eci_link"
LINK_FACTS = ("batch_id", "batch_code", "task_guid", "task_id")


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
        url: str | None = getattr(operator, "link_url", None)
        if url is None:
            from airflow.providers.common.compat.sdk import XCom

            url = XCom.get_value(ti_key=ti_key, key=LINK_KEY)
        return url or ""


class Linked:
    """
    Be mixed into tasks that show the link.

    Airflow 3 computes links in the worker when a run of the task ends, and overwrites the stored URL with what it
    gets; so the task remembers its URL, also over a deferral. Airflow 2 computes them in the web server.
    """

    #: The URL; empty when there is none, None when this process does not know.
    link_url: str | None = None

    def show_link(self, context: Context, hook: EciHook, **facts: Any) -> None:
        """
        Make the link work from now on, while the task waits and whatever becomes of it.

        :param context: Airflow's context.
        :param hook: the hook, for the connection's template.
        :param facts: what is known so far: batch_id, batch_code, task_guid, task_id.
        """
        url = filled(hook.settings.ui_url_template, hook.settings.base_url, facts)
        if url and url != self.link_url:
            context["ti"].xcom_push(key=LINK_KEY, value=url)
        self.link_url = url or self.link_url or ""


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
    values = {name: quote(str(value), safe="") for name, value in facts.items() if value is not None}
    values["host"] = host
    wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    return template.format(**values) if wanted <= values.keys() else None
