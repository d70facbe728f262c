"""Cells that failed once, by name; they stay in every sample."""

from __future__ import annotations

from itertools import product

#: The first request took effect after the next try's last look, whose own was refused then as done already.
_BETWEEN = "commit between look and send"
_IMPORTS = product(
    ("import", "retry"),
    ("new batch, coded", "new self-contained batch, coded"),
    ("worker", "deferrable"),
    ("state", "no state"),
)
_OTHERS = (
    ("open", "fail"),
    ("open", "fail, closing others"),
    ("status", "Open"),
    ("status", "Pending"),
    ("status", "Closed"),
)

ONCE_FAILED: tuple[str, ...] = (
    *(
        f"{what} | {case} | {_BETWEEN} | {mode} | echo | {state} | alone | even | retry"
        for what, case, mode, state in _IMPORTS
    ),
    *(f"{what} | {case} | {_BETWEEN} | worker | echo | no state | alone | even | retry" for what, case in _OTHERS),
)
