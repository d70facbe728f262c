"""What an import's outcome makes of the Airflow task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from eci_provider.api.errors import EciError, EciKickoutsError, EciWaitTimeoutError
from eci_provider.outcome.result import failure_of, is_tolerated, kickouts_of, sentence
from eci_provider.runtime.context import RETURN_VALUE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


def apply_policy(
    context: Context,
    result: dict[str, Any],
    on_kickouts: str,
    *,
    max_kickouts: float | None = None,
    voided: EciError | None = None,
    pending_is_meant: bool = False,
) -> dict[str, Any]:
    """
    Return an import's result, or end the task as its outcome and ``on_kickouts`` say.

    :param context: Airflow's context; the result is pushed to XCom where the task does not succeed, too.
    :param result: the import's result.
    :param on_kickouts: ``fail``, ``warn`` or ``skip``.
    :param max_kickouts: up to how many rows, or which share, they are only a warning.
    :param voided: why its bills do not count although it succeeded, if they do not or if that is not known.
    :param pending_is_meant: whether it went into a Pending batch on purpose.
    :raises EciImportFailedError: when it did not succeed.
    :raises EciError: `voided`.
    :raises EciKickoutsError: when rows were kicked out and that fails the task.
    :raises AirflowSkipException: when rows were kicked out and that skips it.
    """
    error = failure_of(result) or voided or kickouts_of(result)
    if error is None:
        log.log(logging.INFO if result["voided"] == 0 else logging.WARNING, "%s", sentence(result))
        return result
    if isinstance(error, EciKickoutsError):
        if on_kickouts == "warn":
            log.warning("%s", error)
            return result
        if is_tolerated(result, max_kickouts, pending_is_meant=pending_is_meant):
            log.warning("%s\nThat is within max_kickouts=%r.", error, max_kickouts)
            return result
    push_result(context, result)
    if isinstance(error, EciKickoutsError) and on_kickouts == "skip":
        raise AirflowSkipException(error.message)
    raise error


def push_result(context: Context, result: dict[str, Any]) -> None:
    """
    Push the result of a task that does not succeed to XCom.

    Where that fails, why the task does not succeed weighs more, and decides whether Airflow retries it.

    :param context: Airflow's context.
    :param result: the import's result.
    """
    try:
        context["ti"].xcom_push(key=RETURN_VALUE, value=result)
    except Exception as error:  # Airflow's own, of its API server or of an XCom backend
        log.warning(
            "The result of import %s cannot be pushed to XCom (%s): %s", result["task_guid"], error, result
        )


def cut_short(context: Context, result: dict[str, Any], how_to_go_on: str) -> EciWaitTimeoutError:
    """
    Return the error for an import that ended, and for whose conclusion the ``execution_timeout`` left no time.

    :param context: Airflow's context; the result is pushed to XCom.
    :param result: the import's result, as far as it is known.
    :param how_to_go_on: what a person does next who wants the result.
    """
    push_result(context, result)
    place = f" in batch {result['batch_code'] or result['batch_id']}" if result["batch_id"] else ""
    return EciWaitTimeoutError(
        f"Import {result['task_guid']} has ended as {result['status']!r}{place}, and the `execution_timeout` of "
        "this task was over while its kickouts and its batch were read, or its kickout report was written. "
        f"{how_to_go_on} Leave the task more time.",
        ended_by="execution_timeout",
        task_guid=result["task_guid"],
        status=result["status"],
    )
