"""Find out what became of a request whose answer was lost: search, wait the settle time, search again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.core import clock

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
            clock.sleep(settle_time)
            found = search()
    except EciError as error:
        raise EciUnknownOutcomeError(
            f"{unknown}, and the search for it failed. The next attempt searches again. "
            f"The cause: {error.message}",
            **details,
        ) from error
    return found
