"""The cells of the crash matrix: what runs, where it dies, what the server shows, what Airflow keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product


class Point(str, Enum):
    """Points at which a process dies. ``nowhere`` is for control cells."""

    NOWHERE = "nowhere"
    BEFORE_REQUEST = "before the request"
    BEFORE_COMMIT = "before the commit"
    # The process dies while its request is on its way. The request takes effect before the first search of the
    # next attempt, within its settle time, between its last search and its own request, or after that request.
    COMMIT_SOON = "commit before the next search"
    COMMIT_SETTLING = "commit while settling"
    COMMIT_BETWEEN = "commit between search and send"
    COMMIT_LATE = "commit after settling"
    AFTER_COMMIT = "after the commit"
    AFTER_ANSWER = "after the answer"
    AFTER_STORING = "after storing"
    WAITING = "while waiting"
    WAITING_LONG = "while waiting, ended meanwhile"
    RESUMING = "in the resume"
    BEFORE_RESULT = "before the result is pushed"
    AFTER_RESULT = "after the result is pushed"
    # Airflow has recorded the success, and has not called on_success_callback yet.
    AFTER_SUCCESS = "after the success is recorded"


#: Batch modes of imports; "coded" if the DAG names the code of the new batch.
CASES = (
    "no settings",
    "use existing batch",
    "new batch",
    "new batch, coded",
    "new self-contained batch",
    "new self-contained batch, coded",
    "use pending batch",
    "smart batch",
)
#: Modes that create a batch. The server keeps its code unique, so a second import with the same code is refused.
UNIQUE_CODE = CASES[2:6]
#: Modes in which the provider makes the code from the marker, so that no other import can have it.
OWN_CODE = ("new batch", "new self-contained batch")
#: Modes with a known batch that other imports can use too.
SHARED = ("use existing batch", "use pending batch", "smart batch")

#: Retries of kickouts in rounds, and how many rounds there are.
ROUNDS = {"rounds": 2, "three rounds": 3}

OPEN_CASES = ("fail", "adopt", "fail, closing others", "adopt, closing others")
PROFILE_CASES = ("fail", "keep", "replace", "replace another")
STATUS_CASES = ("Open", "Pending", "Closed")

#: Both answers of a doubled request: whose answer comes back.
DOUBLED = ("doubled, first answer", "doubled, second answer")
#: Odd headers of lists, whose pages a gateway has made smaller.
PAGED = ("one page", "no TotalPages", "huge TotalPages")
#: A running task shows the end of another age.
SENTINELS = ("ends in year 1", "ends in year 9999")
#: What was just created is answered with 404 for some seconds; lists show it at once, or lag as well.
LAGS = ("reads lag", "lists lag")
HOURS_APART = ("3 h ahead", "3 h behind")

AT_SUBMIT = (
    Point.BEFORE_REQUEST,
    Point.BEFORE_COMMIT,
    Point.COMMIT_SOON,
    Point.COMMIT_SETTLING,
    Point.AFTER_COMMIT,
    Point.AFTER_ANSWER,
)
AT_END = (Point.BEFORE_RESULT, Point.AFTER_RESULT)
IN_WORKER = (*AT_SUBMIT, Point.AFTER_STORING, Point.WAITING, Point.WAITING_LONG, *AT_END)
DEFERRED = (*IN_WORKER, Point.RESUMING)


@dataclass(frozen=True)
class Cell:
    """
    One cell of the matrix.

    :param operator: ``import``, ``retry`` (of kickouts), one of :data:`ROUNDS` (retries in rounds, which die in
        their second one), ``open``, ``profile`` or ``status``.
    :param case: batch mode of an import; otherwise what is opened, created or changed.
    :param point: where the process dies.
    :param deferrable: whether the task waits in the triggerer.
    :param echo: whether the server shows notes.
    :param remembers: whether Airflow has a task state store.
    :param company: imports of others, see :meth:`tests.crash.scenario.Scenario.company`.
    :param clock: Airflow's clock, compared with the server's: ``even``, ``ahead`` or ``behind``, or one of
        :data:`HOURS_APART`.
    :param course: ``retry``: it dies, and Airflow starts the next attempt; ``clear``: a person clears it instead;
        ``success, clear``: it succeeds and is cleared; ``success, clear, crash``: then it also dies, and is
        retried. ``discard`` is a clear that discards the task state.
    :param habit: a habit of the server, of :data:`SENTINELS`, :data:`LAGS`, :data:`DOUBLED` or :data:`PAGED`; none
        if empty.
    """

    operator: str
    case: str
    point: Point
    deferrable: bool = False
    echo: bool = True
    remembers: bool = False
    company: str = "alone"
    clock: str = "even"
    course: str = "retry"
    habit: str = ""

    def __str__(self) -> str:
        mode = "deferrable" if self.deferrable else "worker"
        echo = "echo" if self.echo else "silent"
        state = "state" if self.remembers else "no state"
        server = (mode, echo, state, self.company, self.clock)
        parts = (self.operator, self.case, self.point.value, *server, self.course)
        return " | ".join((*parts, self.habit) if self.habit else parts)

    @classmethod
    def named(cls, name: str) -> Cell:
        """Return the cell with a name, as :meth:`__str__` returns it."""
        operator, case, point, mode, echo, state, company, clock, course, *habit = name.split(" | ")
        flags = {"deferrable": mode == "deferrable", "echo": echo == "echo", "remembers": state == "state"}
        server = {"company": company, "clock": clock, "habit": "".join(habit)}
        return cls(operator, case, Point(point), **flags, **server, course=course)

    @property
    def is_import(self) -> bool:
        """Whether it starts an import; a retry of kickouts does too."""
        return self.operator in ("import", "retry", *ROUNDS)

    @property
    def rounds(self) -> int:
        """The number of its rounds."""
        return ROUNDS.get(self.operator, 1)

    @property
    def keeps_state(self) -> bool:
        """Whether the last attempt finds what earlier ones have recorded."""
        return self.remembers and "discard" not in self.course

    @property
    def shows_no_twin(self) -> bool:
        """Whether a doubled import leaves two that nothing tells from others' imports: no note and no code."""
        return self.habit in DOUBLED and self.is_import and not self.echo and self.case not in UNIQUE_CODE


