"""What an import's result makes of the Airflow task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowSkipException

from eci_provider.api.errors import EciError, EciKickoutsError
from eci_provider.core.text import shown
from eci_provider.outcome.errors import failed_error, kickouts_error
from eci_provider.outcome.result import ImportResult
from eci_provider.runtime.context import RETURN_VALUE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


def apply_policy(
    context: Context,
    result: ImportResult,
    on_kickouts: str,
    *,
    max_kickouts: float | None = None,
    voided: EciError | None = None,
    pending_is_meant: bool = False,
) -> ImportResult:
    """
    Return an import's result, or end the task as the result and ``on_kickouts`` say.

    :param context: Airflow's context; if the task does not succeed, the result is pushed to XCom, too.
    :param result: the import's result.
    :param on_kickouts: ``fail``, ``warn`` or ``skip``.
    :param max_kickouts: up to how many rows, or which share of them, kickouts are only a warning.
    :param voided: why its bills do not count although it succeeded, if they do not or if that is not known.
    :param pending_is_meant: whether the import went into a Pending batch on purpose.
    :raises EciImportFailedError: if it did not succeed.
    :raises EciError: `voided`.
    :raises EciKickoutsError: if rows were kicked out and that fails the task.
    :raises AirflowSkipException: if rows were kicked out and that skips it.
    """
    error = failed_error(result) or voided or kickouts_error(result)
    if error is None:
        log.log(logging.INFO if result.voided == 0 else logging.WARNING, "%s", result.summary)
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


def is_tolerated(result: ImportResult, max_kickouts: float | None, *, pending_is_meant: bool = False) -> bool:
    """
    Return whether an import's kickouts are few enough to be only a warning.

    They never are if they void the other bills too, or if their number is not known.

    :param result: the result of an import with kickouts.
    :param max_kickouts: how many rows at most, or, as a float below 1, which share of kicked-out rows and imported
        bills together; None for none at all. A bill has one row or more, so the share is never underestimated.
    :param pending_is_meant: whether the import went into a Pending batch on purpose.
    """
    rows, bills, voided = result.kickouts, result.imported, result.voided
    if max_kickouts is None or rows is None or bills is None or voided is None:
        return False
    if voided and not pending_is_meant:
        return False
    if isinstance(max_kickouts, float):
        return rows <= max_kickouts * (rows + bills + voided)
    return rows <= max_kickouts


def push_result(context: Context, result: ImportResult) -> None:
    """
    Push the result of a task that does not succeed to XCom.

    A failure to do so is only logged: the task's own error decides whether Airflow retries it.

    :param context: Airflow's context.
    :param result: the import's result.
    """
    facts = result.to_xcom()
    try:
        context["ti"].xcom_push(key=RETURN_VALUE, value=facts)
    except Exception as error:  # Airflow's own, of its API server or of an XCom backend
        log.warning(
            "Result of import %s cannot be pushed to XCom (%s): %s", result.task_guid, shown(str(error)), facts
        )
