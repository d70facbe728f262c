"""When a wait must end: our deadline, Airflow's ``execution_timeout``, and Airflow's timeout for a trigger."""

from __future__ import annotations

from datetime import datetime, timedelta

from eci_provider.core import clock

#: How much later than our deadline Airflow's own timeout for a trigger is. The trigger ends itself at ours.
FRAMEWORK_GRACE = timedelta(minutes=10)

#: How many seconds a trigger pauses before its first poll, since the worker has polled just before it deferred.
#: If a trigger fires before the scheduler has read that the worker's process is over, Airflow takes that for the
#: end of the resumed task, and fails it: "finished with state success, but the task instance's state is queued".
_FIRST_PAUSE = 5.0

#: How long Airflow may take to resume a task after its trigger has fired.
_TIME_TO_RESUME = timedelta(seconds=60)


def deadline_after(timeout: timedelta | float, *, since: datetime | None = None) -> datetime:
    """
    Return the deadline of a wait.

    :param timeout: how long the wait may take; a number is in seconds.
    :param since: when the timeout starts; now if left out.
    """
    span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout)
    return (since or clock.utc_now()) + span


def execution_deadline(execution_timeout: timedelta | None, started: datetime | None) -> datetime | None:
    """
    Return when a trigger must end its wait so that the task ends within Airflow's ``execution_timeout``.

    That is a little before the timeout: Airflow 2 counts the time of the deferral too, and would end the resumed
    task before it can say what it waited for.

    :param execution_timeout: the task's ``execution_timeout``.
    :param started: when the try began; now if that is not known.
    :return: the deadline; None if the task has no ``execution_timeout``.
    """
    if execution_timeout is None:
        return None
    return deadline_after(execution_timeout - min(execution_timeout / 10, _TIME_TO_RESUME), since=started)


def framework_timeout(deadline: datetime) -> timedelta:
    """
    Return the timeout to give Airflow with a trigger: later than the deadline, at which the trigger ends itself.

    :param deadline: the deadline of the wait.
    """
    return max(deadline - clock.utc_now(), timedelta(0)) + FRAMEWORK_GRACE


def first_poll_after(delay: float, *, poll_interval: float) -> datetime:
    """
    Return when a trigger polls first, after a poll in the worker.

    :param delay: the seconds until the next poll by the worker's schedule, or as the server asked.
    :param poll_interval: seconds between two polls.
    """
    return deadline_after(max(delay, min(_FIRST_PAUSE, poll_interval)))
