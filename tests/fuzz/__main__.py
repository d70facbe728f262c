"""Run many flows: ``python -m tests.fuzz --flows 5000 --seed 1``. It prints each flow that fails, and a count."""

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


def drawn(seed: int, number: int) -> tuple[Plan, Setting]:
    """Return the plan and the setting of a flow; the same seed and number always give the same."""
    draw = random.Random(f"{seed}/{number}")
    answers = draw.sample(range(40), draw.randint(1, 4))
    plan = {answer: (draw.choice(KINDS), draw.randrange(1000)) for answer in answers}
    return plan, Setting(*(draw.random() < 0.5 for _ in range(4)))


def _log_nothing() -> None:
    """Keep the log lines of some ten thousand tries away; Airflow 3 logs with structlog."""
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(ImportError):
        import structlog

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    """Run the flows, and return how many failed, 100 at most."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Damage answers, thousands of times."
    )
    parser.add_argument("--flows", type=int, default=5000, help="how many flows (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the damages (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first flow, to run one again")
    arguments = parser.parse_args()
    _log_nothing()
    states, damages, failed, started = Counter[str](), 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as one:
        for number in range(arguments.first, arguments.first + arguments.flows):
            try:
                ends = one.play(*drawn(arguments.seed, number))
                states.update(end.state for end in ends)
            except ViolationError as violation:
                failed += 1
                print(f"flow {number}: {violation}\n", flush=True)
            damages += len(one.proxy.applied)
    print(
        f"{arguments.flows} flows, seed {arguments.seed}: {failed} failed; {damages} answers damaged, "
        f"{sum(states.values())} tries ({dict(states)}), {time.monotonic() - started:.0f} s"
    )
    return min(failed, 100)


if __name__ == "__main__":
    sys.exit(main())
