"""What must become of each cell, and why: from what is promised alone, whatever the code does."""

from __future__ import annotations

from dataclasses import dataclass

from tests.crash.cells import OWN_CODE, SHARED, UNIQUE_CODE, Cell, Point


@dataclass(frozen=True)
class Ending:
    """
    Describe how a cell must end.

    :param kind: ``done``: the task succeeds; ``unknown``: it fails, saying that the outcome cannot be known and
        what to do; ``refused``: it fails with an error of ours.
    :param made: how many imports (batches, profiles) of ours the server then holds.
    :param reattached: what the result says.
    :param reason: why.
    """

    kind: str
    made: int
    reattached: bool
    reason: str


def expected(cell: Cell) -> Ending:
    """Return how a cell must end."""
    if not cell.is_import:
        return _expected_of_other(cell)
    if cell.course.startswith("success"):
        return _expected_after_success(cell)
    return _expected_after_crash(cell)


def has_landed(point: Point) -> bool:
    """Tell whether the first request has taken effect when the next try decides."""
    return point not in (Point.BEFORE_REQUEST, Point.BEFORE_COMMIT, Point.COMMIT_LATE)


def _expected_after_crash(cell: Cell) -> Ending:
    if cell.point is Point.NOWHERE:
        return Ending("done", 1, False, "nothing happened")
    if _is_the_triggerers(cell):
        return Ending("done", 1, False, "the same try goes on: Airflow starts its trigger again")
    if _forgets_the_first_round(cell):
        made = 1 if has_landed(cell.point) else 0
        return Ending("unknown", made, False, "nothing tells that the first round's import is this task's")
    if _is_remembered(cell):
        # So does one that succeeded where the process died before it could note that in the task state.
        return Ending("done", 1, True, "the GUID is in the task state: no search, no doubt")
    return _found_again(cell) if has_landed(cell.point) else _not_found(cell)


def _is_the_triggerers(cell: Cell) -> bool:
    return cell.deferrable and cell.point in (Point.WAITING, Point.WAITING_LONG) and cell.course != "clear"


def _forgets_the_first_round(cell: Cell) -> bool:
    """Tell whether the next try cannot know the import of the round before the one that it died in."""
    return cell.operator == "rounds" and not (cell.remembers or cell.echo or cell.case in OWN_CODE)


def _is_remembered(cell: Cell) -> bool:
    before_storing = (
        Point.BEFORE_REQUEST,
        Point.BEFORE_COMMIT,
        Point.COMMIT_SOON,
        Point.COMMIT_SETTLING,
        Point.COMMIT_BETWEEN,
        Point.COMMIT_LATE,
        Point.AFTER_COMMIT,
        Point.AFTER_ANSWER,
    )
    return cell.remembers and cell.point not in before_storing


def _found_again(cell: Cell) -> Ending:
    """Return what a search must make of an import of ours that is there."""
    if cell.echo:
        # Also where it commits only while settling and a stranger's stood there before: nothing is unknown that
        # the second look can tell.
        return Ending("done", 1, True, "it carries the marker")
    if cell.case in OWN_CODE:
        return Ending("done", 1, True, "its batch has the code that the marker made, and codes are unique")
    if cell.point is Point.COMMIT_BETWEEN:
        return Ending("refused", 1, False, "the server says that the code is taken, and nothing shows by whom")
    # An author's code is no proof: another task can have used it first, and ours was refused then.
    return Ending("unknown", 1, False, "a candidate without marker, notes not shown, its batch is not ours alone")


def _not_found(cell: Cell) -> Ending:
    """Return what a search must make of it when ours is not there."""
    if cell.company == "namesake":
        return Ending(
            "refused", 0, False, "another import took our code: neither adopt it nor send into its batch"
        )
    if _has_doubtful_candidate(cell):
        return Ending("unknown", 0, False, "somebody's import may be ours, and notes are not proven to be shown")
    return Ending("done", 1, False, "no candidate after the settle time: the request was lost, so it is sent")


def _has_doubtful_candidate(cell: Cell) -> bool:
    """Tell whether an import that is not ours cannot be told from ours."""
    if cell.company == "stranger with us":
        return True  # in the batch that ours goes into
    # Elsewhere it counts only where we cannot know our batch.
    return cell.company == "stranger" and cell.case not in (*UNIQUE_CODE, *SHARED)


def _expected_after_success(cell: Cell) -> Ending:
    """Clearing a task that succeeded imports again; without task state it cannot be told from a retry."""
    if not cell.remembers:
        again = _found_again(cell)
        return Ending(again.kind, 1, again.reattached, f"looks as a retry does: {again.reason}")
    if cell.point is Point.NOWHERE:
        return Ending("done", 2, False, "a new generation, and no intent of it was recorded: nothing to look for")
    again = _expected_after_crash(cell)
    return Ending(again.kind, 1 + again.made, again.reattached, f"the second generation: {again.reason}")


def _expected_of_other(cell: Cell) -> Ending:
    if cell.company == "namesake":
        return Ending("refused", 0, False, "the batch of this code is another user's, and if_exists='fail'")
    reasons = {
        "open": "batch codes are unique: on a later try the batch of our code is our own",
        "profile": "profile codes are unique: a profile of our code and mapping is our own",
        "status": "the wanted status counts as done",
    }
    return Ending("done", 1, False, reasons[cell.operator])
