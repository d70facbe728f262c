"""The API key: hidden from everything but the request's header, and checked before anything is sent."""

from __future__ import annotations

import re
from typing import Any

from eci_provider.api.errors import EciValidationError
from eci_provider.api.transport.key_mask import KeyMask


class ApiKey:
    """
    An API key that no ``repr``, traceback or pickle shows.

    :param value: the key.
    """

    __slots__ = ("_mask", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._mask = KeyMask(value)

    def __repr__(self) -> str:
        return "***"

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

        :param content: the body, or a part of it.
        """
        return self._mask.may_be_in(content)

    def mask(self, value: Any) -> Any:
        """
        Return parsed JSON with the key masked, however it is spelled.

        :param value: the JSON. The names of its members stay if the key is a word, as they are.
        """
        return self._mask.mask(value)

    def redact(self, text: str) -> str:
        """
        Return an error's text with the key masked, however it is spelled, also where a part of it was cut off.

        :param text: the text; it is not cut before, or the rest of a key would be left at its edge.
        """
        return self._mask.redact(text)


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
