"""Read a thing although a read may lag behind the request that created it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from eci_provider.api.errors import EciNotFoundError
from eci_provider.core import clock

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

#: How long a list is read at most for something that was answered with 404.
LONGEST_LIST = timedelta(seconds=60)


def read_settled(read: Callable[[], _Found], settle_time: float, read_again: Callable[[], _Found]) -> _Found:
    """
    Return a thing; after a 404 read it again after the settle time.

    :param read: reads it.
    :param settle_time: seconds until a read shows what a request has created.
    :param read_again: reads it then, and may ask a list too.
    :raises EciNotFoundError: if it is not found then either.
    """
    try:
        return read()
    except EciNotFoundError as error:
        log.info("%s A read may lag, so it is read again in %g s.", error, settle_time)
    clock.sleep(settle_time)
    return read_again()


def read_or_listed(read: Callable[[], _Found], listed: Callable[[], _Found | None]) -> _Found:
    """
    Return a thing, by itself or, after a 404, as a list shows it.

    :param read: reads it.
    :param listed: returns what the list shows; None if it does not.
    :raises EciNotFoundError: if neither shows it.
    """
    try:
        return read()
    except EciNotFoundError:
        found = listed()
        if found is None:
            raise
        return found
