"""A message about the kickouts of an import, made of what Airflow's context says about the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciKickoutsError
from eci_provider.core.text import LONGEST_TEXT, cut
from eci_provider.links import LINK_KEY, REPORT_LINK_KEY
from eci_provider.notifications import formats
from eci_provider.notifications.facts import KickoutFacts
from eci_provider.outcome.result import ImportResult
from eci_provider.runtime.context import RETURN_VALUE, map_index, own_xcom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KickoutMessage(KickoutFacts):
    """A message about the kickouts of an import."""

    @property
    def subject(self) -> str:
        """Return the message in a line, such as for an e-mail's subject."""
        return formats.subject(self)

    @property
    def text(self) -> str:
        """Return the message as plain text."""
        return formats.text(self)

    @property
    def html(self) -> str:
        """Return the message as HTML, such as for an e-mail."""
        return formats.html(self)

    @property
    def slack(self) -> str:
        """Return the message in Slack's markup; texts of the bill file mention nobody in it."""
        return formats.slack(self)

    def __str__(self) -> str:
        return self.text


def message_of(context: Context, *, note: str | None = None) -> KickoutMessage | None:
    """
    Return the message about the import that a task has waited for, or None if it has no result of one.

    :param context: Airflow's context, as callbacks of the task get it.
    :param note: a text at its end.
    """
    error = context.get("exception")
    if context.get("ti") is None:  # not a callback of a task
        return None
    result = _result(context, error)
    if result is None:
        return None
    instance: Any = context["ti"]
    return KickoutMessage(
        result,
        dag_id=str(instance.dag_id),
        task_id=str(instance.task_id),
        run_id=str(instance.run_id),
        map_index=map_index(instance),
        try_number=int(instance.try_number),
        problem=_problem(error),
        report_url=_web_address(own_xcom(context, REPORT_LINK_KEY)),
        energycap_url=_web_address(own_xcom(context, LINK_KEY)),
        log_url=_web_address(getattr(instance, "log_url", None)),
        note=note,
    )


def _result(context: Context, error: object) -> ImportResult | None:
    """Return the result that the error carries, or the one in XCom, where every end of a wait leaves it."""
    return _as_result(getattr(error, "result", None)) or _as_result(own_xcom(context, RETURN_VALUE))


def _as_result(facts: object) -> ImportResult | None:
    """Return the result of an import that ended, if these are its facts."""
    if not isinstance(facts, Mapping) or not facts.get("task_guid") or facts.get("outcome") is None:
        return None
    return ImportResult.from_xcom(facts)


def _problem(error: object) -> str | None:
    """Return why the task failed, if kickouts are not the reason; of others' errors not even the text is known."""
    if not isinstance(error, EciError) or isinstance(error, EciKickoutsError):
        return None
    return cut(error.message.partition("\n")[0], LONGEST_TEXT)


def _web_address(url: object) -> str | None:
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
