"""A retry policy for Airflow 3.3 and later: the error decides whether and when Airflow retries a task."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.api.transport.retries import asked_delay
from eci_provider.core.text import cut
from eci_provider.runtime.compat import retry_policy_classes

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryDecision
    from airflow.providers.common.compat.sdk import RetryPolicy as _Base
else:
    RetryDecision, _Base = retry_policy_classes()

#: The delay of a retry that searches for the effect of a request with a lost answer, instead of the task's own.
SOON = timedelta(seconds=30)

#: The bounds of the delay that a server may choose.
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=1)


class EciRetryPolicy(_Base):
    """
    Retry a task if its error is retryable, after a delay that fits the error (Airflow 3.3 and later).

    * A non-retryable error fails the task at once, with the error's first line as the reason. So does a template
      that Jinja cannot render.
    * ``Retry-After`` of a 429 or 5xx sets the delay.
    * After a request with an unknown outcome the delay is 30 seconds: the next attempt searches before it sends.
    * For everything else the task's ``retries`` and ``retry_delay`` count.

    Older versions of Airflow have no retry policies and ignore this one. There a non-retryable error is an
    ``AirflowFailException``, which has the same effect; the delays are the task's own.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide whether and when to retry.

        :param exception: the exception that ended the try.
        :param try_number: the number of the try, from 1.
        :param max_tries: the number of tries at most.
        :param context: Airflow's context.
        """
        if isinstance(exception, TemplateError):
            return RetryDecision.fail(cut(f"A template cannot be rendered: {exception.message}", 300))
        if not isinstance(exception, EciError):
            return RetryDecision.default()
        reason = cut(exception.message.partition("\n")[0], 300)
        if not exception.retry_helps:
            return RetryDecision.fail(reason)
        asked = asked_delay(exception)
        if asked is not None:
            delay = min(max(asked, _SHORTEST.total_seconds()), _LONGEST.total_seconds())
            return RetryDecision.retry(timedelta(seconds=delay), reason)
        if isinstance(exception, EciUnknownOutcomeError):
            return RetryDecision.retry(SOON, reason)
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return the policy's settings: it has none."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EciRetryPolicy:
        """
        Return the policy.

        :param data: what :meth:`serialize` returned; unused.
        """
        return cls()

    # Airflow compares and prints policies when it stores a DAG; two of them must look alike.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def eci_default_args() -> dict[str, Any]:
    """
    Return ``default_args`` for DAGs with tasks of this package.

    Three retries, the first after a minute, the later ones up to half an hour apart; on Airflow 3.3 and later also
    :class:`EciRetryPolicy`.

    :return: a new dict, which you may change.
    """
    arguments: dict[str, Any] = {
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
    }
    if _Base is not object:
        arguments["retry_policy"] = EciRetryPolicy()
    return arguments
