"""Check where requests go and what they are signed with, before anything is sent."""

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
#: The shortest key that is masked in what a good answer says: a shorter one may well be a word of it.
_SHORTEST_MASKED = 8


class ApiKey:
    """
    Hold an API key so that it shows in no ``repr``, traceback or pickle.

    :param value: the key itself.
    """

    __slots__ = ("_sought", "_spelled", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        spellings = sorted(_spellings(value), key=len, reverse=True)
        self._spelled = re.compile("|".join(map(re.escape, spellings)), flags=re.IGNORECASE)
        # Letters and digits are spelled alike everywhere.
        self._sought = max(re.split("[^a-z0-9]+", value.lower()), key=len).encode()

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled")

    @classmethod
    def of(cls, value: ApiKey | str | None) -> ApiKey:
        """Return a key in an object that shows nothing; white space around it is dropped, as copying adds it."""
        return value if isinstance(value, ApiKey) else cls((value or "").strip())

    def problem(self) -> str | None:
        """Say why it cannot travel in a header, without showing it."""
        if not self._value:
            return "the API key is missing; it is the connection's password"
        if not re.fullmatch(r"[\x21-\x7e]+", self._value):
            return "the API key holds a character that no key has: white space, a control or a non-ASCII character"
        return None

    def reveal(self) -> str:
        """Return the key, for the request's header only."""
        return self._value

    def is_in(self, content: bytes) -> bool:
        """Tell whether a body may hold the key; one of a few letters may be a word, and is not looked for."""
        return len(self._value) >= _SHORTEST_MASKED and self._sought in content.lower()

    def masked(self, value: Any) -> Any:
        """Return parsed JSON with the key masked in its texts, the names of members left as they are."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if isinstance(value, dict):
            return {name: self.masked(item) for name, item in value.items()}
        return value

    def redact(self, text: str) -> str:
        """Return a text with the key masked, also where a server spelled it as JSON, HTML or a URL does."""
        return self._spelled.sub(_MASK, text) if self._value else text


def _spellings(key: str) -> set[str]:
    """Return a key as it is, and as JSON, that of .NET, HTML and a URL spell it."""
    escaped_by_net = re.sub(r"[\"&'+<>`]", lambda found: f"\\u{ord(found.group()):04X}", key.replace("\\", "\\\\"))
    return {key, json.dumps(key)[1:-1], escaped_by_net, html.escape(key), quote(key, safe="")}


def checked_key(value: ApiKey | str | None) -> ApiKey:
    """
    Return the key, or refuse one that cannot travel in a header; neither the message nor a traceback shows it.

    :param value: the key; white space around it is dropped.
    :raises EciValidationError: when it is empty or holds white space, control or non-ASCII characters.
    """
    value = ApiKey.of(value)
    if problem := value.problem():
        raise EciValidationError([problem], source="API key")
    return value


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


def _can_be_asked(url: str) -> bool:
    """Tell whether requests will take a URL: of names beyond ASCII it knows fewer than Python does."""
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
        return "the host holds a user name or password; put the API key into the connection's password"
    if parts.query or parts.fragment:
        # Not shown: somebody may have put the key there.
        return "the host has a query or fragment; give the environment's address alone"
    if parts.scheme not in ("http", "https") or not host or not _is_host(host) or re.search(r"[\s\x00-\x1f]", url):
        return f"the host {url!r} is not an http or https URL"
    if not _can_be_asked(url):
        return f"the host {url!r} is no name that a host can have"
    if re.search(r"/api(/|$)", parts.path):
        return f"the host {url!r} names a path of the API; give the environment's address alone"
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        return f"plain http to {host} would show the API key to the network; use https (or set `allow_http`)"
    return None
