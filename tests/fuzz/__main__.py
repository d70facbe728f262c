"""
Run many flows: ``python -m tests.fuzz --flows 5000 --seed 1``.

It prints each flow that is wrong, and how many flows ended how.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import tests.conftest  # noqa: F401  (it sets an Airflow home before Airflow is imported)
from tests.fuzz.flow import Setting, ViolationError, stage
from tests.fuzz.mutations import KINDS
from tests.fuzz.proxy import Plan

#: Share of the flows in which many answers are damaged.
MANY = 0.15


#: Verdict on a flow in which something does not hold.
VIOLATED = "WRONG"


def drawn(seed: int, number: int) -> tuple[Plan, Setting]:
    """Return the plan and the setting of a flow; the same seed and number always give the same."""
    draw = random.Random(f"{seed}/{number}")
    # Some servers never answer rightly for long.
    count = draw.randint(5, 30) if draw.random() < MANY else draw.randint(1, 4)
    answers = draw.sample(range(40), count)
    plan = {answer: (draw.choice(KINDS), draw.randrange(1000)) for answer in answers}
    return plan, Setting(*(draw.random() < 0.5 for _ in range(5)))


def _log_nothing() -> None:
    """Keep the log lines of some ten thousand tries away; Airflow 3 logs with structlog."""
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(ImportError):
        import structlog

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    """Run the flows, and return how many are wrong, 100 at most."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Damage answers, thousands of times."
    )
    parser.add_argument("--flows", type=int, default=5000, help="how many flows (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the damages (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first flow, to run one again")
    arguments = parser.parse_args()
    _log_nothing()
    states, verdicts, damages, started = Counter[str](), Counter[str](), 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as one:
        for number in range(arguments.first, arguments.first + arguments.flows):
            # Pauses between polls are drawn from this one.
            random.seed(f"{arguments.seed}/{number}")
            try:
                played = one.play(*drawn(arguments.seed, number))
                verdicts[played.verdict] += 1
                states.update(end.state for end in played.ends)
            except ViolationError as violation:
                verdicts[VIOLATED] += 1
                print(f"flow {number}: {violation}\n", flush=True)
            damages += len(one.proxy.applied)
    for verdict, count in verdicts.most_common():
        print(f"{count:6}  {verdict}")
    print(
        f"{arguments.flows} flows, seed {arguments.seed}: {verdicts[VIOLATED]} wrong; {damages} answers damaged, "
        f"{sum(states.values())} tries ({dict(states)}), {time.monotonic() - started:.0f} s"
    )
    return min(verdicts[VIOLATED], 100)


if __name__ == "__main__":
    sys.exit(main())
