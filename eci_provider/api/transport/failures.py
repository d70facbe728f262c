"""What went wrong with a request: network failures, statuses, and POSTs whose outcome is not known."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import traceback
from urllib.parse import urlsplit

import requests
import urllib3

from eci_provider.api.errors import (
    EciAuthenticationError,
    EciBadRequestError,
    EciConnectionError,
    EciError,
    EciNotFoundError,
    EciPermissionError,
    EciRateLimitError,
    EciRedirectError,
    EciResponseError,
    EciServerError,
    EciUnknownOutcomeError,
    EciUnreadableResponseError,
)
from eci_provider.api.transport.connections import was_connecting

#: What requests raises before it makes a connection, such as for a proxy whose URL it cannot read.
_UNREADABLE_URL = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)
_NO_HOST = urllib3.exceptions.LocationValueError

#: The statuses (RFC 9110 and others) with which a server refuses a request before it does anything.
#: Assumption: EnergyCAP checks a request as a whole before it takes it, so none of these follows an import.
#: Not among them: redirects, which may follow the work; 406, which a server finds when it writes its answer; 408,
#: 425 and 499, of a proxy that gave up; 409, which may refuse the second copy of a request; 423 and 424; and 429.
_REFUSED = frozenset(
    {400, 401, 402, 403, 404, 405, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 426, 428, 431, 451}
)
_CONFLICT = 409


def may_have_taken_effect(error: EciConnectionError | EciResponseError) -> bool:
    """
    Return whether the server may have carried out a request.

    :param error: the error that the request ended with.
    """
    if isinstance(error, EciConnectionError):
        return error.sent
    return error.status not in _REFUSED


def final_error(error: EciConnectionError | EciResponseError, operation: str, method: str) -> EciError:
    """
    Return the error to raise: for a POST that may have taken effect, an unknown outcome.

    A POST that is refused as a conflict, or as one of too many, stays refused. Its error says that it may have
    taken effect all the same.

    :param error: the error that the last attempt ended with.
    :param operation: the operation id, for the message.
    :param method: the HTTP method.
    """
    if method != "POST" or not may_have_taken_effect(error):
        return error
    if isinstance(error, EciRateLimitError) or (isinstance(error, EciResponseError) and error.status == _CONFLICT):
        return error.copy(
            f"{error.message} EnergyCAP may have carried it out all the same, as if a proxy sent it twice. "
            "Check in EnergyCAP before you send it again."
        )
    return EciUnknownOutcomeError(
        f"{operation}: EnergyCAP may or may not have carried out this request. {error} "
        "Check in EnergyCAP before you send it again; it is not resent automatically.",
        operation=operation,
        **error.details,
    )


def unexpected_error(error: Exception, operation: str, method: str, path: str, status: int | None) -> EciError:
    """
    Return the error to raise for whatever else went wrong with a request or its answer, without the server's text.

    :param error: the error, such as a RecursionError or that of a full disk.
    :param operation: the operation id, for the message.
    :param method: the HTTP method.
    :param path: the request's path.
    :param status: the answer's status; None before there is one.
    """
    reason = f"{_reason(error)}{_place(error)}"
    if status is None:
        message = f"{method} {path}: the request could not be completed ({reason})."
        return final_error(
            EciConnectionError(message, kind="reset", sent=True, method=method, path=path), operation, method
        )
    message = f"{method} {path} was answered with {status}, but the answer could not be processed"
    if method != "POST" and isinstance(error, (OSError, MemoryError, sqlite3.Error)):
        # A full disk, such as of kicked-out rows, is not EnergyCAP's fault, and another poll does not help.
        return EciError(f"{message} on this machine ({reason}).", status=status, method=method, path=path)
    return final_error(
        EciUnreadableResponseError(f"{message} ({reason}).", status=status, method=method, path=path),
        operation,
        method,
    )


def _reason(error: Exception) -> str:
    name = type(error).__name__
    return f"{name}: {os.strerror(error.errno)}" if isinstance(error, OSError) and error.errno else name


def _place(error: Exception) -> str:
    """Return where in this package an error was raised, as a clause."""
    frames = ((frame.f_globals.get("__name__"), line) for frame, line in traceback.walk_tb(error.__traceback__))
    ours = [(name, line) for name, line in frames if str(name).startswith("eci_provider.")]
    return " in {}, line {}".format(*ours[-1]) if ours else ""


def connection_error(error: Exception, method: str, path: str, base_url: str) -> EciConnectionError:
    """
    Return a network failure as an error of ours; its cause is the operating system's error, if there was one.

    The errors of libraries hold the request, show a proxy's password, and quote what the server sent.

    :param error: the error that requests or urllib3 raised.
    :param method: the request's method.
    :param path: its path.
    :param base_url: the environment's address.
    """
    kind, sent = _kind_of(error)
    host = urlsplit(base_url).netloc
    meaning = {
        "dns": f"the host name {host} cannot be resolved; check the connection's host and the machine's DNS",
        "unreachable": f"no connection to {host}; check the host, the port, the route and the firewall",
        "tls": (
            f"TLS with {host} failed; check the certificate, or set the connection's `ca_bundle`. Or the server "
            "speaks http"
        ),
        "proxy": f"the proxy on the way to {host} failed",
        "proxy_setting": (
            f"nothing was sent to {host}, because the environment's proxy setting (HTTPS_PROXY, HTTP_PROXY or "
            "ALL_PROXY) cannot be used; check its URL (a SOCKS proxy needs the package requests[socks])"
        ),
        "timeout": f"{host} did not answer in time",
        "reset": f"{host} closed the connection before its answer was complete",
    }[kind]
    innermost = _causes(error)[-1]
    names = dict.fromkeys([type(error).__name__, type(innermost).__name__])
    reason = f" ({': '.join(names)})"
    failure = EciConnectionError(
        f"{method} {path}: {meaning}{reason}.", kind=kind, sent=sent, method=method, path=path
    )
    if kind != "proxy_setting":
        failure.__cause__ = _of_the_system(innermost)
    return failure


def _of_the_system(cause: BaseException) -> BaseException | None:
    """Return an error of the operating system or of TLS, without its frames; None for one of a library."""
    is_plain = isinstance(cause, OSError) and type(cause).__module__ in ("builtins", "socket", "ssl")
    if not is_plain or not isinstance(getattr(cause, "errno", None), int):
        return None
    cause.__cause__ = cause.__context__ = None
    return cause.with_traceback(None)


def _kind_of(error: Exception) -> tuple[str, bool]:
    """Return the kind of a network failure, and whether the request may have reached the server."""
    causes = _causes(error)
    kind, sent = _kind_by_causes(error, causes)
    return kind, sent and not any(was_connecting(cause) for cause in causes)


def _kind_by_causes(error: Exception, causes: list[BaseException]) -> tuple[str, bool]:
    # The address was checked before, so it is the proxy's that requests cannot read.
    if isinstance(error, _UNREADABLE_URL) or any(isinstance(cause, _NO_HOST) for cause in causes):
        return "proxy_setting", False
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "dns", False
    if isinstance(error, requests.exceptions.ProxyError):
        return "proxy", not any(_is_proxy_refusal(cause) for cause in causes)
    if any(_is_hang_up(cause) for cause in causes):
        return "reset", True
    if isinstance(error, requests.exceptions.SSLError):
        return "tls", not any(_is_handshake_failure(cause) for cause in causes)
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return "tls", False  # requests found no file where `verify` or REQUESTS_CA_BUNDLE points to
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "unreachable", False
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return "unreachable", False
    if any(isinstance(cause, (TimeoutError, urllib3.exceptions.ReadTimeoutError)) for cause in causes):
        return "timeout", True
    if isinstance(error, requests.exceptions.Timeout):
        return "timeout", True
    return "reset", True


def _is_hang_up(cause: BaseException) -> bool:
    """Return whether TLS reports a closed connection, such as by a proxy that restarts."""
    return isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or (
        isinstance(cause, ssl.SSLError)
        and ("UNEXPECTED_EOF" in str(cause.reason) or "EOF occurred in violation of protocol" in str(cause))
    )


def _is_handshake_failure(cause: BaseException) -> bool:
    """Return whether TLS failed in the handshake, before a request could be sent."""
    reason = str(getattr(cause, "reason", ""))
    return isinstance(cause, ssl.SSLCertVerificationError) or any(
        part in reason
        for part in ("CERTIFICATE", "WRONG_VERSION", "PROTOCOL", "HANDSHAKE", "CIPHER", "UNKNOWN_CA")
    )


def _is_proxy_refusal(cause: BaseException) -> bool:
    """Return whether a proxy failed before it forwarded anything; a later loss is a ProxyError, too."""
    never_connected = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return isinstance(cause, never_connected) or "Tunnel connection failed" in str(cause)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes; not its context, which may be an unrelated error that was handled."""
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        cause = queue.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            queue += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
    return found


