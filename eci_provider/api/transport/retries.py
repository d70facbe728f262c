"""Whether and when to retry: one pure function for the session and for all waits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from eci_provider.api.errors import EciConnectionError, EciError, EciResponseError, EciUnreadableResponseError

#: Statuses that a later attempt may not get.
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

#: The longest `Retry-After` that a single request obeys, in seconds.
LONGEST_ASKED = 300.0
#: The longest `Retry-After` that is read, since a server may write any number of digits.
_LONGEST_READ = 1e12


def is_transient(error: EciError) -> bool:
    """
    Return whether a later attempt may succeed: after lost connections, 408, 425, 429, 5xx and unreadable bodies.

    :param error: the error that a request ended with.
    """
    if isinstance(error, EciConnectionError):
        return error.kind in {"dns", "unreachable", "proxy", "timeout", "reset"}
    if isinstance(error, EciUnreadableResponseError):
        return True
    return isinstance(error, EciResponseError) and (error.status in TRANSIENT_STATUSES or error.status >= 500)


def is_safe_to_resend(method: str, error: EciError) -> bool:
    """
    Return whether a request may be resent after an error.

    :param method: the HTTP method. A POST creates, and EnergyCAP has no idempotency key, so a POST that the
        server may have received is never resent.
    :param error: the error that the request ended with.
    """
    if method == "POST":
        return isinstance(error, EciConnectionError) and not error.sent
    return True


def backoff(failures: int, *, first: float = 0.5, longest: float = 60.0, random: Callable[[], float]) -> float:
    """
    Return how many seconds to wait after consecutive failures.

    :param failures: how many there were, at least 1.
    :param first: seconds after the first one, before jitter.
    :param longest: the maximum in seconds, before jitter.
    :param random: a source of numbers in [0, 1), for a jitter of plus or minus a quarter.
    """
    return float(min(longest, first * 2 ** min(failures - 1, 30)) * (0.75 + 0.5 * random()))


def retry_delay(
    error: EciError,
    *,
    method: str,
    failures: int,
    most_failures: int,
    elapsed: float,
    most_elapsed: float,
    random: Callable[[], float],
    longest: float = 60.0,
    longest_asked: float = LONGEST_ASKED,
    most_obeyed: float = math.inf,
    asked_counts: bool = True,
) -> float | None:
    """
    Return after how many seconds to retry, or None to give up.

    :param error: the error that the last attempt ended with.
    :param method: its HTTP method.
    :param failures: consecutive failures so far, this one included.
    :param most_failures: the number of consecutive failures at which to give up.
    :param elapsed: seconds since the first of them.
    :param most_elapsed: the number of seconds at which to give up.
    :param random: a source of numbers in [0, 1).
    :param longest: the longest backoff in seconds, without ``Retry-After``.
    :param longest_asked: the longest ``Retry-After`` in seconds; a longer one means to give up.
    :param most_obeyed: how many seconds of a ``Retry-After`` to wait at most.
    :param asked_counts: whether the time that ``Retry-After`` asks for counts towards ``most_elapsed``.
    """
    if not is_transient(error) or not is_safe_to_resend(method, error) or failures >= most_failures:
        return None
    asked = asked_delay(error)
    if asked is not None and asked > longest_asked:
        return None
    asked = None if asked is None else min(asked, most_obeyed)
    own = backoff(failures, longest=longest, random=random)
    delay = own if asked is None else asked + own * 0.1
    counted = delay if asked is None or asked_counts else own * 0.1
    return delay if elapsed + counted <= most_elapsed else None


def asked_delay(error: EciError) -> float | None:
    """
    Return how many seconds the server asked to wait; None if it did not.

    :param error: the error that a request ended with; an unknown outcome has the delay in its details.
    """
    asked = getattr(error, "retry_after", error.details.get("retry_after"))
    return None if asked is None else float(asked)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """
    Return the seconds of a ``Retry-After`` header, never negative and always finite; None if it is not readable.

    :param value: the header: seconds or an HTTP date.
    :param now: the server's time, so that clocks need not agree; None for ours.
    """
    if not value:
        return None
    text = value.strip()
    if re.fullmatch("[0-9]+", text):
        return min(float(text), _LONGEST_READ)
    date = parse_http_date(text)
    if date is None:
        return None
    seconds = (date - (now or datetime.now(timezone.utc))).total_seconds()
    return min(max(0.0, seconds), _LONGEST_READ)


def parse_http_date(value: str | None) -> datetime | None:
    """
    Return the date of a header, such as ``Date``, as an aware datetime; None if it is not readable.

    :param value: the header.
    """
    try:
        date = parsedate_to_datetime(value or "")
    except Exception:  # the parser raises anything: an odd date must not cost the answer
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
