"""What a storm is made of: how long, how many runs and files, and which bills must be there at its end."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

HEADER = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", "COST:USD:Charges")
BILLS_PER_FILE = 4
# A share of the files holds a row of an account that EnergyCAP does not know; a share of the runs gives each file
# a batch of its own, whose code nobody names; a share of the runs fails where a row is kicked out.
WITH_KICKOUT = 0.3
WITH_OWN_BATCHES = 0.3
STRICT = 0.15

# In place of a bill's start: the row of an account is kicked out.
KICKED_OUT = "kicked out"

Bill = tuple[str, str]


@dataclass(frozen=True)
class BillsFile:
    """
    One file of one run.

    :param name: its name, which no other file has.
    :param bills: account and start of each bill that must be imported; no other file has them.
    :param kickouts: accounts whose rows must be kicked out.
    """

    name: str
    bills: tuple[Bill, ...]
    kickouts: tuple[str, ...]

    @property
    def everything(self) -> tuple[Bill, ...]:
        """All that becomes of it: bills, and kicked-out rows."""
        return (*self.bills, *((account, KICKED_OUT) for account in self.kickouts))

    def write(self, folder: Path) -> None:
        """Write it, in Advanced format."""
        with (folder / self.name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            rows = [*self.bills, *((account, "2025-01-01") for account in self.kickouts)]
            for number, (account, start) in enumerate(rows):
                first = date.fromisoformat(start)
                last = first + timedelta(days=20)
                # Of corrected bills (C) EnergyCAP keeps both; of actual ones (A) the second would hide the first.
                writer.writerow([account, f"{first:%Y%m%d}", f"{last:%Y%m%d}", "C", "", f"{100 + number}.50"])


@dataclass(frozen=True)
class PlannedRun:
    """
    One DAG run.

    :param number: 0 for the first.
    :param deferrable: whether its imports wait in the triggerer.
    :param own_batches: whether each of its files gets a batch of its own.
    :param strict: whether a row that is kicked out fails its task.
    :param files: what it imports.
    """

    number: int
    deferrable: bool
    own_batches: bool
    strict: bool
    files: tuple[BillsFile, ...]

    @property
    def dag_id(self) -> str:
        """The DAG of its kind."""
        return dag_id(deferrable=self.deferrable, own_batches=self.own_batches)

    @property
    def run_id(self) -> str:
        """Its name in Airflow, and the code of its batch."""
        return f"storm-{self.number:03d}"

    @property
    def on_kickouts(self) -> str:
        """What kicked-out rows make of its tasks."""
        return "fail" if self.strict else "warn"

    def deserves(self, file: BillsFile | None = None) -> str:
        """Return the state that the task of a file deserves; without one, the whole run's."""
        files = self.files if file is None else (file,)
        return "failed" if self.strict and any(each.kickouts for each in files) else "success"


def dag_id(*, deferrable: bool, own_batches: bool) -> str:
    """Name the DAG for a kind of run."""
    where = "triggerer" if deferrable else "worker"
    return f"storm_waits_in_{where}_{'own_batches' if own_batches else 'one_batch'}"


@dataclass(frozen=True)
class Plan:
    """
    Say what happens in a storm; the same seed plans the same runs, files and draws.

    :param seed: of all that is drawn.
    :param runs: how many DAG runs.
    :param files: how many files each of them imports.
    :param seconds: how long things are killed.
    :param calm: seconds for what is left to end by itself, afterwards.
    :param slots: how many tasks run at the same time.
    :param pause: shortest and longest time between two kills, in seconds.
    :param must_kill: kinds that come first, before the draw decides.
    :param import_takes: seconds that an import takes in EnergyCAP.
    :param notes_shown: whether EnergyCAP shows an import's note. Where it does not, some tasks must say that they
        cannot know.
    """

    seed: int
    runs: int = 50
    files: int = 5
    seconds: float = 900.0
    calm: float = 1800.0
    slots: int = 6
    pause: tuple[float, float] = (2.0, 6.0)
    must_kill: tuple[str, ...] = ()
    import_takes: float = 4.0
    notes_shown: bool = True
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
        """Return after how many seconds a run begins: they are spread out, so that there is always one to hit."""
        return self.seconds * number / self.runs

    @property
    def every_file(self) -> tuple[BillsFile, ...]:
        """All files of all runs."""
        return tuple(file for run in self.planned for file in run.files)


def _file(run: int, place: int, *, with_kickout: bool) -> BillsFile:
    code = f"{run:03d}-{place:02d}"
    starts = [date(2024, 1 + month, 2).isoformat() for month in range(BILLS_PER_FILE)]
    return BillsFile(
        f"bills-{code}.csv",
        tuple((f"ACCOUNT-{code}", start) for start in starts),
        (f"UNKNOWN-{code}",) if with_kickout else (),
    )