def crash_cells() -> list[Cell]:
    """Return all cells in which a process dies or a task is cleared."""
    cells = [
        *_imports(),
        *_rounds(),
        *_in_company(),
        *_clocks_apart(),
        *_cleared(),
        *_discarded(),
        *_others(),
        *_habits(),
    ]
    assert len(set(cells)) == len(cells)
    return cells


def control_cells() -> list[Cell]:
    """Return the cells of the same tasks without a crash."""
    return list(
        dict.fromkeys(
            replace(cell, point=Point.NOWHERE, company="alone", course="retry", clock=_control_clock(cell))
            for cell in crash_cells()
            if not cell.shows_no_twin
        )
    )


def _control_clock(cell: Cell) -> str:
    return cell.clock if cell.clock in HOURS_APART else "even"


def _imports() -> Iterator[Cell]:
    flags = (False, True)
    for operator, case, deferrable, echo, remembers in product(("import", "retry"), CASES, flags, flags, flags):
        points = list(DEFERRED if deferrable else IN_WORKER)
        if case in UNIQUE_CODE:
            points += (Point.COMMIT_BETWEEN, Point.COMMIT_LATE)
        for point in points:
            yield Cell(operator, case, point, deferrable, echo, remembers)


def _rounds() -> Iterator[Cell]:
    """Yield retries in two rounds. None has a coded batch, since only one round could create it."""
    cases = [case for case in CASES if not case.endswith("coded")]
    flags = (False, True)
    for case, deferrable, echo, remembers in product(cases, flags, flags, flags):
        for point in DEFERRED if deferrable else IN_WORKER:
            yield Cell("rounds", case, point, deferrable, echo, remembers)


def _in_company() -> Iterator[Cell]:
    flags = (False, True)
    for operator, case, echo, remembers in product(("import", "retry"), CASES, flags, flags):
        companies = ["stranger"]
        if case in SHARED:
            companies.append("stranger with us")
        if echo:
            companies.append("stranger and proof")
        for company, point in product(companies, AT_SUBMIT):
            yield Cell(operator, case, point, False, echo, remembers, company)
        never_sent = (Point.BEFORE_REQUEST, Point.BEFORE_COMMIT)
        for point in never_sent if case in ("no settings", "use existing batch") else ():
            yield Cell(operator, case, point, False, echo, remembers, "colleague")
        for point in never_sent if case.endswith("coded") else ():
            yield Cell(operator, case, point, False, echo, remembers, "namesake")


def _clocks_apart() -> Iterator[Cell]:
    cases = ("no settings", "use existing batch", "new batch")
    points = (Point.BEFORE_COMMIT, Point.COMMIT_SETTLING, Point.AFTER_COMMIT)
    for case, point, echo, clock in product(cases, points, (False, True), ("ahead", "behind")):
        yield Cell("import", case, point, echo=echo, remembers=True, clock=clock)


def _cleared() -> Iterator[Cell]:
    flags = (False, True)
    some = (Point.BEFORE_REQUEST, Point.AFTER_COMMIT, Point.AFTER_STORING, Point.WAITING, Point.AFTER_RESULT)
    for case, deferrable, echo in product(("no settings", "new self-contained batch"), flags, flags):
        points = (*some, Point.AFTER_SUCCESS, *((Point.RESUMING,) if deferrable else ()))
        for point, remembers in product(points, flags):
            yield Cell("import", case, point, deferrable, echo, remembers, course="clear")
        for operator, remembers in product(("import", "retry"), flags):
            yield Cell(operator, case, Point.NOWHERE, deferrable, echo, remembers, course="success, clear")
        for point in some:
            yield Cell("import", case, point, deferrable, echo, True, course="success, clear, crash")


