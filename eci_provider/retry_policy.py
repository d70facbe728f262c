"""Decide by the error whether Airflow tries a task again, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.api.transport.retries import asked_delay
from eci_provider.core.text import cut
from eci_provider.runtime import compat

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryDecision
    from airflow.providers.common.compat.sdk import RetryPolicy as _Base
else:
    _Base = compat.RetryPolicy or object

#: The delay after which a try that looks for a lost request's effect is made, whatever the task's own delay is.
SOON = timedelta(seconds=30)

#: The bounds of the delay that a server may choose.
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=1)


class EciRetryPolicy(_Base):
    """
    Retry what a retry can help, when it can help (Airflow 3.3 and later).

    * An error that a retry cannot help fails the task at once, with the error's first line as the reason.
    * ``Retry-After`` of a 429 or 5xx sets the delay.
    * A request whose outcome is unknown is looked for after 30 seconds: the next try looks before it acts.
    * Everything else is left to the task's ``retries`` and ``retry_delay``.

    Older versions of Airflow have no policies and ignore this one. There the errors that a retry cannot help are
    ``AirflowFailException`` as well, which has the same effect; the delays are the task's own.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide whether and when to retry.

        :param exception: what the try ended with.
        :param try_number: the number of the try, from 1.
        :param max_tries: how many tries there are at most.
        :param context: Airflow's context.
        """
        if not isinstance(exception, EciError):
            return compat.RetryDecision.default()
        reason = cut(exception.message.partition("\n")[0], 300)
        if not exception.retry_helps:
            return compat.RetryDecision.fail(reason)
        asked = asked_delay(exception)
        if asked is not None:
            delay = min(max(asked, _SHORTEST.total_seconds()), _LONGEST.total_seconds())
            return compat.RetryDecision.retry(timedelta(seconds=delay), reason)
        if isinstance(exception, EciUnknownOutcomeError):
            return compat.RetryDecision.retry(SOON, reason)
        return compat.RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return what makes this policy again: it has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EciRetryPolicy:
        """
        Return the policy.

        :param data: what :meth:`serialize` returned.
        """
        return cls()

    # Policies are compared and printed when a DAG is stored, which must not look like a change each time.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def eci_default_args() -> dict[str, Any]:
    """
    Return a ``default_args`` for DAGs that speak with EnergyCAP.

    Three retries, the first after a minute, later ones up to half an hour apart, and, on Airflow 3.3 and later,
    :class:`EciRetryPolicy`.

    :return: a new dict; add to it or replace what does not fit.
    """
    arguments: dict[str, Any] = {
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
    }
    if compat.RetryPolicy is not None:
        arguments["retry_policy"] = EciRetryPolicy()
    return arguments
