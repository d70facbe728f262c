"""Which of the imports that a search lists is ours: by its marker, or perhaps by its batch, user and date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from eci_provider.api.tasks import TaskResponse
from eci_provider.core.text import code_or_none
from eci_provider.submission.errors import several_imports
from eci_provider.submission.marker import Target, marker_of_note, markers_in
from eci_provider.submission.times import began_after
from eci_provider.waiting.status import classify, has_ended


@dataclass(frozen=True)
class Generation:
    """
    The markers that an import can carry between two successes of its task.

    :param number: its number, see :meth:`Identity.marker`.
    :param marker: returns the marker of a resubmission.
    :param salted: further markers that ours may carry; the first of them that an import carries decides.
    """

    number: int
    marker: Callable[[int], str]
    salted: Sequence[str] = ()


@dataclass
class Found:
    """
    What a search found.

    :param generation: the number of the generation of what was found, or of the earliest one.
    :param resubmission: the number of the next resubmission: one more than those that are superseded.
    :param ours: the import that is ours; None if there is none.
    :param marker: the marker by which it was found.
    :param doubtful: imports that may be ours or not; empty if one surely is.
    :param shows_notes: whether EnergyCAP is known to show import notes.
    """

    generation: int
    resubmission: int
    ours: TaskResponse | None = None
    marker: str = ""
    doubtful: list[TaskResponse] = field(default_factory=list)
    shows_notes: bool = False


@dataclass(frozen=True)
class Criteria:
    """
    What distinguishes our import from others.

    :param generations: the generations that ours can belong to; the first with an import decides.
    :param targets: what is known of our import's batch; it may be any of them.
    :param user_code: whose imports can be ours; None if that is not known.
    :param since: when the intent was recorded, by the server's clock.
    :param now: the time by the server's clock.
    :param success_statuses: further statuses that count as success.
    """

    generations: Sequence[Generation]
    targets: Sequence[Target]
    user_code: str | None
    since: datetime
    now: datetime
    success_statuses: Sequence[str] = ()

    def choose(self, tasks: Sequence[TaskResponse], resubmission: int, *, shows_notes: bool) -> Found:
        """
        Return which of the imports is ours.

        :param tasks: the bill imports since the intent.
        :param resubmission: the number of the first resubmission to search for.
        :param shows_notes: whether EnergyCAP is known to show import notes.
        :raises EciUnknownOutcomeError: if several carry our marker.
        """
        if shows_notes:
            tasks = without_other_notes(tasks)
        for generation in self.generations:
            found = self._found_in(generation, tasks, resubmission)
            if found.ours is not None:
                return found
            if found.resubmission > resubmission:
                break
        found.doubtful = [task for task in tasks if self._may_be_ours(task, shows_notes=shows_notes)]
        found.shows_notes = shows_notes
        return found

    def _found_in(self, generation: Generation, tasks: Sequence[TaskResponse], resubmission: int) -> Found:
        """Return the import that carries a marker of a generation, and the number of the next resubmission."""
        for marker in generation.salted:
            ours = self._only_live(_carrying(marker, tasks), marker)
            if ours is not None:
                return Found(generation.number, resubmission, ours, marker)
        while carrying := _carrying(generation.marker(resubmission), tasks):
            ours = self._only_live(carrying, generation.marker(resubmission))
            if ours is not None:
                return Found(generation.number, resubmission, ours, generation.marker(resubmission))
            resubmission += 1
        return Found(generation.number, resubmission)

    def _only_live(self, tasks: Sequence[TaskResponse], marker: str) -> TaskResponse | None:
        """Return the one import with a marker that is not superseded, if there is one."""
        live = without_empty([task for task in tasks if not self._is_superseded(task)], self.now)
        if len(live) > 1:
            raise several_imports(marker, live)
        return live[0] if live else None

    def _may_be_ours(self, task: TaskResponse, *, shows_notes: bool) -> bool:
        """Return whether an import may be ours though it carries none of our markers."""
        if markers_in(task) or self._is_superseded(task):
            return False
        # Once EnergyCAP is known to show notes, only a running import without one can still turn out to be ours.
        if shows_notes and has_ended(task, self.now):
            return False
        code = code_or_none(task.user.user_code) if task.user else None
        if self.user_code is not None and code is not None and code.casefold() != self.user_code.casefold():
            return False
        return any(target.may_hold(task) for target in self.targets) and began_after(task, self.since)

    def _is_superseded(self, task: TaskResponse) -> bool:
        return is_superseded(task, self.now, self.success_statuses)


def is_superseded(task: TaskResponse, now: datetime, success_statuses: Sequence[str]) -> bool:
    """
    Return whether an import ended as failed and, by the server's own count, with nothing imported.

    :param task: the import.
    :param now: the time by the server's clock.
    :param success_statuses: further statuses that count as success.
    """
    outcome = classify(task.status, ended=has_ended(task, now), success_statuses=success_statuses)
    return outcome == "failed" and task.current_success_count == 0


def without_other_notes(tasks: Sequence[TaskResponse]) -> Sequence[TaskResponse]:
    """
    Return imports without those that others have noted: they may go into a batch with our marker as its code.

    :param tasks: imports of an EnergyCAP that shows notes.
    """
    return [task for task in tasks if not task.task_note or marker_of_note(task)]


def brought_nothing(task: TaskResponse, now: datetime) -> bool:
    """
    Return whether an import has ended and, by the server's own count, no bill of it is in EnergyCAP.

    :param task: the import.
    :param now: the time by the server's clock.
    """
    return has_ended(task, now) and task.current_success_count == 0


def without_empty(tasks: Sequence[TaskResponse], now: datetime) -> Sequence[TaskResponse]:
    """
    Return imports without those that brought nothing in; if all did, the first.

    :param tasks: imports with one marker; a single one stays whatever it brought in.
    :param now: the time by the server's clock.
    """
    return [task for task in tasks if not brought_nothing(task, now)] or tasks[:1]


def _carrying(marker: str, tasks: Sequence[TaskResponse]) -> list[TaskResponse]:
    return [task for task in tasks if marker in markers_in(task)]
