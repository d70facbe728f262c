"""Whether and when to retry, as a pure function, and the ``Retry-After`` header."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eci_provider.api.errors import (
    EciBadRequestError,
    EciConnectionError,
    EciError,
    EciRateLimitError,
    EciResponseError,
    EciServerError,
    EciUnreadableResponseError,
    EciValidationError,
)
from eci_provider.api.transport.failures import describe_status
from eci_provider.api.transport.retries import (
    backoff,
    is_safe_to_resend,
    is_transient,
    parse_retry_after,
    retry_delay,
)

NOW = datetime(2026, 3, 30, 8, 0, 0, tzinfo=timezone.utc)
KINDS = ("dns", "unreachable", "tls", "proxy", "timeout", "reset")


def answered(status: int, retry_after: float | None = None) -> EciResponseError:
    cls, message = describe_status(status, "https://eci.invalid")
    return cls(message, status=status, method="GET", path="/p", retry_after=retry_after)


def lost(kind: str, *, sent: bool) -> EciConnectionError:
    return EciConnectionError("m", kind=kind, sent=sent, method="GET", path="/p")


ERRORS: st.SearchStrategy[EciError] = st.one_of(
    st.builds(answered, st.integers(300, 599), st.none() | st.floats(0, 1e9)),
    st.builds(lost, st.sampled_from(KINDS), sent=st.booleans()),
    st.just(EciUnreadableResponseError("m", status=200, method="GET", path="/p")),
    st.just(EciValidationError(["p"], source="s")),
)
METHODS = st.sampled_from(["GET", "PUT", "DELETE", "POST"])
JITTER = st.floats(0, 1, exclude_max=True)


@given(
    error=ERRORS,
    method=METHODS,
    failures=st.integers(1, 10_000),
    most_failures=st.integers(0, 10_000),
    elapsed=st.floats(0, 1e9),
    most_elapsed=st.floats(0, 1e9),
    jitter=JITTER,
)
def test_a_delay_is_within_all_bounds_or_there_is_none(
    error: EciError,
    method: str,
    failures: int,
    most_failures: int,
    elapsed: float,
    most_elapsed: float,
    jitter: float,
) -> None:
    delay = retry_delay(
        error,
        method=method,
        failures=failures,
        most_failures=most_failures,
        elapsed=elapsed,
        most_elapsed=most_elapsed,
        random=lambda: jitter,
    )
    asked = getattr(error, "retry_after", None)
    if delay is None:
        return
    assert failures < most_failures
    assert elapsed + delay <= most_elapsed
    assert is_transient(error)
    # Never a request that may have been received and creates something.
    assert method != "POST" or (isinstance(error, EciConnectionError) and not error.sent)
    if asked is None:
        assert 0 < delay <= 75
    else:
        assert asked <= 300
        assert asked < delay <= asked + 7.5


@given(error=ERRORS, method=METHODS, jitter=JITTER)
def test_with_unlimited_time_it_gives_up_only_for_a_reason(error: EciError, method: str, jitter: float) -> None:
    delay = retry_delay(
        error,
        method=method,
        failures=1,
        most_failures=2,
        elapsed=0,
        most_elapsed=1e9,
        random=lambda: jitter,
    )
    too_long = (getattr(error, "retry_after", None) or 0) > 300
    reasons = (not is_transient(error), not is_safe_to_resend(method, error), too_long)
    assert (delay is None) == any(reasons)


@given(ERRORS)
def test_what_waiting_cannot_cure_is_not_called_curable(error: EciError) -> None:
    """The session's decision and the errors' own advice agree, but for TLS, which a person may mend meanwhile."""
    tls = isinstance(error, EciConnectionError) and error.kind == "tls"
    assert is_transient(error) == (error.retry_helps and not tls)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        *[(answered(status), True) for status in (408, 425, 429, 500, 502, 503, 504)],
        *[(answered(status), False) for status in (301, 400, 401, 403, 404, 409, 422)],
        *[(lost(kind, sent=True), kind != "tls") for kind in KINDS],
        (EciError("m"), False),
    ],
    ids=lambda value: f"{getattr(value, 'status', getattr(value, 'kind', value))}",
)
def test_which_errors_are_transient(error: EciError, transient: bool) -> None:
    assert is_transient(error) is transient


def test_a_post_is_safe_only_when_it_was_not_sent() -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert is_safe_to_resend(method, lost("reset", sent=True))
    assert is_safe_to_resend("POST", lost("dns", sent=False))
    assert not is_safe_to_resend("POST", lost("reset", sent=True))
    assert not is_safe_to_resend("POST", EciServerError("m", status=503, method="POST", path="/p"))
    assert not is_safe_to_resend("POST", EciRateLimitError("m", status=429, method="POST", path="/p"))
    assert not is_safe_to_resend("POST", EciBadRequestError("m", status=400, method="POST", path="/p"))


def test_the_backoff_doubles_up_to_its_cap() -> None:
    middle = [backoff(failures, random=lambda: 0.5) for failures in (1, 2, 3, 4, 7, 8, 9, 1000)]
    assert middle == [0.5, 1, 2, 4, 32, 60, 60, 60]
    assert backoff(1, random=lambda: 0.0) == 0.375
    assert backoff(3, first=2, longest=5, random=lambda: 0.5) == 5


@given(st.integers(0, 10**12))
def test_seconds_are_read(seconds: int) -> None:
    assert parse_retry_after(str(seconds)) == seconds
    assert parse_retry_after(f"  {seconds} ") == seconds


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_dates_are_read_as_seconds_from_now(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone.utc)
    expected = max(0.0, (moment - NOW).total_seconds())
    assert parse_retry_after(format_datetime(moment, usegmt=True), NOW) == expected
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert parse_retry_after(format_datetime(elsewhere), NOW) == expected


def test_without_the_servers_clock_a_date_is_counted_from_ours() -> None:
    assert parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    far = parse_retry_after("Fri, 01 Jan 2100 00:00:00 GMT")
    assert far is not None
    assert far > 0


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"\w{3}, \d{1,25} (Jan|Feb) \d{1,25} \d\d:\d\d:\d\d (GMT|[+-]\d{4,12})", fullmatch=True),
    )
)
@example("²")
@example("١٢")
@example("-5")
@example("1.5")
@example("1e3")
@example("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +2300")
@example("9" * 400)
def test_whatever_the_header_says_it_is_no_error_and_never_negative(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize("value", [None, "", " ", "soon", "-5", "1.5", "١٢", "²", "Mon, 32 Jan 2026 00:00:00 GMT"])
def test_what_is_neither_seconds_nor_a_date_is_ignored(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None
