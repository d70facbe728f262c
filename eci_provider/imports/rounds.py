"""The rounds of a retry: what a round kicks out is retried in the next one, while rounds bring bills in."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError
from eci_provider.core.text import cut
from eci_provider.imports.source import Kickouts
from eci_provider.outcome.result import ImportResult
from eci_provider.runtime.context import RETURN_VALUE, own_xcom
from eci_provider.submission.record import TaskMemory

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: The XCom with a summary of each round that has ended.
ROUNDS_KEY = "rounds"
#: The key in a round's record that names its import if no other round follows it.
_LAST_ROUND = "last_round"
#: The modes with which another import can go into a batch that is Pending.
_INTO_PENDING = ("use pending batch", "smart batch")
#: The facts of a round's result that its summary has.
_SUMMARY_FACTS = (
    "task_guid",
    "status",
    "outcome",
    "imported",
    "voided",
    "kickouts",
    "batch_id",
    "batch_code",
    "batch_status",
    "reattached",
)


class Rounds:
    """
    The rounds of a retry.

    :param source: the kickouts that the first round sends.
    :param max_rounds: how many rounds there may be.
    :param min_progress: how many bills a round must bring in for another one to follow.
    :param context: Airflow's context.
    """

    def __init__(self, source: Kickouts, *, max_rounds: int, min_progress: int, context: Context) -> None:
        self.source = source
        self._max_rounds = max_rounds
        self._min_progress = min_progress
        self._context = context
        self._ended: list[Mapping[str, Any]] = []

    def restore(self) -> Kickouts:
        """Return the kickouts of the round that the task was in before it was deferred."""
        if self._max_rounds > 1:
            for summary in own_xcom(self._context, ROUNDS_KEY) or []:
                self._ended.append(summary)
                self.source = self.source.next_round(summary["task_guid"])
        return self.source

    def summarized(self, result: ImportResult) -> ImportResult:
        """
        Return a round's result with a summary of each round up to it.

        :param result: the result of the round that has just ended.
        """
        facts = {name: getattr(result, name) for name in _SUMMARY_FACTS}
        summary = {name: cut(value, 100) if isinstance(value, str) else value for name, value in facts.items()}
        return replace(result, rounds=[*self._ended, summary])

    def may_continue(self, result: ImportResult) -> bool:
        """
        Return whether another round may follow.

        :param result: the result of the round that has just ended.
        """
        if self._max_rounds == 1 or not result.has_kickouts:
            return False
        if self.source.round_number == self._max_rounds:
            self._log(result, "it was the last")
            return False
        if self._memory.read().get(_LAST_ROUND) == result.task_guid:
            self._log(result, "an earlier attempt ended the rounds with it")
            return False
        return True

    def has_progressed(self, result: ImportResult) -> bool:
        """
        Return whether a round brought in enough for another one.

        Bills that are void count only if the next round goes into the same Pending batch: elsewhere it would be
        refused, or leave them behind in a batch of their own.

        :param result: the result of the round that has just ended.
        """
        settings = self.source.request.batch_settings
        if result.voided and (settings.batch_mode if settings else None) not in _INTO_PENDING:
            return False
        return result.bills >= self._min_progress

    @contextmanager
    def next_round(self, result: ImportResult) -> Iterator[Kickouts]:
        """
        Begin the next round; its errors name it.

        :param result: the result of the round that has just ended, summarized.
        :return: the kickouts that the next round sends.
        """
        summaries = list(result.rounds or ())
        instance = self._context["ti"]
        instance.xcom_push(key=ROUNDS_KEY, value=summaries)
        # If the next round is refused or in doubt, what this one brought in must not be lost.
        instance.xcom_push(key=RETURN_VALUE, value=result.to_xcom())
        following = self.source.next_round(result.task_guid)
        if self.has_progressed(result):
            self._log(result, f"its kickouts are retried in round {following.round_number}")
        try:
            yield following
        except EciError as error:
            bills = sum((summary["imported"] or 0) + (summary["voided"] or 0) for summary in summaries)
            lead = (
                f"Round {following.round_number} of at most {self._max_rounds}, after {bills} bills in the rounds"
            )
            raise error.copy(f"{lead} before: {error.message}") from error.__cause__

    def advance(self, following: Kickouts, result: ImportResult) -> None:
        """
        Go to the next round, which was submitted.

        :param following: the kickouts that it sends.
        :param result: the result of the round before, summarized.
        """
        self.source, self._ended = following, list(result.rounds or ())

    def finish(self, result: ImportResult) -> None:
        """
        Record that no other round follows, so that a later attempt starts none.

        :param result: the result of the last round.
        """
        self._log(result, f"min_progress is {self._min_progress}: no other round follows")
        self._memory.write({**self._memory.read(), _LAST_ROUND: result.task_guid})

    @property
    def _memory(self) -> TaskMemory:
        return TaskMemory(self._context, self.source.record_key)

    def _log(self, result: ImportResult, consequence: str) -> None:
        log.info(
            "Round %d of at most %d imported %d bills; %s.",
            self.source.round_number,
            self._max_rounds,
            result.bills,
            consequence,
        )
