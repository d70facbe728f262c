"""What an import's outcome makes of the Airflow task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from eci_provider.api.errors import EciKickoutsError
from eci_provider.outcome import failure_of, kickouts_of, sentence

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

RETURN_VALUE = "return_value"


def judged(context: Context, result: dict[str, Any], on_kickouts: str) -> dict[str, Any]:
    """
    Return an import's result, or end the task as its outcome and ``on_kickouts`` say.

    :param context: Airflow's context; the result is pushed to XCom where the task does not succeed, too.
    :param result: the import's result.
    :param on_kickouts: ``fail``, ``warn`` or ``skip``.
    :raises EciImportFailedError: when it did not succeed.
    :raises EciKickoutsError: when rows were kicked out and that fails the task.
    :raises AirflowSkipException: when rows were kicked out and that skips it.
    """
    error = failure_of(result) or kickouts_of(result)
    if error is None:
        log.info("%s", sentence(result))
        return result
    if isinstance(error, EciKickoutsError) and on_kickouts == "warn":
        log.warning("%s", error)
        return result
    context["ti"].xcom_push(key=RETURN_VALUE, value=result)
    if isinstance(error, EciKickoutsError) and on_kickouts == "skip":
        raise AirflowSkipException(error.message)
    raise error
