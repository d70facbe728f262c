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

#: After a clear that discarded the task state, an earlier import was taken, or a round was sent again.
_TWICE = "success, clear, success, discard"
_SELF_CONTAINED = "new self-contained batch"
_DISCARDED = (
    ("import", "no settings", "nowhere", "echo", _TWICE),
    *(("import", _SELF_CONTAINED, "nowhere", echo, _TWICE) for echo in ("echo", "silent")),
    *((what, "no settings", "nowhere", "echo", "success, discard") for what in ("rounds", "three rounds")),
    *(("rounds", _SELF_CONTAINED, "commit while settling", echo, "discard") for echo in ("echo", "silent")),
    *(
        ("rounds", "no settings", point, "echo", "discard")
        for point in (
            "commit before the next search",
            "commit while settling",
            "after the commit",
            "after the answer",
            "after storing",
            "while waiting",
            "after the result is pushed",
            "after the success is recorded",
        )
    ),
)

_OURS = "use existing batch"
#: A server's habit made the task import twice, or fail although its work was done.
_HABITS = (
    ("import", _OURS, "after the commit | worker | silent | no state", "3 h ahead", ""),
    ("import", "no settings", "after storing | deferrable | echo | state", "even", "doubled, second answer"),
    ("retry", _OURS, "before the commit | worker | echo | no state", "even", "doubled, second answer"),
    ("import", _OURS, "after storing | deferrable | echo | state", "even", "reads lag"),
    ("retry", "new batch", "commit while settling | deferrable | echo | state", "even", "reads lag"),
    ("import", "new batch", "after storing | deferrable | echo | state", "even", "lists lag"),
    ("open", "fail", "after the commit | worker | echo | no state", "even", "lists lag"),
)

REGRESSIONS: tuple[str, ...] = (
    *(
        f"{what} | {case} | {_BETWEEN} | {mode} | echo | {state} | alone | even | retry"
        for what, case, mode, state in _IMPORTS
    ),
    *(f"{what} | {case} | {_BETWEEN} | worker | echo | no state | alone | even | retry" for what, case in _OTHERS),
    *(
        f"{what} | {case} | {point} | {mode} | {echo} | state | alone | even | {course}"
        for (what, case, point, echo, course), mode in product(_DISCARDED, ("worker", "deferrable"))
    ),
    *(
        " | ".join((what, case, where, "alone", clock, "retry", *filter(None, [habit])))
        for what, case, where, clock, habit in _HABITS
    ),
    "rounds | no settings | in the resume | deferrable | echo | state | alone | even | discard",
)
