"""Resume a task whose trigger Airflow gave up: it timed out, or it failed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.core.text import shown
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.timeouts import poll_after_timeout

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


def final_result(poller: Poller[_Found], next_kwargs: Mapping[str, Any] | None) -> _Found:
    """
    Poll once more after Airflow gave the trigger up; call it from ``resume_execution``.

    Airflow resumes with the method ``__fail__`` and drops the keyword arguments given to ``defer``, so the caller
    must know from elsewhere what was waited for.

    :param poller: the wait, with its deadlines as far as they are known.
    :param next_kwargs: what Airflow resumes with: ``error``, and ``traceback`` if the trigger raised.
    :return: what was waited for, if it is done.
    :raises EciWaitTimeoutError: if it is not done and Airflow's timeout ended the trigger.
    :raises EciTriggerError: if it is not done and the trigger failed; a retry waits again.
    """
    reason = _airflow_reason(next_kwargs or {})
    final = poll_after_timeout(poller)
    found, cause = final
    if found is not None:
        log.info("%s is done, although its trigger sent no event (%s).", poller, reason)
        return found
    # Airflow 2 says "Trigger/execution timeout" and Airflow 3 "Trigger timeout".
    if "timeout" in str((next_kwargs or {}).get("error")).lower():
        raise poller.timeout_error(cause) from cause
    raise poller.trigger_error(reason, cause) from cause


def check_connection(hook: EciHook, task_guid: str) -> None:
    """
    Name the import if Airflow no longer gives the connection.

    :param hook: the hook.
    :param task_guid: the import that was waited for.
    :raises EciUnknownOutcomeError: if Airflow does not give the connection.
    :raises EciValidationError: if the connection cannot be used.
    """
    try:
        _ = hook.settings
    except EciError:
        raise
    except Exception as error:  # Airflow's own errors differ from version to version
        raise EciUnknownOutcomeError(
            f"The outcome of import {task_guid} is unknown: Airflow did not give the connection "
            f"{hook.eci_conn_id!r} ({type(error).__name__}: {shown(str(error))}).",
            task_guid=task_guid,
        ) from error


def _airflow_reason(next_kwargs: Mapping[str, Any]) -> str:
    """Return Airflow's reason in one short line; the last line of a traceback says most."""
    # Airflow 3 stores a member of an enumeration that is a string as well.
    error = next_kwargs.get("error")
    reason = str(getattr(error, "value", error) or "no reason given")
    traceback = [line.strip() for part in next_kwargs.get("traceback") or [] for line in str(part).splitlines()]
    last = next((line for line in reversed(traceback) if line), "")
    return shown(f"{reason}: {last}" if last else reason, 300) or reason
