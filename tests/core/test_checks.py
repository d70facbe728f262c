"""Plain values are checked in one way, wherever they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.core.checks import checked_path, whole_number
from eci_provider.core.errors import EciValidationError


@pytest.mark.parametrize(("least", "most", "value"), [(1, None, 1), (1, None, 10**9), (0, 5, 0), (0, 5, 5)])
def test_a_whole_number_within_bounds_is_returned(least: int, most: int | None, value: int) -> None:
    assert whole_number("size", value, least, most, source="test") == value


@pytest.mark.parametrize("value", [0, 6, -1, True, "3", 2.0, None])
def test_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(EciValidationError) as caught:
        whole_number("size", value, 1, 5, source="test")

    assert str(caught.value) == f"test: size is {value!r}: must be a whole number from 1 to 5"


@pytest.mark.parametrize("place", ["out", "out/", ".", "None/out", "/a/{b}", "s3://bucket/{year}", "file:///out"])
def test_a_path_is_returned_as_text(place: str) -> None:
    assert checked_path(place, name="to", description="a folder", source="test") == place
    assert checked_path(Path("out"), name="to", description="a folder", source="test") == "out"


def test_a_password_in_a_refused_url_is_not_shown() -> None:
    with pytest.raises(EciValidationError) as caught:
        checked_path("sftp://me:secret@host/{{ ds }}", name="to", description="a folder", source="test")

    assert "to is 'sftp://me:***@host/{{ ds }}': must name a folder" in str(caught.value)
