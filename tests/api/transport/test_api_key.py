"""API keys: which can be sent, and that they show nowhere."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.api.transport.api_key import ApiKey, checked_key


@pytest.mark.parametrize("value", ["", "  ", "\n", None])
def test_a_missing_key_is_refused(value: str | None) -> None:
    with pytest.raises(
        EciValidationError, match=r"^API key: the API key is missing; set it as the connection's password$"
    ):
        checked_key(value)


@pytest.mark.parametrize(
    "value",
    ["s3c\nret", "s3c ret", "s3c\x00ret", "s3c\tret", "s3crét", "s3c\x7fret", "s3c\r\nX: y", "s3c\ud83dret"],
)
def test_a_key_that_cannot_travel_in_a_header_is_refused_without_showing_it(value: str) -> None:
    """HTTP libraries refuse it as well, but with the key in their error."""
    with pytest.raises(EciValidationError) as caught:
        EciClient("https://app.energycap.com", value)
    assert str(caught.value).startswith("API key: the API key has a character that no key has")
    assert caught.value.__cause__ is None
    assert not {part for part in re.split(r"[^\w]", value) if len(part) > 2 and part in str(caught.value)}


def test_white_space_around_a_key_comes_from_copying() -> None:
    assert checked_key(" s3cret\n").reveal() == "s3cret"


def test_a_key_shows_nowhere_and_is_not_copied_out() -> None:
    key = ApiKey("s3cret")
    assert f"{key} {key!r} {[key]}" == "*** *** [***]"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(key, protocol)
    with pytest.raises(TypeError):
        copy.deepcopy(key)


@pytest.mark.parametrize(
    "spelling",
    [
        'k"<e>+/=\\y&',
        'K"<E>+/=\\Y&',
        'k\\"<e>+/=\\\\y&',
        "k\\u0022\\u003Ce\\u003E\\u002B/=\\\\y\\u0026",
        "k&quot;&lt;e&gt;+/=\\y&amp;",
        "k%22%3Ce%3E%2B%2F%3D%5Cy%26",
    ],
)
def test_a_key_is_masked_however_a_server_spells_it(spelling: str) -> None:
    assert ApiKey('k"<e>+/=\\y&').redact(f"The key {spelling} is unknown.") == "The key *** is unknown."
