"""Check where requests go and what they are signed with, before anything is sent."""

from __future__ import annotations

import html
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urlsplit

from eci_provider.api.errors import EciValidationError

_MASK = "***"


class ApiKey:
    """
    Hold an API key so that it shows in no ``repr``, traceback or pickle.

    :param value: the key itself.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled")

    def reveal(self) -> str:
        """Return the key, for the request's header only."""
        return self._value

    def redacted(self, content: bytes) -> bytes:
        """Return a body with the key masked."""
        return content.replace(self._value.encode(), _MASK.encode())

    def redacted_pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Iterate over a body in pieces with the key masked, also where it lies in two of them."""
        held, most = b"", len(self._value) - 1
        for piece in pieces:
            content = self.redacted(held + piece)
            held = content[max(0, len(content) - most) :]
            yield content[: len(content) - len(held)]
        yield held

    def redact(self, text: str) -> str:
        """Return a text with the key masked, also where a server spelled it as JSON, HTML or a URL does."""
        key = self._value
        escaped_by_net = re.sub(
            r"[\"&'+<>`]", lambda found: f"\\u{ord(found.group()):04X}", key.replace("\\", "\\\\")
        )
        spellings = {key, json.dumps(key)[1:-1], escaped_by_net, html.escape(key), quote(key, safe="")}
        longest_first = sorted(spellings, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), _MASK, text, flags=re.IGNORECASE)


def checked_key(value: str | None) -> ApiKey:
    """
    Return the key, or refuse one that cannot travel in a header; the message never shows it.

    :param value: the key; white space around it is dropped, as it comes from copying.
    :raises EciValidationError: when it is empty or holds white space, control or non-ASCII characters.
    """
    key = (value or "").strip()
    if not key:
        raise EciValidationError(["the API key is missing; it is the connection's password"], source="API key")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        problem = "the API key holds a character that no key has: white space, a control or a non-ASCII character"
        raise EciValidationError([problem], source="API key")
    return ApiKey(key)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def checked_base_url(value: str, *, allow_http: bool) -> str:
    """
    Return an environment's address without a trailing slash, or refuse it.

    :param value: such as ``https://app.energycap.com``; without a scheme https is meant.
    :param allow_http: whether plain http is allowed beyond loopback; the key would travel readable.
    :raises EciValidationError: when it is no address of an environment.
    """
    text = value.strip()
    url = text if "://" in text else f"https://{text}"
    problem = _url_problem(url, allow_http=allow_http)
    if problem:
        raise EciValidationError([problem], source="EnergyCAP's address")
    return url.rstrip("/")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return True
    try:
        labels = host.encode("idna").decode("ascii").removesuffix(".").split(".")
    except UnicodeError:  # a label that is empty or too long
        return False
    return all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels)


def _url_problem(url: str, *, allow_http: bool) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the host is not a URL"
    if parts.username or parts.password:
        return "the host holds a user name or password; put the API key into the connection's password"
    if parts.query or parts.fragment:
        # Not shown: somebody may have put the key there.
        return "the host has a query or fragment; give the environment's address alone"
    if parts.scheme not in ("http", "https") or not host or not _is_host(host) or re.search(r"[\s\x00-\x1f]", url):
        return f"the host {url!r} is not an http or https URL"
    if re.search(r"/api(/|$)", parts.path):
        return f"the host {url!r} names a path of the API; give the environment's address alone"
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        return f"plain http to {host} would show the API key to the network; use https (or set `allow_http`)"
    return None
