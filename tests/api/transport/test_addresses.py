"""Addresses: what can be an environment's address, and what is refused before the key goes anywhere."""

from __future__ import annotations

import re

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.api.transport.addresses import checked_base_url, is_loopback

ACCEPTED = {
    "https://app.energycap.com": "https://app.energycap.com",
    "https://app.energycap.com/": "https://app.energycap.com",
    " app-eu.energycap.com ": "https://app-eu.energycap.com",
    "implement.energycap.com:8443": "https://implement.energycap.com:8443",
    "HTTPS://App.EnergyCap.com": "HTTPS://App.EnergyCap.com",
    "https://gateway.example/energycap/": "https://gateway.example/energycap",
    "https://gateway.example/apis": "https://gateway.example/apis",
    "https://energie.münchen.example": "https://energie.münchen.example",
    "https://10.0.0.7": "https://10.0.0.7",
    "https://[2001:db8::1]:8443": "https://[2001:db8::1]:8443",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://127.9.9.9": "http://127.9.9.9",
    "http://localhost:8000": "http://localhost:8000",
    "http://[::1]:8000": "http://[::1]:8000",
}
NO_URL = "is not an http or https URL"
NO_HOST = "is not a valid host name"
REFUSED = {
    "": NO_URL,
    "https://": NO_URL,
    "ftp://app.energycap.com": NO_URL,
    "file:///etc/passwd": NO_URL,
    "https://app..energycap.com": NO_URL,
    "https://*.energycap.com": NO_URL,
    "https://app energycap.com": NO_URL,
    "https://app.energycap.com\nX-Evil: 1": "the host is not a URL",
    "https://app.energycap\n.com": NO_URL,
    "https://app.energy\tcap.com": NO_URL,
    f"https://{'a' * 64}.com": NO_URL,
    "https://☃.net": NO_HOST,
    "https://app\u00ad.energycap.com": NO_HOST,
    "https://app.energycap.com:99999": "the host is not a URL",
    "https://app.energycap.com:https": "the host is not a URL",
    "https://[::1": "the host is not a URL",
    "https://user@app.energycap.com": "the host has a user name or password",
    "https://user:pw@app.energycap.com": "the host has a user name or password",
    "https://:pw@app.energycap.com": "the host has a user name or password",
    "https://app.energycap.com?a=b": "has a query or fragment",
    "https://app.energycap.com/#/app": "has a query or fragment",
    "https://app.energycap.com/api": "names a path of the API",
    "https://app.energycap.com/api/v3/": "names a path of the API",
    "http://app.energycap.com": "plain http to app.energycap.com would show the API key to the network",
    "http://10.0.0.7:8000": "plain http to 10.0.0.7 would show the API key to the network",
    "http://127.0.0.1.evil.example": "plain http to 127.0.0.1.evil.example would show",
    "http://localhost.evil.example": "plain http to localhost.evil.example would show",
    "http://0.0.0.0:8000": "plain http to 0.0.0.0 would show",
}


@pytest.mark.parametrize("value", ACCEPTED)
def test_addresses_of_environments(value: str) -> None:
    assert checked_base_url(value, allow_http=False) == ACCEPTED[value]


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(EciValidationError, match=f"^EnergyCAP's address: .*{re.escape(REFUSED[value])}"):
        EciClient(value, "key")


def test_allow_http_allows_plain_http_and_nothing_else() -> None:
    assert EciClient("http://app.energycap.com", "key", allow_http=True).base_url == "http://app.energycap.com"
    for value, problem in REFUSED.items():
        if not problem.startswith("plain http"):
            with pytest.raises(EciValidationError):
                EciClient(value, "key", allow_http=True)


@pytest.mark.parametrize("place", ["https://x:{}@h.example", "https://{}@h.example", "https://h.example/?key={}"])
def test_a_key_put_into_the_address_is_not_shown(place: str) -> None:
    with pytest.raises(EciValidationError) as caught:
        EciClient(place.format("s3cret-key"), "key")
    assert "s3cret-key" not in str(caught.value)


def test_loopback_is_this_machine_alone() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.255.0.1", "::1"]))
    assert not any(map(is_loopback, [None, "", "0.0.0.0", "10.0.0.1", "localhost.example", "app.energycap.com"]))  # noqa: S104
