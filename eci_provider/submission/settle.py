"""What became of a request whose answer was lost: look, let it settle, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.core import clock

_Found = TypeVar("_Found")

#: How often one try sends a request at most, each time after it has looked for what became of the last one.
MOST_SENDS = 3


def find_after_settling(
    look: Callable[[], _Found | None], settle_time: float, *, unknown: str, **details: Any
) -> _Found | None:
    """
    Look for what a lost request has made, and once more when it has had its time to take effect.

    :param look: returns it; None where it is not there.
    :param settle_time: seconds after which the request has taken effect or never will.
    :param unknown: what is not known, for the message: whose request it is, and whether what was done.
    :param details: further facts for the error.
    :return: what was found, or None.
    :raises EciUnknownOutcomeError: when a look fails; nothing can be concluded then, and another try may find out.
    """
    try:
        found = look()
        if found is None:
            clock.sleep(settle_time)
            found = look()
    except EciError as error:
        raise EciUnknownOutcomeError(
            f"{unknown}, and looking for it failed: {error.message} The next try looks again.", **details
        ) from error
    return found
