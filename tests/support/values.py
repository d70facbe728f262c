"""Values in other clothes: of numpy, pandas, enumerations, lazy objects, with what they are in substance."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pendulum

GUID = "123e4567-e89b-12d3-a456-426614174000"


class LoudText(str):
    """A text that shows something else than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "LOUD"


class Choice(str, Enum):  # as users write it, also on Python 3.10
    WARN = "warn"


class Number(IntEnum):
    THREE = 3


class Lazy:
    """A value that claims to be a text and is made when it is read, such as Airflow's lazy objects."""

    def __init__(self, value: str) -> None:
        self._value = value

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return str

    def __str__(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        return self._value == other

    def __hash__(self) -> int:
        return hash(self._value)


class Scalar:
    """A scalar as numpy makes it, for environments without numpy."""

    ndim = 0

    def __init__(self, value: Any, kind: str) -> None:
        self._value = value
        self.dtype = type("dtype", (), {"kind": kind})

    def item(self) -> Any:
        return self._value

    def __repr__(self) -> str:
        return f"scalar({self._value!r})"


class NotATime(datetime):
    """The missing time of pandas: a datetime that is not equal to itself."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = datetime.__hash__


NOT_A_TIME = NotATime(2026, 1, 1)

#: Values of each kind, and what they are in substance.
TEXTS: list[tuple[Any, str]] = [
    ("a", "a"),
    (LoudText("a"), "a"),
    (Choice.WARN, "warn"),
    (Lazy("a"), "a"),
    (7, "7"),
    (Decimal("12.50"), "12.50"),
    (Number.THREE, "3"),
    (UUID(GUID), GUID),
    (Scalar(7, "i"), "7"),
]
WHOLE_NUMBERS: list[tuple[Any, int]] = [
    (7, 7),
    (Number.THREE, 3),
    (Decimal("7"), 7),
    (Decimal("7.00"), 7),
    (Scalar(7, "i"), 7),
]
SWITCHES: list[tuple[Any, bool]] = [(True, True), (False, False), (Scalar(True, "b"), True)]
SPANS: list[tuple[Any, float]] = [
    (30, 30.0),
    (0.5, 0.5),
    (Decimal("2.5"), 2.5),
    (timedelta(minutes=1), 60.0),
    (Scalar(1.5, "f"), 1.5),
    (Scalar(timedelta(seconds=3), "m"), 3.0),
]
DATES: list[tuple[Any, str]] = [
    ("2026-03-30", "2026-03-30"),
    (date(2026, 3, 30), "2026-03-30"),
    (datetime(2026, 3, 30, 8, tzinfo=timezone.utc), "2026-03-30T08:00:00+00:00"),
    (pendulum.datetime(2026, 3, 30), "2026-03-30T00:00:00+00:00"),
    (Scalar(date(2026, 3, 30), "M"), "2026-03-30"),
]
#: What is of none of these kinds.
FOREIGN: list[Any] = [
    object(),
    [],
    {},
    float("nan"),
    float("inf"),
    Decimal("NaN"),
    Decimal("1e400"),
    b"a",
    NOT_A_TIME,
    Scalar(10**18, "M"),
    len,
]

try:
    import numpy
except ImportError:
    pass
else:
    TEXTS += [(numpy.str_("a"), "a"), (numpy.int64(7), "7")]
    WHOLE_NUMBERS += [(numpy.int64(7), 7), (numpy.uint8(7), 7), (numpy.array(7), 7)]
    SWITCHES += [(numpy.bool_(True), True), (numpy.bool_(False), False)]
    SPANS += [(numpy.float64(0.5), 0.5), (numpy.int32(30), 30.0), (numpy.timedelta64(3, "s"), 3.0)]
    DATES += [(numpy.datetime64("2026-03-30"), "2026-03-30")]
    FOREIGN += [
        numpy.array([1, 2]),
        numpy.float64("nan"),
        numpy.datetime64("2026-03-30", "ns"),
        numpy.timedelta64(5, "ns"),
    ]