def describe_status(status: int, base_url: str) -> tuple[type[EciResponseError], str]:
    """
    Return the class of the error that a status means, and its meaning in words.

    :param status: an HTTP status that is not a success.
    :param base_url: the environment's address.
    """
    host = urlsplit(base_url).netloc
    if status < 200:
        return EciUnreadableResponseError, "an interim answer, and no final one followed"
    if 300 <= status < 400:
        return EciRedirectError, "redirects are not followed, because the API key would be sent along"
    if status == 401:
        return EciAuthenticationError, (
            f"the API key is wrong or deleted, was made in another environment or datasource than {host}, "
            "or its owner lacks the permission for this"
        )
    if status == 403:
        return (
            EciPermissionError,
            "the key's owner may not do this; it needs the permission Bills and Batches",
        )
    if status == 404:
        return EciNotFoundError, "not found, or the address is not EnergyCAP's"
    if status == 429:
        return EciRateLimitError, "too many requests"
    if status in (408, 425) or status >= 500:
        return EciServerError, "a failure on EnergyCAP's side"
    if status in _REFUSED or status == _CONFLICT:
        return EciBadRequestError, "EnergyCAP refused the request; sending it again changes nothing"
    return EciBadRequestError, "the request failed at EnergyCAP, or at a proxy before it"
