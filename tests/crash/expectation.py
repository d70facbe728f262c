"""The expected end of each cell, and the reason. It follows from the promises alone, not from the code."""

from __future__ import annotations

from dataclasses import dataclass

from tests.crash.cells import DOUBLED, OWN_CODE, SHARED, UNIQUE_CODE, Cell, Point


@dataclass(frozen=True)
class ExpectedEnd:
    """
    Expected end of a cell.

    :param kind: ``done``: the task succeeds; ``unknown``: it fails because the outcome is unknown, and says what
        to do; ``twins``: it fails, and names both imports; ``refused``: it fails with another error of ours.
    :param made: number of imports (batches, profiles) of ours that the server then has.
    :param reattached: value of ``reattached`` in the result.
    :param reason: why.
    """

    kind: str
    made: int
    reattached: bool
    reason: str


def expected(cell: Cell) -> ExpectedEnd:
    """Return the expected end of a cell."""
    if not cell.is_import:
        return _expected_of_other(cell)
    if cell.habit in DOUBLED:
        return _expected_of_doubled(cell)
    if cell.course.startswith("success"):
        return _expected_after_success(cell)
    return _expected_after_crash(cell)


def has_landed(point: Point) -> bool:
    """Return whether the first request has taken effect when the next attempt decides."""
    return point not in (Point.BEFORE_REQUEST, Point.BEFORE_COMMIT, Point.COMMIT_LATE)


def _expected_after_crash(cell: Cell) -> ExpectedEnd:
    if cell.point is Point.NOWHERE:
        return ExpectedEnd("done", 1, False, "nothing happened")
    if _is_the_triggerers(cell):
        return ExpectedEnd("done", 1, False, "the same attempt continues: Airflow restarts its trigger")
    if _forgets_the_first_round(cell):
        made = 1 if has_landed(cell.point) else 0
        return ExpectedEnd(
            "unknown", made, False, "nothing shows that the import of the first round is this task's"
        )
    if _is_remembered(cell):
        # Also if it had succeeded, and the process died before it could record that in the task state.
        return ExpectedEnd("done", 1, True, "the GUID is in the task state: no search is needed")
    return _found_again(cell) if has_landed(cell.point) else _not_found(cell)


def _expected_of_doubled(cell: Cell) -> ExpectedEnd:
    """Return the end if the server carries out each request for an import twice."""
    if cell.case not in UNIQUE_CODE:
        if cell.echo:
            return ExpectedEnd("twins", 2, False, "two imports carry the marker")
        return ExpectedEnd("unknown", 2, False, "two imports could be ours, and notes are not shown")
    if has_landed(cell.point) and cell.point is not Point.NOWHERE:
        return _found_again(cell)
    if cell.habit == DOUBLED[0]:
        return ExpectedEnd("done", 1, False, "the second one was refused, and nobody noticed")
    if cell.echo or cell.case in OWN_CODE:
        return ExpectedEnd("done", 1, True, "the refusal leads to a search, and the first one carries the marker")
    return ExpectedEnd("refused", 1, False, "the code is in use, and nothing shows by which import")


def _is_the_triggerers(cell: Cell) -> bool:
    is_cleared = cell.course in ("clear", "discard")
    return cell.deferrable and cell.point in (Point.WAITING, Point.WAITING_LONG) and not is_cleared


def _forgets_the_first_round(cell: Cell) -> bool:
    """Return whether the next attempt cannot find the import of the first round."""
    return cell.rounds > 1 and not (cell.keeps_state or cell.echo or cell.case in OWN_CODE)


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
    return cell.keeps_state and cell.point not in before_storing


def _found_again(cell: Cell) -> ExpectedEnd:
    """Return the end if our import exists and has to be found by a search."""
    if cell.echo:
        # Also if it takes effect only while settling and a stranger's import is found first: there is a second
        # search.
        return ExpectedEnd("done", 1, True, "it carries the marker")
    if cell.case in OWN_CODE:
        return ExpectedEnd(
            "done", 1, True, "its batch has the code that was made from the marker, and codes are unique"
        )
    if cell.point is Point.COMMIT_BETWEEN:
        return ExpectedEnd(
            "refused", 1, False, "the server says that the code is in use, and nothing shows by which import"
        )
    # A code from the DAG proves nothing: another task may have used it first, and our request was refused.
    return ExpectedEnd(
        "unknown",
        1,
        False,
        "there is a candidate without a marker, notes are not shown, and others can use its batch",
    )


def _not_found(cell: Cell) -> ExpectedEnd:
    """Return the end if our import does not exist."""
    if cell.company == "namesake":
        return ExpectedEnd(
            "refused", 0, False, "another import has used our code: it is neither adopted, nor is its batch used"
        )
    if _has_doubtful_candidate(cell):
        return ExpectedEnd(
            "unknown", 0, False, "another import could be ours, and it is not proven that notes are shown"
        )
    return ExpectedEnd(
        "done", 1, False, "no candidate after the settle time: the request was lost, and is sent again"
    )


def _has_doubtful_candidate(cell: Cell) -> bool:
    """Return whether the import of another cannot be distinguished from ours."""
    if cell.company == "stranger with us":
        return True  # it uses our batch
    # In another batch it is a candidate only if our batch is not known.
    return cell.company == "stranger" and cell.case not in (*UNIQUE_CODE, *SHARED)


def _expected_after_success(cell: Cell) -> ExpectedEnd:
    """
    Return the end after a clear of a success. It imports again; without task state it is the same as a retry.
    """
    if not cell.keeps_state:
        again, made = _found_again(cell), cell.course.count("success")
        return ExpectedEnd(again.kind, made, again.reattached, f"the same as a retry: {again.reason}")
    if cell.point is Point.NOWHERE:
        return ExpectedEnd(
            "done", 2, False, "a new generation without a recorded intent: there is nothing to search for"
        )
    again = _expected_after_crash(cell)
    return ExpectedEnd(again.kind, 1 + again.made, again.reattached, f"the second generation: {again.reason}")


def _expected_of_other(cell: Cell) -> ExpectedEnd:
    if cell.company == "namesake":
        return ExpectedEnd(
            "refused", 0, False, "the batch with this code is another user's, and if_exists is 'fail'"
        )
    reasons = {
        "open": "batch codes are unique: in a later attempt, the batch with our code is our own",
        "profile": "profile codes are unique: a profile with our code and mapping is our own",
        "status": "a batch that already has the wanted status is done",
    }
    return ExpectedEnd("done", 1, False, reasons[cell.operator])
