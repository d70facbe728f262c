"""What importing bills and retrying kickouts share: submit, wait in either mode, conclude."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf

from eci_provider.arguments import check_choice, check_statuses, positive_seconds
from eci_provider.failing import final_errors
from eci_provider.judging import judged
from eci_provider.links import LINK_FACTS
from eci_provider.operators.base import EciOperator
from eci_provider.outcome import ON_KICKOUTS, concluded, import_result
from eci_provider.waiting import deadline_after, framework_timeout

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.hooks.eci import EciHook
    from eci_provider.triggers.task import EciTaskTrigger


class EciImportOperator(EciOperator):
    """
    Be the base of operators that start an import in EnergyCAP and wait for it.

    :param wait_for_completion: whether to wait at all; without, the result holds little more than the task GUID.
    :param wait_for_analysis: whether to wait until the imported bills were analysed too, so that flags are
        settled.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param poll_interval: seconds (or a timedelta) between two looks, once the wait is not young any more.
    :param timeout: how long the import may take, from its submission; a number is in seconds.
    :param on_kickouts: what kicked-out rows make of the task: ``fail``, ``warn`` (it succeeds) or ``skip``.
    :param success_statuses: further status literals of EnergyCAP that count as success.
    """

    template_fields: Sequence[str] = (
        "eci_conn_id",
        "batch_settings",
        "import_note",
        "save_as_resolved",
        "comment",
        "on_kickouts",
        "success_statuses",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"batch_settings": "json"}

    def __init__(
        self,
        *,
        batch_settings: Mapping[str, Any] | None = None,
        import_note: str | None = None,
        save_as_resolved: bool | None = None,
        comment: str | None = None,
        wait_for_completion: bool = True,
        wait_for_analysis: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: timedelta | float = 30.0,
        timeout: timedelta | float = timedelta(hours=6),
        on_kickouts: str = "fail",
        success_statuses: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        # Every try submits anew, so a retry is made only where the task itself asks for it.
        kwargs.setdefault("retries", 0)
        super().__init__(**kwargs)
        self.batch_settings = batch_settings
        self.import_note = import_note
        self.save_as_resolved = save_as_resolved
        self.comment = comment
        self.wait_for_completion = wait_for_completion
        self.wait_for_analysis = wait_for_analysis
        self.deferrable = deferrable
        self.poll_interval = positive_seconds("poll_interval", poll_interval, source=self.source)
        self.timeout = positive_seconds("timeout", timeout, source=self.source)
        self.on_kickouts = on_kickouts
        self.success_statuses = success_statuses
        check_choice("on_kickouts", on_kickouts, ON_KICKOUTS, source=self.source)
        check_statuses(success_statuses, source=self.source)

    @abstractmethod
    def submit_job(self, client: EciClient, request: RequestModel) -> str:
        """Start the import that the request describes and return its task GUID."""

    def perform(self, context: Context, hook: EciHook) -> Any:
        """Submit, then wait as the arguments say."""
        from eci_provider.api.tasks import TaskResponse

        request = self.checked_request()
        check_choice("on_kickouts", self.on_kickouts, ON_KICKOUTS, source=self.source)
        check_statuses(self.success_statuses, source=self.source)
        task_guid = self.submit_job(hook.get_conn(), request)
        deadline = deadline_after(self.timeout)
        context["ti"].xcom_push(key="task_guid", value=task_guid)
        self.show_link(context, hook, task_guid=task_guid)
        if not self.wait_for_completion:
            return import_result(TaskResponse(), task_guid, outcome=None)
        self.log.info("Waiting for import %s until %s.", task_guid, deadline.isoformat(timespec="seconds"))
        trigger = self._trigger(task_guid, deadline)
        if self.deferrable:
            self.defer(trigger=trigger, method_name="execute_complete", timeout=framework_timeout(deadline))
        return self._conclude(context, hook, task_guid, trigger.wait(hook).run())

    def _trigger(self, task_guid: str, deadline: datetime) -> EciTaskTrigger:
        """Return the wait, which a triggerer or a worker carries out."""
        from eci_provider.triggers.task import EciTaskTrigger

        return EciTaskTrigger(
            task_guid,
            eci_conn_id=self.eci_conn_id,
            poll_interval=self.poll_interval,
            deadline=deadline.isoformat(),
            wait_for_analysis=self.wait_for_analysis,
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
        from eci_provider.events import subject, unpack
        from eci_provider.hooks.eci import EciHook

        with final_errors(), EciHook(self.eci_conn_id) as hook:
            task_guid = subject(event, "task_guid")
            self.show_link(context, hook, task_guid=task_guid)
            return self._conclude(context, hook, task_guid, TaskResponse.model_validate(unpack(event)))

    def _conclude(self, context: Context, hook: EciHook, task_guid: str, task: TaskResponse) -> dict[str, Any]:
        """Push the result first, so that it is there whatever the task makes of it."""
        result = concluded(
            hook.get_conn(),
            task,
            task_guid,
            success_statuses=self.success_statuses or (),
            reattached=False,
        )
        self.show_link(context, hook, **{name: result[name] for name in LINK_FACTS})
        return judged(context, result, self.on_kickouts)
