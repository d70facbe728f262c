"""End in our own words what Airflow ends namelessly: a deferral whose trigger was too slow, or died."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.core.text import cut
from eci_provider.waiting.timeouts import look_at_the_end

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook
    from eci_provider.waiting.poller import Poller

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

#: The method name with which every supported version of Airflow resumes a task only to let it fail.
TRIGGER_FAILED = "__fail__"


def last_look(wait: Poller[_Found], next_kwargs: Mapping[str, Any] | None) -> _Found:
    """
    Look once more at what was waited for, after Airflow gave its trigger up; call it from ``resume_execution``.

    Airflow resumes with the method ``__fail__`` (:data:`TRIGGER_FAILED`) and replaces the keyword arguments given
    to ``defer``, so the caller must know from elsewhere what was waited for.

    :param wait: the wait as it would go on, with the deadlines that it had as far as they are known.
    :param next_kwargs: what Airflow resumes with: ``error``, and ``traceback`` where the trigger raised.
    :return: what was waited for, if it is done.
    :raises EciWaitTimeoutError: when it is not and Airflow's time-out ended the trigger.
    :raises EciTriggerError: when it is not and the trigger died; a retry goes on waiting.
    """
    said = _what_airflow_said(next_kwargs or {})
    last = look_at_the_end(wait)
    found, cause = last
    if found is not None:
        log.info("%s is done; its trigger did not tell: %s", wait, said)
        return found
    # Airflow 2 says "Trigger/execution timeout" and Airflow 3 "Trigger timeout".
    if "timeout" in str((next_kwargs or {}).get("error")).lower():
        raise wait.overdue(cause) from cause
    raise wait.broken_off(said, cause) from cause


def _what_airflow_said(next_kwargs: Mapping[str, Any]) -> str:
    """Return Airflow's reason in one short line: a traceback's last one says most."""
    # Airflow 3 stores a member of an enumeration that is a string as well.
    error = next_kwargs.get("error")
    reason = str(getattr(error, "value", error) or "no reason given")
    traceback = [line.strip() for part in next_kwargs.get("traceback") or [] for line in str(part).splitlines()]
    last = next((line for line in reversed(traceback) if line), "")
    return cut(f"{reason}: {last}" if last else reason, 300) or reason


def check_connection(hook: EciHook, task_guid: str) -> None:
    """
    Name the import where Airflow does not give the connection any more.

    :param hook: the hook.
    :param task_guid: the import that was waited for.
    :raises EciUnknownOutcomeError: when it does not.
    :raises EciValidationError: when the connection cannot be used.
    """
    try:
        _ = hook.settings
    except EciError:
        raise
    except Exception as error:  # Airflow's own differ from version to version
        raise EciUnknownOutcomeError(
            f"What became of import {task_guid} cannot be read, since Airflow does not give the connection "
            f"{hook.eci_conn_id!r} ({type(error).__name__}: {error}).",
            task_guid=task_guid,
        ) from error
