"""Find out what became of a request whose answer was lost: search, wait the settle time, search again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from eci_provider.api.errors import EciBadRequestError, EciError, EciNotFoundError, EciUnknownOutcomeError
from eci_provider.api.transport.retries import LONGEST_ASKED, asked_delay, is_transient
from eci_provider.core import clock

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

#: How often one attempt sends a request at most; it searches after each lost answer.
MOST_SENDS = 3


def find_after_settling(
    search: Callable[[], _Found | None], settle_time: float, *, unknown: str, **details: Any
) -> _Found | None:
    """
    Search for what a request with a lost answer created, and again after the settle time.

    :param search: returns what was created; None if it is not there.
    :param settle_time: seconds until the request has taken effect.
    :param unknown: the start of the message, such as ``It is not known whether batch 'A' was opened``.
    :param details: further facts for the error.
    :return: what was found, or None.
    :raises EciUnknownOutcomeError: if a search fails; a later attempt may find out.
    """
    try:
        found = search()
        if found is None:
            log.info("%s. Searching again in %g s, since the request may still take effect.", unknown, settle_time)
            clock.sleep(settle_time)
            found = search()
    except EciError as error:
        raise EciUnknownOutcomeError(
            f"{unknown}, and the search for it failed. The next attempt searches again. "
            f"The cause: {error.message}",
            **details,
        ) from error
    return found


def change_until_shown(
    change: Callable[[], _Found | None],
    read: Callable[[], _Found],
    is_done: Callable[[_Found], bool],
    settle_time: float,
    *,
    unknown: str,
    **details: Any,
) -> _Found:
    """
    Change something until it shows the change: after a lost answer read it, and send the request again.

    Assumption: the request says how the thing is to be, so that sending it twice does what sending it once does.

    :param change: sends the request once; returns the thing as its answer shows it, None if it does not.
    :param read: returns the thing as it is.
    :param is_done: returns whether it shows the change.
    :param settle_time: seconds until a request has taken effect, and until a read shows it.
    :param unknown: the start of the message, such as ``It is not known whether batch 7 was set to Closed``.
    :param details: further facts for the error.
    :return: the thing; it does not show the change if EnergyCAP accepted that and did not carry it out.
    :raises EciUnknownOutcomeError: if an answer was lost and reading fails; a later attempt may find out.
    :raises EciError: if the change is refused, or the answers to all requests are lost.
    """
    sends = 0
    while True:
        sends += 1
        found, lost = _send(change)
        if found is None or not is_done(found):
            found = _read_after(lost, read, is_done, settle_time, unknown, details)
        if lost is None or is_done(found):
            return found
        if sends == MOST_SENDS or not _may_still_take_effect(lost):
            raise lost
        log.info("The change did not take effect; sending it again.")


def _send(change: Callable[[], _Found | None]) -> tuple[_Found | None, EciError | None]:
    """Send a change; return what its answer shows, and the error that leaves its effect unknown."""
    try:
        return change(), None
    except EciError as error:
        # A refusal may be due to an earlier request, which has done it already, and a 404 to a server that lags.
        if not (is_transient(error) or isinstance(error, (EciBadRequestError, EciNotFoundError))):
            raise
        log.warning("%s Checking whether the change took effect.", error)
        return None, error


def _read_after(
    lost: EciError | None,
    read: Callable[[], _Found],
    is_done: Callable[[_Found], bool],
    settle_time: float,
    unknown: str,
    details: dict[str, Any],
) -> _Found:
    """Read what was to be changed, and again after the settle time if it does not show the change or is a 404."""
    try:
        found = _read_if_shown(read)
        if found is not None and (is_done(found) or not _may_still_take_effect(lost)):
            return found
        pause = max(settle_time, asked_delay(lost) or 0.0) if lost else settle_time
        if found is not None:
            log.info("%s. It does not show the change yet; reading it again in %g s.", unknown, pause)
        clock.sleep(pause)
        return read()
    except EciError as error:
        if lost is None or (isinstance(lost, EciNotFoundError) and isinstance(error, EciNotFoundError)):
            raise
        raise EciUnknownOutcomeError(
            f"{unknown}, and reading it failed. The next attempt reads it again. The cause: {error.message}",
            **details,
        ) from error


def _read_if_shown(read: Callable[[], _Found]) -> _Found | None:
    """Return a thing as it is; None after a 404, since a read may lag behind the request that created it."""
    try:
        return read()
    except EciNotFoundError as error:
        log.info("%s A read may lag, so it is read again.", error)
        return None


def _may_still_take_effect(lost: EciError | None) -> bool:
    """
    Return whether a request may take effect after all, or when it is sent again, while one attempt can wait.

    :param lost: what it ended with; None if it was accepted.
    """
    if lost is None or isinstance(lost, EciNotFoundError):
        return True
    return is_transient(lost) and (asked_delay(lost) or 0.0) <= LONGEST_ASKED
