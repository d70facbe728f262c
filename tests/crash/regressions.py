"""Names of cells that failed once. They are part of every sample."""

from __future__ import annotations

from itertools import product

#: The first request took effect after the last search of the next attempt, whose own request was then refused.
_BETWEEN = "commit between search and send"
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

REGRESSIONS: tuple[str, ...] = (
    *(
        f"{what} | {case} | {_BETWEEN} | {mode} | echo | {state} | alone | even | retry"
        for what, case, mode, state in _IMPORTS
    ),
    *(f"{what} | {case} | {_BETWEEN} | worker | echo | no state | alone | even | retry" for what, case in _OTHERS),
)
