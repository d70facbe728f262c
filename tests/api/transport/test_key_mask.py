"""The API key is found in texts of a server however it is spelled, and nothing else is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eci_provider.api.transport.key_mask import KeyMask

KEY = "kEy-7f3a+b/C=&<d>"
ZERO_WIDTH = "\u200b\u200d\ufeff\u2060\xad\u034f"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "in capitals": str.upper,
    "quoted for a URL": lambda key: quote(key, safe=""),
    "each character quoted for a URL": lambda key: "".join(f"%{ord(letter):02x}" for letter in key),
    "quoted for a URL twice": lambda key: quote(quote(key, safe=""), safe=""),
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "each character escaped in JSON": lambda key: "".join(f"\\u{ord(letter):04X}" for letter in key),
    "JSON in JSON": lambda key: json.dumps("".join(f"\\u{ord(letter):04x}" for letter in key))[1:-1],
    "escaped by code": lambda key: "".join(f"\\x{ord(letter):02x}" for letter in key),
    "numbers in HTML": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "hex numbers in HTML": lambda key: "".join(f"&#x{ord(letter):x};" for letter in key),
    "HTML in HTML": lambda key: "".join(f"&amp;#{ord(letter)};" for letter in key),
    "names in HTML": lambda key: key.replace("&", "&amp;").replace("+", "&plus;").replace("=", "&equals;"),
    "in hex": lambda key: key.encode().hex(),
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "in base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "in base64 behind one byte": lambda key: base64.b64encode(f":{key}:".encode()).decode(),
    "in base64 behind two": lambda key: base64.b64encode(f"x:{key}".encode()).decode(),
    "in a header in base64": lambda key: base64.b64encode(f"ECI-ApiKey: {key}\r\n".encode()).decode(),
    "in base64 in a URL": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
    "with a zero-width space": lambda key: f"{key[:5]}\u200b{key[5:]}",
    "with zero-width characters": lambda key: ZERO_WIDTH.join(key),
    "with escaped zero-width characters": lambda key: "\\u200b".join(key),
    "with quoted zero-width characters": lambda key: "%E2%80%8B".join(key),
    "with soft hyphens of HTML": lambda key: "&shy;".join(key),
    "with control characters": lambda key: "\x00\x1b\x7f".join(key),
    "wrapped": lambda key: f"{key[:6]}\r\n\t{key[6:]}",
}


@pytest.mark.parametrize("way", SPELLINGS)
def test_a_key_is_masked_however_it_is_spelled(way: str) -> None:
    mask, spelled = KeyMask(KEY), SPELLINGS[way](KEY)
    text = f"The key {spelled} is unknown."

    assert "***" in mask.redact(text)
    assert not _shows(mask.redact(text), spelled)
    assert mask.may_be_in(text.encode())
    assert mask.may_be_in(json.dumps(text).encode())
    assert mask.may_be_in(json.dumps(text, ensure_ascii=False).encode())
    masked = mask.mask({"note": [text], f"a{spelled}": 1})
    (name,) = masked.keys() - {"note"}
    assert "***" in name
    assert not _shows(name, spelled)
    assert masked == {"note": [masked["note"][0]], name: 1}
    assert masked["note"][0].startswith("The key ")
    assert masked["note"][0].endswith(" is unknown.")
    assert not _shows(masked["note"][0], spelled)


def _shows(text: str, spelled: str) -> bool:
    """Return whether a text shows half of what was spelled, in a row."""
    half = len(spelled) // 2
    return any(spelled[at : at + half] in text for at in range(len(spelled) - half + 1))


@pytest.mark.parametrize("way", SPELLINGS)
def test_only_the_key_is_masked(way: str) -> None:
    mask, other = KeyMask(KEY), SPELLINGS[way]("xEz-8f4b+c/D=&<e>")
    text = f"The key {other} is unknown: 12345678-1234-1234-1234-123456789012, 2026-01-05T08:00:00Z."
    assert mask.redact(text) == text
    assert mask.mask(text) == text
    assert not KeyMask("kEy-7f3a+b/C=<d>").may_be_in(text.encode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cut {KEY[:9]}", "cut ***"),
        (f"cut {KEY[:8]}...", "cut ***..."),
        (f"{KEY[-8:]} is cut", "*** is cut"),
        (f"at {KEY[:8]} {KEY[8:]} broken", "at *** broken"),
        (f"{KEY}{KEY}", "******"),
        (f"begins as {KEY[:7]}", f"begins as {KEY[:7]}"),
    ],
)
def test_a_part_of_the_key_is_masked_in_an_error(text: str, shown: str) -> None:
    assert KeyMask(KEY).redact(text) == shown


def test_a_part_of_the_key_may_be_a_word_of_a_good_answer() -> None:
    mask = KeyMask("energycap-production")
    assert mask.mask("energycap 2026, EnergyCAP Production") == "energycap 2026, EnergyCAP Production"
    assert mask.mask("EnergyCAP-Production") == "***"


def test_a_key_that_is_a_word_leaves_the_names_of_fields() -> None:
    masked = KeyMask("currentSuccessCount").mask({"currentSuccessCount": 7, "message": "currentSuccessCount"})
    assert masked == {"currentSuccessCount": 7, "message": "***"}


@pytest.mark.parametrize("key", ["", "k", "key", "short-k"])
def test_a_short_key_is_masked_in_errors_only(key: str) -> None:
    mask = KeyMask(key)
    assert not mask.may_be_in(f"a {key} b".encode())
    assert mask.redact("nothing of it") == "nothing of it"
    assert mask.redact(f"X{key}X") == ("X***X" if key else "XX")


def test_half_a_character_in_a_key_raises_nothing() -> None:
    mask = KeyMask("a key with half \ud83d a character")
    assert mask.redact("a key with half \ud83d a character") == "***"


#: Keys of whatever a header can carry, those that look escaped among them.
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)


@settings(deadline=None, derandomize=True)
@given(KEYS, st.text(max_size=30), st.text(max_size=30))
@example("abc%41%42", "", "")
@example("abc\\u0041&lt;", "", "")
@example("%%%%%%%%", "", "41")
def test_a_key_is_masked_whatever_surrounds_it(key: str, before: str, after: str) -> None:
    mask, text = KeyMask(key), f"{before}{key}{after}"
    assert key not in mask.redact(text)
    assert key not in mask.mask(text)
    assert mask.may_be_in(text.encode())
    assert mask.may_be_in(json.dumps(text).encode())


#: Keys without what begins an escaped character.
PLAIN_KEYS = st.text("abcXYZ0123456789-_+/=.~!", min_size=8, max_size=60)


@settings(deadline=None, derandomize=True)
@given(PLAIN_KEYS, st.lists(st.integers(0, 4), min_size=60, max_size=60))
def test_a_key_is_masked_with_each_character_spelled_in_another_way(key: str, ways: list[int]) -> None:
    spell = ("{0}", "%{1:02X}", "\\u{1:04x}", "&#{1};", "{0}\u200b")
    spelled = "".join(spell[way].format(letter, ord(letter)) for letter, way in zip(key, ways, strict=False))
    mask = KeyMask(key)
    assert len(mask.redact(f"<{spelled}>")) < len("<>") + len("***") + 8
    assert mask.may_be_in(f"<{spelled}>".encode())


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters() | st.sampled_from("%&\\u200b;#x")))
def test_other_texts_stay_as_they_are(text: str) -> None:
    mask = KeyMask(KEY)
    assert mask.mask(text) == text
    assert mask.redact(text) == text
