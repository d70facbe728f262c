"""The address of an environment, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import requests

from eci_provider.api.errors import EciValidationError


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
