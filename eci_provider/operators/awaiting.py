"""What operators share that start an import: see it through in either mode, to a result or an error."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, conf

from eci_provider.batches.on_kill import ON_KILL, KillHandler, OnKill
from eci_provider.core import clock
from eci_provider.operators.telling import EciTellingOperator
from eci_provider.runtime.arguments import (
    ON_KICKOUTS,
    allowed_kickouts,
    check_choice,
    check_statuses,
    positive_seconds,
)
from eci_provider.runtime.context import own_xcom, start_of_try
from eci_provider.runtime.exceptions import final_errors
from eci_provider.submission.record import RECORD_KEY

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.errors import EciError
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.hooks.eci import EciHook
    from eci_provider.outcome.result import ImportResult
    from eci_provider.submission.models import Submitted
    from eci_provider.triggers.task import EciTaskTrigger

#: Under which XCom key a deferred task keeps whether its import is one of an earlier try.
_REATTACHED = "reattached"


class EciAwaitingOperator(EciTellingOperator):
    """
    Be the base of operators that start an import in EnergyCAP and wait for it.

    :param wait_for_completion: whether to wait at all; without, the result holds little more than the task GUID;
        ``imported`` and ``voided`` are null then.
    :param wait_for_analysis: whether to wait until the imported bills were analysed too, so that flags are
        settled.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param poll_interval: seconds (or a timedelta) between two looks, once the wait is not young any more.
    :param timeout: how long the import may take, from its submission, over all tries; a number is in seconds.
    :param on_kickouts: what kicked-out rows make of the task: ``fail``, ``warn`` (it succeeds) or ``skip``.
    :param max_kickouts: up to how many kicked-out rows they are only a warning whatever ``on_kickouts`` says; a
        float below 1, such as ``0.02``, is a share of kicked-out rows and imported bills together.
    :param success_statuses: further status literals of EnergyCAP that count as success.
    :param on_kill: what to do about the import when the task is killed: ``detach`` lets it go on, ``void_batch``
        sets its batch Pending, which voids all bills in it.
    :param kwargs: ``kickout_report`` of :class:`~eci_provider.operators.reporting.EciReportingOperator`.
    """

    template_fields: Sequence[str] = (
        *EciTellingOperator.template_fields,
        "on_kickouts",
        "max_kickouts",
        "kickout_report",
        "success_statuses",
    )

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        wait_for_analysis: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: timedelta | float = 30.0,
        timeout: timedelta | float = timedelta(hours=6),
        on_kickouts: str = "fail",
        max_kickouts: float | str | None = None,
        success_statuses: Sequence[str] | None = None,
        on_kill: OnKill = "detach",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.wait_for_analysis = wait_for_analysis
        self.deferrable = deferrable
        self.poll_interval = positive_seconds("poll_interval", poll_interval, source=self.source)
        self.timeout = positive_seconds("timeout", timeout, source=self.source)
        self.on_kickouts = on_kickouts
        self.max_kickouts = max_kickouts
        self.success_statuses = success_statuses
        self.kill_handler = KillHandler(on_kill)
        check_choice("on_kill", on_kill, ON_KILL, source=self.source)
        self.check_waiting_arguments()

    @abstractmethod
    def pending_is_meant(self) -> bool:
        """Tell whether the import goes into a Pending batch on purpose, so that its bills are void by intent."""

    @property
    def record_key(self) -> str:
        """Return under which name the import that is waited for is recorded in Airflow's task state."""
        return RECORD_KEY

    def check_waiting_arguments(self) -> None:
        """
        Refuse wrong waiting arguments; templates are left for later.

        :raises EciValidationError: naming the wrong one.
        """
        check_choice("on_kickouts", self.on_kickouts, ON_KICKOUTS, source=self.source)
        check_statuses(self.success_statuses, source=self.source)
        allowed_kickouts(self.max_kickouts, source=self.source)
        self.check_report()

    def follow_up(
        self, context: Context, hook: EciHook, result: ImportResult
    ) -> tuple[ImportResult, Submitted | None]:
        """
        Start what an import leads to.

        :param context: Airflow's context.
        :param hook: the hook.
        :param result: the import's result.
        :return: the task's result if nothing follows, and the next import to see through, if one does.
        """
        return result, None

    def see_through(
        self, context: Context, hook: EciHook, submitted: Submitted, began: datetime
    ) -> dict[str, Any]:
        """
        Wait for an import and what follows from it, unless the arguments say otherwise, and judge the end.

        :param context: Airflow's context.
        :param hook: the hook.
        :param submitted: the import.
        :param began: when this try did.
        :return: the result.
        :raises EciError: one of its children.
        """
        from eci_provider.outcome.conclusion import result_without_waiting
        from eci_provider.outcome.policy import apply_policy, push_result
        from eci_provider.waiting.status import task_has_ended

        following: Submitted | None = submitted
        while following is not None:
            with self._taken_up(context, hook, following.task_guid):
                if not self.wait_for_completion:
                    return result_without_waiting(
                        following.task, following.task_guid, reattached=following.reattached
                    ).to_xcom()
                task = following.task
                if task is None or not task_has_ended(task, wait_for_analysis=self.wait_for_analysis):
                    task = self._wait(context, hook, following, began)
                result, voided, unreported = self._conclude(context, hook, task, following)
            result, following = self.follow_up(context, hook, result) if voided is None else (result, None)
        result = apply_policy(
            context,
            result,
            self.on_kickouts,
            max_kickouts=allowed_kickouts(self.max_kickouts, source=self.source),
            voided=voided,
            pending_is_meant=self.pending_is_meant(),
        )
        if unreported is not None:
            push_result(context, result)
            raise unreported
        return result.to_xcom()

    def _wait(self, context: Context, hook: EciHook, submitted: Submitted, began: datetime) -> TaskResponse:
        """Wait here, or leave it to a trigger."""
        from eci_provider.waiting.deadlines import deadline_after, execution_deadline, framework_timeout
        from eci_provider.waiting.timeouts import wait_in_worker

        deadline = deadline_after(self.timeout, since=submitted.submitted_at)
        self.log.info(
            "Waiting for import %s until %s.", submitted.task_guid, deadline.isoformat(timespec="seconds")
        )
        if self.deferrable:
            # Where the trigger dies, Airflow hands over nothing.
            context["ti"].xcom_push(key=_REATTACHED, value=submitted.reattached)
            limit = execution_deadline(self.execution_timeout, began)
            trigger = self._trigger(
                submitted.task_guid,
                deadline,
                limit,
                reattached=submitted.reattached,
                submitted_at=submitted.submitted_at.isoformat(),
            )
            self.defer(trigger=trigger, method_name="execute_complete", timeout=framework_timeout(deadline))
        trigger = self._trigger(submitted.task_guid, deadline, reattached=submitted.reattached)
        with self.waiting_for(submitted.task_guid):
            return wait_in_worker(trigger.poller(hook))

    def _trigger(
        self,
        task_guid: str,
        deadline: datetime | None,
        execution_deadline: datetime | None = None,
        *,
        reattached: bool,
        submitted_at: str | None = None,
    ) -> EciTaskTrigger:
        """Return the wait, which a triggerer or a worker carries out."""
        from eci_provider.triggers.task import EciTaskTrigger

        return EciTaskTrigger(
            task_guid,
            eci_conn_id=self.eci_conn_id,
            poll_interval=self.poll_interval,
            deadline=deadline.isoformat() if deadline else None,
            wait_for_analysis=self.wait_for_analysis,
            execution_deadline=execution_deadline.isoformat() if execution_deadline else None,
            reattached=reattached,
            on_kill=self.kill_handler.action,
            submitted_at=submitted_at,
            reattach=self.finds_its_import,
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """
        Go on when the trigger has fired.

        :param context: Airflow's context.
        :param event: what the trigger says; it names the import, since this is another process than the one that
            submitted it, and ``dags test`` hands over nothing else.
        :return: the import's result.
        :raises EciError: the same as a wait in the worker raises.
        """
        from eci_provider.api.tasks import TaskResponse
        from eci_provider.submission.models import Submitted
        from eci_provider.waiting.events import subject, unpack

        with final_errors(), self.telling():
            task_guid = subject(event, "task_guid")
        with self._resumed(context, task_guid) as hook:
            with self.waiting_for(task_guid):
                task = TaskResponse.model_validate(unpack(event))
            found = Submitted(task_guid, clock.utc_now(), bool(event.get("reattached")), task)
            return self.see_through(context, hook, found, start_of_try(context))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; where Airflow gave the trigger up, look once more and say what was waited for."""
        from eci_provider.runtime.compat import TRIGGER_FAILED

        task_guid = own_xcom(context, "task_guid") if next_method == TRIGGER_FAILED else None
        if task_guid:
            return self._resume_without_event(context, task_guid, next_kwargs)
        return super().resume_execution(next_method, next_kwargs, context)

    def _resume_without_event(
        self, context: Context, task_guid: str, next_kwargs: dict[str, Any] | None
    ) -> dict[str, Any]:
        from eci_provider.submission.models import Submitted
        from eci_provider.waiting.resume import final_result

        with self._resumed(context, task_guid) as hook:
            reattached = bool(own_xcom(context, _REATTACHED))
            with self.waiting_for(task_guid):
                poller = self._trigger(task_guid, None, reattached=reattached).poller(hook)
                task = final_result(poller, next_kwargs)
            found = Submitted(task_guid, clock.utc_now(), reattached, task)
            return self.see_through(context, hook, found, start_of_try(context))

    @contextmanager
    def _resumed(self, context: Context, task_guid: str) -> Iterator[EciHook]:
        """Be about an import again, in another process."""
        from eci_provider.hooks.eci import EciHook
        from eci_provider.waiting.resume import check_connection

        with final_errors(), self.telling(task_guid), EciHook(self.eci_conn_id) as hook:
            with self.waiting_for(task_guid):
                check_connection(hook, task_guid)
            with self._taken_up(context, hook, task_guid):
                yield hook

    @contextmanager
    def _taken_up(self, context: Context, hook: EciHook, task_guid: str) -> Iterator[None]:
        """Know which import it is, for the link and for a kill, until it is concluded or left to a trigger."""
        self._task_guid = task_guid
        self.show_link(context, hook, task_guid=task_guid)
        self.kill_handler.track(hook.new_client, task_guid, reattach=self.finds_its_import)
        try:
            yield
        finally:
            self.kill_handler.untrack()

    def on_kill(self) -> None:
        """
        Treat the import as the argument ``on_kill`` says.

        Airflow calls it in the worker when the running task is marked or cleared, and when the worker shuts down.
        """
        self.kill_handler.handle()

    def _conclude(
        self, context: Context, hook: EciHook, task: TaskResponse, submitted: Submitted
    ) -> tuple[ImportResult, EciError | None, EciError | None]:
        """Return the result, why its bills do not count in the end, and why the report was not written."""
        from eci_provider.outcome.conclusion import conclude, preliminary_result
        from eci_provider.outcome.errors import conclusion_timeout_error, removed_error, voided_error
        from eci_provider.outcome.policy import push_result

        known: dict[str, Any] = {
            "success_statuses": self.success_statuses or (),
            "reattached": submitted.reattached,
        }
        client, task_guid = hook.get_conn(), submitted.task_guid
        result = preliminary_result(task, task_guid, **known)
        try:
            result = conclude(client, task, task_guid, **known, settle_time=hook.settings.settle_time)
            self.show_link(context, hook, **result.link_facts)
            # Also in the try that was killed: a worker that shuts down voids the batch, and may end well still.
            voids_on_kill = self.kill_handler.action == "void_batch" and not self.pending_is_meant()
            voided: EciError | None = removed_error(result)
            if voided is None and voids_on_kill:
                voided = voided_error(client, result, reattach=self.finds_its_import)
            result, unreported = self.with_report(context, hook, result)
        except AirflowTaskTimeout as timeout:
            push_result(context, result)
            raise conclusion_timeout_error(result, self.how_to_go_on(task_guid)) from timeout
        return result, voided, unreported
