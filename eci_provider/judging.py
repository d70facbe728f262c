"""What an import's outcome makes of the Airflow task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from eci_provider.api.errors import EciKickoutsError, EciVoidedError
from eci_provider.outcome import failure_of, is_tolerated, kickouts_of, sentence

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

RETURN_VALUE = "return_value"


def judged(
    context: Context,
    result: dict[str, Any],
    on_kickouts: str,
    *,
    max_kickouts: float | None = None,
    voided: EciVoidedError | None = None,
) -> dict[str, Any]:
    """
    Return an import's result, or end the task as its outcome and ``on_kickouts`` say.

    :param context: Airflow's context; the result is pushed to XCom where the task does not succeed, too.
    :param result: the import's result.
    :param on_kickouts: ``fail``, ``warn`` or ``skip``.
    :param max_kickouts: up to how many rows, or which share, they are only a warning.
    :param voided: why its bills do not count although it succeeded, if they do not.
    :raises EciImportFailedError: when it did not succeed.
    :raises EciVoidedError: when its bills are void.
    :raises EciKickoutsError: when rows were kicked out and that fails the task.
    :raises AirflowSkipException: when rows were kicked out and that skips it.
    """
    error = failure_of(result) or voided or kickouts_of(result)
    if error is None:
        log.info("%s", sentence(result))
        return result
    if isinstance(error, EciKickoutsError):
        if on_kickouts == "warn":
            log.warning("%s", error)
            return result
        if is_tolerated(result, max_kickouts):
            log.warning("%s\nThat is within max_kickouts=%r.", error, max_kickouts)
            return result
    context["ti"].xcom_push(key=RETURN_VALUE, value=result)
    if isinstance(error, EciKickoutsError) and on_kickouts == "skip":
        raise AirflowSkipException(error.message)
    raise error