def _discarded() -> Iterator[Cell]:
    """Yield cells with a clear that discards the task state."""
    flags, some = (False, True), (*AT_SUBMIT, Point.AFTER_STORING, Point.WAITING, Point.AFTER_RESULT)
    for case, deferrable, echo in product(("no settings", "new self-contained batch"), flags, flags):
        points = (*some, Point.AFTER_SUCCESS, *((Point.RESUMING,) if deferrable else ()))
        for operator, point in product(("import", "rounds"), points):
            yield Cell(operator, case, point, deferrable, echo, True, course="discard")
        for operator in ("import", "retry", *ROUNDS):
            yield Cell(operator, case, Point.NOWHERE, deferrable, echo, True, course="success, discard")
        course = "success, clear, success, discard"
        yield Cell("import", case, Point.NOWHERE, deferrable, echo, True, course=course)


def _others() -> Iterator[Cell]:
    """Yield the cells of operators that search by code or status only, without notes and task state."""
    once = (*AT_SUBMIT, Point.COMMIT_BETWEEN, *AT_END)
    for case, point in product(OPEN_CASES, (*once, Point.AFTER_STORING, Point.COMMIT_LATE)):
        yield Cell("open", case, point)
    for point in (Point.BEFORE_REQUEST, Point.BEFORE_COMMIT):
        yield Cell("open", "fail", point, company="namesake")
    for case, point in product(PROFILE_CASES, once):
        yield Cell("profile", case, point)
    for case, point in product(STATUS_CASES, once):
        yield Cell("status", case, point)


#: Points with the habits of servers, and whether the task waits in the triggerer and has a task state.
_AT_HABITS = {
    **dict.fromkeys(SENTINELS, (Point.AFTER_COMMIT, Point.AFTER_STORING, Point.WAITING)),
    "reads lag": (Point.COMMIT_SETTLING, Point.AFTER_COMMIT, Point.AFTER_STORING),
    # A request that takes effect while settling would appear in no list before the next attempt sends its own.
    "lists lag": (Point.COMMIT_SOON, Point.AFTER_COMMIT, Point.AFTER_STORING),
    **dict.fromkeys(PAGED, (Point.COMMIT_SETTLING, Point.AFTER_COMMIT)),
}
_WHERE = ((False, False), (True, True))


def _habits() -> Iterator[Cell]:
    """Yield cells with the habits of servers."""
    flags, operators, cases = (False, True), ("import", "retry"), ("use existing batch", "new batch")
    for operator, case, (deferrable, remembers), echo in product(operators, cases, _WHERE, flags):
        for habit, points in _AT_HABITS.items():
            for point in points:
                yield Cell(operator, case, point, deferrable, echo, remembers, habit=habit)
        for clock in HOURS_APART:
            for point in (Point.BEFORE_COMMIT, Point.AFTER_COMMIT, Point.AFTER_STORING, Point.WAITING):
                yield Cell(operator, case, point, deferrable, echo, remembers, clock=clock)
    yield from _doubled()
    for case, point in product(OPEN_CASES[:2], (Point.BEFORE_COMMIT, Point.COMMIT_SOON, *AT_SUBMIT[-2:], *AT_END)):
        yield Cell("open", case, point, habit="lists lag")
    for case, point in product(STATUS_CASES, (Point.BEFORE_COMMIT, Point.AFTER_COMMIT)):
        yield Cell("status", case, point, habit=DOUBLED[1])


def _doubled() -> Iterator[Cell]:
    """Yield cells with doubled imports, of which notes or batch codes show something."""
    flags, operators = (False, True), ("import", "retry")
    at_submit = (Point.BEFORE_COMMIT, Point.COMMIT_SETTLING, Point.AFTER_COMMIT)
    for operator, case, (deferrable, remembers) in product(
        operators, ("no settings", "use existing batch"), _WHERE
    ):
        later = (Point.AFTER_STORING, Point.WAITING, *((Point.RESUMING,) if deferrable else ()))
        for point in (*at_submit, *later):
            yield Cell(operator, case, point, deferrable, True, remembers, habit=DOUBLED[1])
        for point in at_submit[1:]:
            yield Cell(operator, case, point, deferrable, False, remembers, habit=DOUBLED[1])
    for operator, case, (deferrable, remembers), echo in product(operators, UNIQUE_CODE[:2], _WHERE, flags):
        for habit, point in product(DOUBLED, at_submit):
            yield Cell(operator, case, point, deferrable, echo, remembers, habit=habit)
