"""Decide whether to ask again, and when: one pure function for the session and for all waiting."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from eci_provider.api.errors import EciConnectionError, EciError, EciResponseError, EciUnreadableResponseError

#: Statuses that say "not now" rather than "no".
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

#: The longest `Retry-After` that a single request obeys, in seconds.
LONGEST_ASKED = 300.0
#: The longest one that is read; a server may write any number of digits.
_LONGEST_READ = 1e12


def is_transient(error: EciError) -> bool:
    """
    Tell whether waiting can cure the error.

    :param error: what a request ended with.
    :return: true for lost connections, 408, 425, 429, 5xx and unreadable bodies.
    """
    if isinstance(error, EciConnectionError):
        return error.kind in {"dns", "unreachable", "proxy", "timeout", "reset"}
    if isinstance(error, EciUnreadableResponseError):
        return True
    return isinstance(error, EciResponseError) and (error.status in TRANSIENT_STATUSES or error.status >= 500)


def is_safe_to_resend(method: str, error: EciError) -> bool:
    """
    Tell whether a request may be sent again after an error.

    :param method: the HTTP method. A POST creates, and EnergyCAP has no idempotency key, so a POST that the
        server may have received is never sent again.
    :param error: what the request ended with.
    """
    if method == "POST":
        return isinstance(error, EciConnectionError) and not error.sent
    return True


def backoff(failures: int, *, first: float = 0.5, longest: float = 60.0, random: Callable[[], float]) -> float:
    """
    Return how long to wait after a number of consecutive failures.

    :param failures: how many there were, at least 1.
    :param first: seconds after the first one, before jitter.
    :param longest: the cap in seconds, before jitter.
    :param random: a source of numbers in [0, 1), for the jitter of minus a quarter to plus a quarter.
    :return: seconds.
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
    Decide whether to ask again after a failure, and when.

    :param error: what the last request ended with.
    :param method: its HTTP method.
    :param failures: consecutive failures so far, this one included.
    :param most_failures: the number of consecutive failures that ends it.
    :param elapsed: seconds since the first of them.
    :param most_elapsed: the number of seconds that ends it.
    :param random: a source of numbers in [0, 1).
    :param longest: the longest wait in seconds that the backoff chooses by itself.
    :param longest_asked: the longest ``Retry-After`` in seconds that is obeyed; a longer one ends it.
    :param most_obeyed: how many seconds of a ``Retry-After`` are obeyed, where a longer one does not end it.
    :param asked_counts: whether the time that ``Retry-After`` asks for counts towards ``most_elapsed``.
    :return: seconds to wait, or None to give up.
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
    Return how many seconds the server asked to wait, if it did.

    :param error: what a request ended with; where its outcome is unknown, the delay is among the details.
    """
    asked = getattr(error, "retry_after", error.details.get("retry_after"))
    return None if asked is None else float(asked)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """
    Read a ``Retry-After`` header.

    :param value: seconds or an HTTP date.
    :param now: the server's idea of now, so that clocks need not agree; ours without one.
    :return: seconds, never negative and always finite; None when there is nothing readable.
    """
    if not value:
        return None
    text = value.strip()
    if re.fullmatch("[0-9]+", text):
        return min(float(text), _LONGEST_READ)
    moment = parse_http_date(text)
    if moment is None:
        return None
    seconds = (moment - (now or datetime.now(timezone.utc))).total_seconds()
    return min(max(0.0, seconds), _LONGEST_READ)


def parse_http_date(value: str | None) -> datetime | None:
    """
    Read a header that holds a date, such as ``Date``.

    :return: an aware datetime; None when there is nothing readable.
    """
    try:
        moment = parsedate_to_datetime(value or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
