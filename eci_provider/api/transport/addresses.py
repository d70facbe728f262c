"""The address of an environment and the API key, checked before anything is sent."""

from __future__ import annotations

import html
import ipaddress
import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from eci_provider.api.errors import EciValidationError

_MASK = "***"
#: The shortest key that is masked in a success's body; a shorter one may be a word of it.
_SHORTEST_MASKED = 8


class ApiKey:
    """
    An API key that no ``repr``, traceback or pickle shows.

    :param value: the key.
    """

    __slots__ = ("_longest_part", "_spelled", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        spellings = sorted(_spellings(value), key=len, reverse=True)
        self._spelled = re.compile("|".join(map(re.escape, spellings)), flags=re.IGNORECASE)
        # Letters and digits are never escaped.
        self._longest_part = max(re.split("[^a-z0-9]+", value.lower()), key=len).encode()

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled")

    @classmethod
    def of(cls, value: ApiKey | str | None) -> ApiKey:
        """
        Return a key as an object that hides it, without white space around it, such as copying adds.

        :param value: the key.
        """
        return value if isinstance(value, ApiKey) else cls((value or "").strip())

    def problem(self) -> str | None:
        """Return why the key cannot be sent in a header, without showing it; None if it can."""
        if not self._value:
            return "the API key is missing; set it as the connection's password"
        if not re.fullmatch(r"[\x21-\x7e]+", self._value):
            return "the API key has a character that no key has: white space, a control or a non-ASCII character"
        return None

    def reveal(self) -> str:
        """Return the key, for the request's header only."""
        return self._value

    def is_in(self, content: bytes) -> bool:
        """
        Return whether a body may hold the key; never for a short key, which may be a word.

        :param content: the body.
        """
        return len(self._value) >= _SHORTEST_MASKED and self._longest_part in content.lower()

    def mask(self, value: Any) -> Any:
        """
        Return parsed JSON with the key masked in its texts; the names of members stay.

        :param value: the JSON.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.mask(item) for item in value]
        if isinstance(value, dict):
            return {name: self.mask(item) for name, item in value.items()}
        return value

    def redact(self, text: str) -> str:
        """
        Return a text with the key masked, also where it is escaped for JSON, HTML or a URL.

        :param text: the text.
        """
        return self._spelled.sub(_MASK, text) if self._value else text


def _spellings(key: str) -> set[str]:
    """Return a key as it is, and as it is escaped in JSON, by .NET's JSON, in HTML and in a URL."""
    escaped_by_net = re.sub(r"[\"&'+<>`]", lambda found: f"\\u{ord(found.group()):04X}", key.replace("\\", "\\\\"))
    return {key, json.dumps(key)[1:-1], escaped_by_net, html.escape(key), quote(key, safe="")}


def checked_key(value: ApiKey | str | None) -> ApiKey:
    """
    Return the key, checked; neither the message nor a traceback shows it.

    :param value: the key; white space around it is dropped.
    :raises EciValidationError: if it is empty, or has white space, control or non-ASCII characters.
    """
    value = ApiKey.of(value)
    if problem := value.problem():
        raise EciValidationError([problem], source="API key")
    return value


def is_loopback(host: str | None) -> bool:
    """
    Return whether a host is this machine.

    :param host: a name or an address.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def checked_base_url(value: str, *, allow_http: bool) -> str:
    """
    Return an environment's address without a trailing slash, checked.

    :param value: such as ``https://app.energycap.com``; https is assumed if it has no scheme.
    :param allow_http: whether plain http is allowed beyond loopback; anybody on the way could read the key.
    :raises EciValidationError: if it is not the address of an environment.
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
    except UnicodeError:  # an empty label, or one that is too long
        return False
    return all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels)


def _is_accepted_by_requests(url: str) -> bool:
    """Return whether requests accepts a URL; of names beyond ASCII it accepts fewer than Python does."""
    try:
        requests.PreparedRequest().prepare_url(url, None)
    except (requests.RequestException, UnicodeError):
        return False
    return True


def _url_problem(url: str, *, allow_http: bool) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the host is not a URL"
    if parts.username or parts.password:
        return "the host has a user name or password; set the API key as the connection's password"
    if parts.query or parts.fragment:
        # Not shown, because somebody may have put the key there.
        return "the host has a query or fragment; give the environment's address alone"
    if parts.scheme not in ("http", "https") or not host or not _is_host(host) or re.search(r"[\s\x00-\x1f]", url):
        return f"the host {url!r} is not an http or https URL"
    if not _is_accepted_by_requests(url):
        return f"the host {url!r} is not a valid host name"
    if re.search(r"/api(/|$)", parts.path):
        return f"the host {url!r} names a path of the API; give the environment's address alone"
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        return f"plain http to {host} would show the API key to the network; use https (or set `allow_http`)"
    return None
