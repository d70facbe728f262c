"""An import from its submission to its conclusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api.tasks import TaskResponse
from eci_provider.batches.on_kill import KillHandler
from eci_provider.core import clock
from eci_provider.imports.arguments import ImportArguments
from eci_provider.imports.attempt import ImportAttempt
from eci_provider.imports.error_context import ErrorContext
from eci_provider.imports.rounds import Rounds
from eci_provider.imports.source import ImportSource
from eci_provider.imports.wait import REATTACHED_KEY, CanDefer, ImportWait
from eci_provider.links import LinkedTask, show_link, show_report
from eci_provider.outcome.conclusion import conclude, preliminary_result, result_without_waiting
from eci_provider.outcome.errors import conclusion_timeout_error, removed_error, voided_error
from eci_provider.outcome.policy import apply_policy, push_result
from eci_provider.reports.kickouts import KickoutReportWriter
from eci_provider.runtime.context import own_xcom, push_outputs, start_of_try
from eci_provider.submission.models import Submitted
from eci_provider.submission.record import RECORD_KEY
from eci_provider.submission.twins import twins_error
from eci_provider.waiting.events import subject, unpack
from eci_provider.waiting.resume import check_connection

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.errors import EciError
    from eci_provider.hooks.eci import EciHook
    from eci_provider.outcome.result import ImportResult


class ImportOperator(LinkedTask, CanDefer, Protocol):
    """An operator that starts an import: it shows links, and can defer its task."""


@dataclass(frozen=True)
class Conclusion:
    """
    How an import ended.

    :param result: its result.
    :param voided: why its bills do not count in the end; None if they do.
    :param unreported: why its kickout report was not written; None if it was, or none was asked for.
    :param twins: the error if EnergyCAP has it more than once; None if it has not, as far as that can be known.
    """

    result: ImportResult
    voided: EciError | None
    unreported: EciError | None
    twins: EciError | None


class ImportRun:
    """
    An import from its submission to its conclusion, in one process of its task.

    :param operator: the operator, for its links and to defer its task.
    :param arguments: the operator's arguments, as Airflow rendered them.
    :param source: what is imported.
    :param context: Airflow's context.
    :param hook: the hook.
    :param kill_handler: what a kill of the process does to the import.
    :param rounds: the rounds of a retry; None for an import without rounds.
    :param record_keys: under which keys the task may have recorded imports in Airflow's task state.
    """

    def __init__(
        self,
        operator: ImportOperator,
        arguments: ImportArguments,
        source: ImportSource,
        context: Context,
        hook: EciHook,
        kill_handler: KillHandler,
        *,
        rounds: Rounds | None = None,
        record_keys: Sequence[str] = (RECORD_KEY,),
    ) -> None:
        self._operator = operator
        self._arguments = arguments
        self._context = context
        self._hook = hook
        self._kill_handler = kill_handler
        self._rounds = rounds
        self._errors = ErrorContext(arguments, source)
        self._attempt = ImportAttempt(arguments, context, hook, kill_handler, self._errors, record_keys)
        self._wait = ImportWait(operator, arguments, context, hook, kill_handler, self._errors)

    def start(self) -> dict[str, Any]:
        """
        Submit the import unless an earlier attempt did, wait for it as the arguments say, and conclude it.

        :return: the import's result.
        :raises EciError: one of its children.
        """
        started = clock.utc_now()
        with self._errors.describing():
            submitted = self._attempt.submit_or_resume(self._errors.source, self._arguments.adopt_task_guid)
            return self._wait_and_conclude(submitted, started)

    def resume(self, event: dict[str, Any]) -> dict[str, Any]:
        """
        Conclude the import after its trigger has fired, in another process than the one that submitted it.

        :param event: the trigger's event; it names the import, since ``dags test`` hands over nothing else.
        :return: the import's result.
        :raises EciError: the same as a wait in the worker raises.
        """
        self._restore_round()
        with self._errors.describing():
            task_guid = subject(event, "task_guid")
        with self._resumed(task_guid):
            with self._errors.advising(task_guid):
                task = TaskResponse.model_validate(unpack(event))
            submitted = Submitted(task_guid, clock.utc_now(), bool(event.get("reattached")), task)
            return self._wait_and_conclude(submitted, start_of_try(self._context))

    def resume_after_trigger_failure(
        self, task_guid: str, next_kwargs: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """
        Conclude the import if it has ended although its trigger sent no event.

        :param task_guid: the import.
        :param next_kwargs: what Airflow resumes the task with.
        :return: the import's result.
        :raises EciError: if it has not ended, and as :meth:`resume`.
        """
        self._restore_round()
        with self._resumed(task_guid):
            reattached = bool(own_xcom(self._context, REATTACHED_KEY))
            task = self._wait.task_after_trigger_failure(task_guid, next_kwargs)
            submitted = Submitted(task_guid, clock.utc_now(), reattached, task)
            return self._wait_and_conclude(submitted, start_of_try(self._context))

    def _restore_round(self) -> None:
        if self._rounds is not None:
            self._errors.source = self._rounds.restore()

    @contextmanager
    def _resumed(self, task_guid: str) -> Iterator[None]:
        """Restore the import's state after a deferral."""
        with self._errors.describing(task_guid):
            with self._errors.advising(task_guid):
                check_connection(self._hook, task_guid)
            with self._tracked(task_guid):
                yield

    @contextmanager
    def _tracked(self, task_guid: str) -> Iterator[None]:
        """Track an import, for the link, for errors and for a kill, until it is concluded or left to a trigger."""
        self._errors.task_guid = task_guid
        show_link(self._operator, self._context, self._hook, task_guid=task_guid)
        self._kill_handler.track(self._hook.new_client, task_guid, reattach=self._errors.reattaches)
        try:
            yield
        finally:
            self._kill_handler.untrack()

    def _wait_and_conclude(self, submitted: Submitted, started: datetime) -> dict[str, Any]:
        """Wait for an import and the rounds that follow from it, and apply the policy to the last one's end."""
        following: Submitted | None = submitted
        while following is not None:
            with self._tracked(following.task_guid):
                if not self._arguments.wait_for_completion:
                    return self._result_at_once(following)
                task = self._wait.ended_task(following, started)
                end = self._conclude(task, following)
            end, following = self._next_round(end)
        return self._finish(end)

    def _result_at_once(self, submitted: Submitted) -> dict[str, Any]:
        result = result_without_waiting(submitted.task, submitted.task_guid, reattached=submitted.reattached)
        push_outputs(self._context, batch_id=result.batch_id, batch_code=result.batch_code)
        return result.to_xcom()

    def _conclude(self, task: TaskResponse, submitted: Submitted) -> Conclusion:
        """Read what became of an import that ended, and write its report."""
        client, task_guid = self._hook.get_conn(), submitted.task_guid
        success_statuses, reattached = self._arguments.success_statuses or (), submitted.reattached
        result = preliminary_result(task, task_guid, success_statuses=success_statuses, reattached=reattached)
        try:
            result = conclude(
                client,
                task,
                task_guid,
                success_statuses=success_statuses,
                reattached=reattached,
                settle_time=self._hook.settings.settle_time,
            )
            show_link(self._operator, self._context, self._hook, **result.link_facts)
            push_outputs(self._context, batch_id=result.batch_id, batch_code=result.batch_code)
            twins = self._twins_error(task, submitted)
            voided = removed_error(result) or self._voided_error(result)
            result, unreported = self._reported(result)
            return Conclusion(result, voided, unreported, twins)
        except AirflowTaskTimeout as timeout:
            push_result(self._context, result)
            raise conclusion_timeout_error(result, self._errors.next_step(task_guid)) from timeout

    def _twins_error(self, task: TaskResponse, submitted: Submitted) -> EciError | None:
        """Return the error if EnergyCAP has an import that ended more than once."""
        target, step = self._errors.source.target, self._errors.twins_step(submitted.task_guid)
        return twins_error(self._hook.get_conn(), task, submitted, target, next_step=step)

    def _voided_error(self, result: ImportResult) -> EciError | None:
        """Return the error if a kill has voided the batch; a worker that shuts down can still end a task well."""
        if self._kill_handler.action != "void_batch" or self._errors.source.voids_by_intent:
            return None
        return voided_error(
            self._hook.get_conn(),
            result,
            settle_time=self._hook.settings.settle_time,
            reattach=self._errors.reattaches,
        )

    def _reported(self, result: ImportResult) -> tuple[ImportResult, EciError | None]:
        """Write the kickout report, if one is wanted; return the result with it, and why it was not written."""
        arguments = self._arguments
        writer = KickoutReportWriter(
            arguments.kickout_report,
            source=arguments.owner,
            file=arguments.file,
            find_names=self._errors.source.file_names,
        )
        result, unreported = writer.add_report(result, self._hook.get_conn(), reattaches=arguments.reattach)
        if result.report and result.report.path:
            show_report(self._context, self._hook.settings.report_url_template, result.report.path)
            push_outputs(self._context, kickout_report=result.report.path)
        return result, unreported

    def _next_round(self, end: Conclusion) -> tuple[Conclusion, Submitted | None]:
        """Start the next round of a retry, if this one brought enough in and left something to retry."""
        rounds = self._rounds
        if rounds is None or end.voided is not None or end.twins is not None:
            return end, None
        result = rounds.summarized(end.result)
        end = replace(end, result=result)
        if not rounds.may_continue(result):
            return end, None
        with rounds.next_round(result) as source:
            self._errors.source = source
            if rounds.has_progressed(result):
                submitted: Submitted | None = self._attempt.submit_or_resume(source)
            else:
                # The counts may have changed since an earlier attempt submitted another round: do not orphan it.
                submitted = self._attempt.find(source)
        if submitted is None:
            self._errors.source = rounds.source
            rounds.finish(result)
        else:
            rounds.advance(source, result)
        return end, submitted

    def _finish(self, end: Conclusion) -> dict[str, Any]:
        """Return the result, or end the task as the result and the arguments say."""
        if end.twins is not None:
            push_result(self._context, end.result)
            raise end.twins
        result = apply_policy(
            self._context,
            end.result,
            self._arguments.on_kickouts,
            max_kickouts=self._arguments.max_kickouts,
            voided=end.voided,
            pending_is_meant=self._errors.source.voids_by_intent,
        )
        if end.unreported is not None:
            push_result(self._context, result)
            raise end.unreported
        return result.to_xcom()
