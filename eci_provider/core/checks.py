"""Checks of plain values that functions, operators and sensors take."""

from __future__ import annotations

from typing import Any

from eci_provider.core.errors import EciValidationError


def whole_number(name: str, value: Any, least: int, most: int | None, *, source: str) -> int:
    """
    Return a whole number within bounds.

    :param name: the argument's name.
    :param value: its value.
    :param least: the smallest that is allowed.
    :param most: the largest that is allowed; None for no bound.
    :param source: whose argument it is.
    :raises EciValidationError: when it is not a whole number within the bounds.
    """
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and least <= value <= (value if most is None else most)
    ):
        return value
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise EciValidationError([f"{name} is {value!r}: must be a whole number {bounds}"], source=source)
