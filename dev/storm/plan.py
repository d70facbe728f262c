"""The plan of a storm: its duration, its runs and files, and the bills that EnergyCAP must have at its end."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HEADER = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", "COST:USD:Charges")
BILLS_PER_FILE = 4
# Share of the files that have a row of an account that EnergyCAP does not know.
WITH_KICKOUT = 0.3
# Share of the runs that give each file a batch of its own, without a code.
WITH_OWN_BATCHES = 0.3
# Share of the runs that fail if a row is kicked out.
STRICT = 0.15

# Habits of EnergyCAP that a seed chooses from: settings of the sandbox, and hours that its clock is ahead.
END_DATES = (None, "0001-01-01T00:00:00", "9999-12-31T23:59:59")
TOTAL_PAGES = ("one", "missing", "huge")
CLOCKS = (-3.0, -3.0, 0.0, 3.0)
LONGEST_LAG = 0.5
LARGEST_PAGE = 50

# Share of the submits that are doubled.
DOUBLED = 0.02

# Stands for a bill's start if the row is kicked out.
KICKED_OUT = "kicked out"

#: Account and start date.
Bill = tuple[str, str]


@dataclass(frozen=True)
class BillFile:
    """
    One bill file of one run.

    :param name: file name; unique in the storm.
    :param bills: the bills that must be imported; no other file has them.
    :param kickouts: accounts of the rows that must be kicked out.
    """

    name: str
    bills: tuple[Bill, ...]
    kickouts: tuple[str, ...]

    @property
    def outcomes(self) -> tuple[Bill, ...]:
        """Everything that its import must leave in EnergyCAP: bills, and rows kicked out."""
        return (*self.bills, *((account, KICKED_OUT) for account in self.kickouts))

    def write(self, folder: Path) -> None:
        """Write the file, in the Advanced format."""
        with (folder / self.name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            rows = [*self.bills, *((account, "2025-01-01") for account in self.kickouts)]
            for number, (account, start) in enumerate(rows):
                first = date.fromisoformat(start)
                last = first + timedelta(days=20)
                # A second import of a corrected bill (C) adds a bill; of an actual bill (A) it would replace the
                # first.
                writer.writerow([account, f"{first:%Y%m%d}", f"{last:%Y%m%d}", "C", "", f"{100 + number}.50"])


@dataclass(frozen=True)
class PlannedRun:
    """
    One DAG run.

    :param number: number, from 0.
    :param deferrable: whether its imports wait in the triggerer.
    :param own_batches: whether each of its files gets a batch of its own.
    :param strict: whether a row that is kicked out fails its task.
    :param files: the files that it imports.
    """

    number: int
    deferrable: bool
    own_batches: bool
    strict: bool
    files: tuple[BillFile, ...]

    @property
    def dag_id(self) -> str:
        """Id of its DAG."""
        return dag_id(deferrable=self.deferrable, own_batches=self.own_batches)

    @property
    def run_id(self) -> str:
        """Id of the run in Airflow, and code of its batch."""
        return f"storm-{self.number:03d}"

    @property
    def on_kickouts(self) -> str:
        """The operator's argument ``on_kickouts``."""
        return "fail" if self.strict else "warn"

    def expected_state(self, file: BillFile | None = None) -> str:
        """Return the state in which the task of a file must end; without a file, the run."""
        files = self.files if file is None else (file,)
        return "failed" if self.strict and any(each.kickouts for each in files) else "success"


@dataclass(frozen=True)
class Habits:
    """
    Habits of EnergyCAP in a storm.

    :param settings: settings of the sandbox.
    :param clock: hours that its clock is ahead of Airflow's.
    :param doubled: share of the submits that are carried out twice, as behind a proxy that sends them again.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    clock: float = 0.0
    doubled: float = 0.0

    def __str__(self) -> str:
        parts = [f"{name} {value}" for name, value in self.settings.items() if value is not None]
        if self.clock:
            parts.append(f"clock {self.clock:+.0f} h")
        return ", ".join([*parts, f"{self.doubled:.0%} of submits doubled"] if self.doubled else parts) or "none"


def drawn_habits(seed: int, *, notes_shown: bool) -> Habits:
    """
    Return the habits for a seed.

    :param notes_shown: whether EnergyCAP shows notes; without them nobody can see that a submit was doubled.
    """
    draw = random.Random(f"habits {seed}")
    lag = round(draw.uniform(0.1, LONGEST_LAG), 2)
    settings = {
        "task_lag": lag,
        "batch_lag": lag,
        "lists_lag": draw.random() < 0.5,
        "running_end_date": draw.choice(END_DATES),
        "largest_page": LARGEST_PAGE,
        "total_pages": draw.choice(TOTAL_PAGES),
    }
    return Habits(settings, draw.choice(CLOCKS), DOUBLED if notes_shown else 0.0)


def dag_id(*, deferrable: bool, own_batches: bool) -> str:
    """Return the id of the DAG for a kind of run."""
    where = "triggerer" if deferrable else "worker"
    return f"storm_waits_in_{where}_{'own_batches' if own_batches else 'one_batch'}"


@dataclass(frozen=True)
class Plan:
    """
    Plan of a storm. The same seed gives the same runs, files and random numbers.

    :param seed: seed of everything random.
    :param runs: number of DAG runs.
    :param files: number of files that each run imports.
    :param seconds: how long processes are killed.
    :param longest_end: seconds after that in which all runs must end.
    :param slots: number of tasks at the same time.
    :param pause: shortest and longest time between two kills, in seconds.
    :param must_kill: kinds to kill first; later ones are random.
    :param import_takes: seconds that an import takes in EnergyCAP.
    :param notes_shown: whether EnergyCAP shows an import's note. If not, the outcome of some tasks stays unknown.
    :param habits: EnergyCAP's habits.
    """

    seed: int
    runs: int = 50
    files: int = 5
    seconds: float = 900.0
    longest_end: float = 1800.0
    slots: int = 6
    pause: tuple[float, float] = (2.0, 6.0)
    must_kill: tuple[str, ...] = ()
    import_takes: float = 4.0
    notes_shown: bool = True
    habits: Habits = field(default_factory=Habits)
    planned: tuple[PlannedRun, ...] = field(init=False)

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        object.__setattr__(self, "planned", tuple(self._run(number, draw) for number in range(self.runs)))

    def _run(self, number: int, draw: random.Random) -> PlannedRun:
        files = tuple(
            _file(number, place, with_kickout=draw.random() < WITH_KICKOUT) for place in range(self.files)
        )
        return PlannedRun(
            number,
            deferrable=number % 2 == 1,
            own_batches=draw.random() < WITH_OWN_BATCHES,
            strict=draw.random() < STRICT,
            files=files,
        )

    def due(self, number: int) -> float:
        """
        Return the second in which a run starts. The starts are spread, so that there is always a run to kill.
        """
        return self.seconds * number / self.runs

    @property
    def every_file(self) -> tuple[BillFile, ...]:
        """The files of all runs."""
        return tuple(file for run in self.planned for file in run.files)


def _file(run: int, place: int, *, with_kickout: bool) -> BillFile:
    code = f"{run:03d}-{place:02d}"
    starts = [date(2024, 1 + month, 2).isoformat() for month in range(BILLS_PER_FILE)]
    return BillFile(
        f"bills-{code}.csv",
        tuple((f"ACCOUNT-{code}", start) for start in starts),
        (f"UNKNOWN-{code}",) if with_kickout else (),
    )
