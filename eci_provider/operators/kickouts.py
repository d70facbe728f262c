"""Retry an import's kickouts, round after round while that brings bills in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from eci_provider.api.errors import EciError, EciValidationError
from eci_provider.core.checks import whole_number
from eci_provider.core.text import cut
from eci_provider.operators.importing import EciImportOperator
from eci_provider.runtime.arguments import is_template
from eci_provider.runtime.context import RETURN_VALUE, own_xcom
from eci_provider.submission.record import RECORD_KEY, TaskMemory

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.bill_imports import KickoutImport
    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel
    from eci_provider.hooks.eci import EciHook
    from eci_provider.outcome.result import ImportResult
    from eci_provider.submission.models import Submitted

#: The results of all rounds must fit into one XCom.
MOST_ROUNDS = 10
_ROUNDS = "rounds"
#: Under what a round's record says that no other one follows it: which import it was.
_IS_LAST = "last_round"
#: The modes of which another import can go into a batch that is Pending.
_INTO_PENDING = ("use pending batch", "smart batch")
#: What the result says of each round.
_ROUND_FACTS = (
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


class RetryKickoutsOperator(EciImportOperator):
    """
    Import the rows that an import kicked out once more, and wait (ImportBillImportTaskKickoutsV202401).

    The same rows are sent, so correct what the kickout messages name in EnergyCAP first. A row can depend on
    another one, such as a bill on the one before it; with more than one round, what a round kicks out is retried
    while the rounds bring bills in. Each round is an import of its own, submitted once whatever dies.

    :param task_guid: an import that ended as "Completed with kickouts".
    :param max_rounds: how many rounds at most, 1 to 10.
    :param min_progress: how many bills a round must bring in for another one to follow, at least 1.
    :param batch_settings: into which batch, in snake_case or the documented camelCase; with several rounds not a
        new batch with a code of its own, which only one import can make.
    :param import_note: a note on the import.
    :param save_as_resolved: whether failed audits are marked resolved by themselves.
    :param comment: why they are.
    :param file_names: the names of the files in the ZIP that was imported first: ``kickout_report`` tells rows by
        them. Assumption: the kickout files of a retry have the names of those that are retried.
    :param kwargs: ``reattach``, ``adopt_task_guid`` (as the first round), ``on_kill`` and the waiting arguments of
        :class:`~eci_provider.operators.importing.EciImportOperator`; ``timeout`` holds for each round.
    :return: the result of the last round's import, see the README, and as ``rounds`` a short one of each round.
    """

    request_fields = ("batch_settings", "import_note", "save_as_resolved", "comment")
    template_fields: Sequence[str] = (*EciImportOperator.template_fields, "task_guid", "file_names")

    def __init__(
        self,
        *,
        task_guid: str,
        max_rounds: int = 1,
        min_progress: int = 1,
        file_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_guid = task_guid
        self.file_names = file_names
        self.max_rounds = whole_number("max_rounds", max_rounds, 1, MOST_ROUNDS, source=self.source)
        self.min_progress = whole_number("min_progress", min_progress, 1, None, source=self.source)
        # The rounds that have ended, and whose kickouts this one retries; None for the import that is named.
        self._ended: list[dict[str, Any]] = []
        self._kicked_out: str | None = None
        self.check_literals()
        self.check_report()
        self._check_rounds()
        if not is_template(task_guid):
            self._source_guid()

    @staticmethod
    def request_model() -> type[KickoutImport]:
        """Return the model of the request."""
        from eci_provider.api.bill_imports import KickoutImport

        return KickoutImport

    @property
    def record_key(self) -> str:
        """Return under which name the import of this round is recorded in Airflow's task state."""
        return _record_key(self._round)

    @property
    def _round(self) -> int:
        """Return which round is going on, counted from 1."""
        return len(self._ended) + 1

    @property
    def record_keys(self) -> Sequence[str]:
        """Return under which names this task may record imports in Airflow's task state."""
        return [_record_key(number) for number in range(1, self.max_rounds + 1)]

    def other_imports(self) -> frozenset[str]:
        """Return the GUIDs of the import that is retried and of the rounds before this one."""
        return frozenset([self._source_guid(), *(short["task_guid"] for short in self._ended)])

    @property
    def finds_its_import(self) -> bool:
        """Tell whether a later try takes the imports that this one has started; it adopts none but the first."""
        return self.reattach or (not self._ended and super().finds_its_import)

    def may_be_sent_again(self, error: EciError) -> bool:
        """Tell whether a later try may import again; not after the first round, whose bills it would send, too."""
        return not self._ended and super().may_be_sent_again(error)

    def checked_request(self) -> RequestModel:
        """
        Return the request once templates are rendered.

        :raises EciValidationError: naming each wrong argument.
        """
        self._check_rounds()
        return super().checked_request()

    def how_to_import_anew(self) -> str:
        """Return what to set so that this round, and none before it, is imported anew."""
        if not self._ended:
            return super().how_to_import_anew()
        return f"set task_guid to {self._source_guid()} and {super().how_to_import_anew()}"

    def what(self) -> str:
        """Return what is imported, for messages."""
        return f"the retry of the kickouts of import {self._source_guid()}"

    def content(self, request: RequestModel) -> str:
        """Return a digest of the import that is retried, the batch settings and the round."""
        from eci_provider.submission.marker import digest_of

        settings = cast("KickoutImport", request).batch_settings
        return digest_of(self._source_guid(), settings.wire() if settings else None, self._round)

    def submit_job(self, client: EciClient, request: KickoutImport, marker: str) -> str:
        """Start the retry and return the task GUID of the new import."""
        from eci_provider.submission.marker import marked

        source_guid = self._source_guid()
        task_guid = client.bill_imports.retry_kickouts(source_guid, **marked(request, marker))
        self.log.info(
            "The kickouts of import %s are imported again as import %s, marker %s.", source_guid, task_guid, marker
        )
        return task_guid

    def perform(self, context: Context, hook: EciHook) -> Any:
        """Begin with the first round; what an earlier try submitted is found again, round after round."""
        self._ended, self._kicked_out = [], None
        return super().perform(context, hook)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume in the round that the task was in."""
        self._ended = list(own_xcom(context, _ROUNDS) or []) if self.max_rounds > 1 else []
        self._kicked_out = self._ended[-1]["task_guid"] if self._ended else None
        return super().resume_execution(next_method, next_kwargs, context)

    def follow_up(
        self, context: Context, hook: EciHook, result: ImportResult
    ) -> tuple[ImportResult, Submitted | None]:
        """Start the next round, if this one brought enough in and left something to retry."""
        rounds = [*self._ended, _short(result)]
        result = replace(result, rounds=rounds)
        if self.max_rounds == 1 or not result.has_kickouts:
            return result, None
        about = f"Round {self._round} of at most {self.max_rounds} imported {result.bills} bills"
        if self._round == self.max_rounds:
            self.log.info("%s; it was the last.", about)
            return result, None
        memory = TaskMemory(context, self.record_key)
        record = memory.read()
        if record.get(_IS_LAST) == result.task_guid:
            self.log.info("%s, and an earlier try ended the rounds with it.", about)
            return result, None
        context["ti"].xcom_push(key=_ROUNDS, value=rounds)
        # Should the next round be refused or stay in doubt, what this one brought in must not be lost.
        context["ti"].xcom_push(key=RETURN_VALUE, value=result.to_xcom())
        ended, self._ended = self._ended, rounds
        kicked_out, self._kicked_out = self._kicked_out, result.task_guid
        if self._brought_enough_in(result):
            self.log.info("%s; what it kicked out is retried in round %d.", about, self._round)
            with self._named_round():
                return result, self.submitted(context, hook)
        # The numbers may have changed since an earlier try went on: its next round must not be left behind.
        with self._named_round():
            following = self.found_again(context, hook)
        if following is None:
            self._ended, self._kicked_out = ended, kicked_out
            self.log.info("%s, and min_progress is %d: no other round follows.", about, self.min_progress)
            memory.write({**record, _IS_LAST: result.task_guid})
        return result, following

    @contextmanager
    def _named_round(self) -> Iterator[None]:
        """Say in errors which round was begun, and what the ones before it brought in."""
        try:
            yield
        except EciError as error:
            bills = sum((short["imported"] or 0) + (short["voided"] or 0) for short in self._ended)
            done = f"Round {self._round} of at most {self.max_rounds}, after {bills} bills in the rounds before"
            raise error.copy(f"{done}: {error.message}") from error.__cause__

    def _brought_enough_in(self, result: ImportResult) -> bool:
        """
        Tell whether a round brought enough in for another one.

        Bills that are void are progress only where the next round goes into the same Pending batch: elsewhere it
        would be refused, or leave them behind in a batch of their own.
        """
        if result.voided and self._batch_setting("batch_mode", "batchMode") not in _INTO_PENDING:
            return False
        return result.bills >= self.min_progress

    def _batch_setting(self, name: str, documented: str) -> Any:
        settings = self.batch_settings if isinstance(self.batch_settings, Mapping) else {}
        return settings.get(name) or settings.get(documented)

    def _check_rounds(self) -> None:
        """Refuse what several rounds cannot do."""
        if self.max_rounds > 1 and not self.wait_for_completion:
            problem = (
                f"wait_for_completion is False, and max_rounds is {self.max_rounds}: another round begins when "
                "the one before has ended; leave either out"
            )
            raise EciValidationError([problem], source=self.source)
        mode = self._batch_setting("batch_mode", "batchMode")
        code = self._batch_setting("new_batch_code", "newBatchCode")
        if self.max_rounds > 1 and code and str(mode).startswith("new "):
            problem = (
                f"max_rounds is {self.max_rounds}, and batch_settings names new_batch_code {code!r} for a "
                f"{mode!r}, which only one round can make: leave the code out, use 'smart batch', or name an "
                "existing batch"
            )
            raise EciValidationError([problem], source=self.source)

    def _source_guid(self) -> str:
        """Return the import whose kickouts are retried."""
        from eci_provider.api.tasks import checked_guid

        return self._kicked_out or checked_guid(self.task_guid, source=self.source)


def _record_key(number: int) -> str:
    """Return a round's name in the task state; the first has the one that every import has."""
    return RECORD_KEY if number == 1 else f"{RECORD_KEY}_round_{number}"


def _short(result: ImportResult) -> dict[str, Any]:
    """Return what is told of a round, cut so that ten of them fit."""
    facts = {name: getattr(result, name) for name in _ROUND_FACTS}
    return {name: cut(value, 100) if isinstance(value, str) else value for name, value in facts.items()}
