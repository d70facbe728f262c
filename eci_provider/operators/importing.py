"""What importing bills and retrying kickouts share: submit once, whatever dies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api.errors import EciValidationError
from eci_provider.core import clock
from eci_provider.operators.awaiting import EciAwaitingOperator
from eci_provider.runtime.arguments import is_left_out, is_template
from eci_provider.runtime.context import map_index, xcoms_of_all_instances
from eci_provider.submission.record import TaskMemory, earlier_imports, forget_on_success, note_first_try

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.bill_imports import KickoutImport
    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel
    from eci_provider.hooks.eci import EciHook
    from eci_provider.submission.models import Submitted
    from eci_provider.submission.submitter import Submitter


class EciImportOperator(EciAwaitingOperator):
    """
    Be the base of operators that start an import in EnergyCAP, once whatever dies, and wait for it.

    :param batch_settings: into which batch, in snake_case or the documented camelCase.
    :param import_note: a note on the import.
    :param save_as_resolved: whether failed audits are marked resolved by themselves.
    :param comment: why they are.
    :param reattach: whether a later try looks for the import of an earlier one and goes on with it; without,
        every try imports again.
    :param adopt_task_guid: an import that was started already, to be waited for instead of starting one; name it
        for one run only.
    :param kwargs: the waiting arguments of :class:`~eci_provider.operators.awaiting.EciAwaitingOperator`.
    """

    template_fields: Sequence[str] = (
        *EciAwaitingOperator.template_fields,
        "batch_settings",
        "import_note",
        "save_as_resolved",
        "comment",
        "adopt_task_guid",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"batch_settings": "json"}

    def __init__(
        self,
        *,
        batch_settings: Mapping[str, Any] | None = None,
        import_note: str | None = None,
        save_as_resolved: bool | None = None,
        comment: str | None = None,
        reattach: bool = True,
        adopt_task_guid: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_settings = batch_settings
        self.import_note = import_note
        self.save_as_resolved = save_as_resolved
        self.comment = comment
        self.reattach = reattach
        self.adopt_task_guid = adopt_task_guid
        # First, since Airflow ends a process whose callbacks take long.
        self.on_success_callback = [forget_on_success, *_as_list(self.on_success_callback)]
        if not is_template(adopt_task_guid):
            self._checked_adoption()

    @abstractmethod
    def content(self, request: RequestModel) -> str:
        """Return a digest of what decides which bills land where: another content is another import."""

    @abstractmethod
    def submit_job(self, client: EciClient, request: KickoutImport, marker: str) -> str:
        """Start the import that the request describes under a marker, and return its task GUID."""

    def other_imports(self) -> frozenset[str]:
        """Return the GUIDs of imports that cannot be the one that is submitted, though nothing else may tell."""
        return frozenset()

    @property
    def finds_its_import(self) -> bool:
        """Tell whether a later try takes the import that this one has started, and sends nothing."""
        return self.reattach or self._checked_adoption() is not None

    @property
    def record_keys(self) -> Sequence[str]:
        """Return under which names this task may record imports in Airflow's task state."""
        return (self.record_key,)

    def perform(self, context: Context, hook: EciHook) -> Any:
        """Submit unless an earlier try did, then wait as the arguments say."""
        began = clock.utc_now()
        with self.telling():
            note_first_try(context)
            return self.see_through(context, hook, self.submitted(context, hook, self._checked_adoption()), began)

    def submitted(self, context: Context, hook: EciHook, adopt_task_guid: str | None = None) -> Submitted:
        """
        Return the import of an earlier try, or submit it; its GUID is pushed to XCom.

        :param context: Airflow's context.
        :param hook: the hook.
        :param adopt_task_guid: the import to take, whatever is known.
        :raises EciError: one of its children.
        """
        if adopt_task_guid is not None:
            _refuse_if_anothers(context, adopt_task_guid)
        submission = self._submission(context, hook)
        with self._told_in_time(context, submission, adopt_task_guid):
            submitted = submission.submit_or_resume(adopt_task_guid)
        context["ti"].xcom_push(key="task_guid", value=submitted.task_guid)
        return submitted

    def found_again(self, context: Context, hook: EciHook) -> Submitted | None:
        """
        Return the import of an earlier try and push its GUID to XCom, or None; nothing is sent.

        :param context: Airflow's context.
        :param hook: the hook.
        :raises EciError: one of its children.
        """
        memory = TaskMemory(context, self.record_key)
        if not self.reattach or (memory.lasts and not memory.read().get("marker")):
            return None
        submission = self._submission(context, hook)
        with self._told_in_time(context, submission):
            found = submission.find_submitted()
        if found is not None:
            context["ti"].xcom_push(key="task_guid", value=found.task_guid)
        return found

    @contextmanager
    def _told_in_time(
        self, context: Context, submission: Submitter, adopt_task_guid: str | None = None
    ) -> Iterator[None]:
        """Say what was going on when Airflow's ``execution_timeout`` ends the try, and with which import."""
        try:
            yield
        except AirflowTaskTimeout as timeout:
            from eci_provider.submission.errors import timeout_before_import, timeout_with_import

            task_guid = adopt_task_guid or submission.known_task_guid
            if task_guid is None:
                raise timeout_before_import(self.what(), reattach=self.reattach) from timeout
            context["ti"].xcom_push(key="task_guid", value=task_guid)
            raise timeout_with_import(task_guid, self.what(), self.how_to_go_on(task_guid)) from timeout

    def how_to_import_anew(self) -> str:
        """Return what to set so that an import of an earlier try is not looked for."""
        return "set reattach=False"

    def _submission(self, context: Context, hook: EciHook) -> Submitter:
        """Return the submission, its arguments being rendered: refused here if they are wrong."""
        from eci_provider.submission.marker import Identity, target_of
        from eci_provider.submission.models import AttemptContext, Job, earliest_start
        from eci_provider.submission.submitter import Submitter

        request = cast("KickoutImport", self.checked_request())
        self.check_waiting_arguments()
        client, instance = hook.get_conn(), context["ti"]

        def identity() -> Identity:
            return Identity(
                instance.dag_id,
                instance.task_id,
                instance.run_id,
                map_index(instance),
                self.content(request),
            )

        def send(marker: str) -> str:
            self.kill_handler.sending(marker, reattach=self.reattach)
            return self.submit_job(client, request, marker)

        job = Job(self.what(), identity, target_of(request.batch_settings), send, self.how_to_import_anew())
        records = [TaskMemory(context, key).read() for key in self.record_keys]
        attempt = AttemptContext(
            try_number=instance.try_number,
            max_tries=getattr(instance, "max_tries", None),
            earliest_start=earliest_start(context),
            reattach=self.reattach,
            settle_time=hook.settings.settle_time,
            other_imports=frozenset(
                guid.casefold() for guid in [*self.other_imports(), *earlier_imports(records)]
            ),
            success_statuses=tuple(self.success_statuses or ()),
            is_recorded=any(records),
        )
        return Submitter(client, job, attempt, TaskMemory(context, self.record_key))

    def pending_is_meant(self) -> bool:
        """Tell whether the import goes into a Pending batch on purpose, so that its bills are void by intent."""
        settings = cast("KickoutImport", self.checked_request()).batch_settings
        return settings is not None and settings.batch_mode == "use pending batch"

    def _checked_adoption(self) -> str | None:
        """Return the import to adopt; a template that renders to nothing means none."""
        from eci_provider.api.tasks import checked_guid

        if self.adopt_task_guid is None or is_left_out(self.adopt_task_guid):
            return None
        try:
            return checked_guid(self.adopt_task_guid, source=self.source)
        except EciValidationError as error:
            problems = [problem.replace("task_guid", "adopt_task_guid") for problem in error.details["problems"]]
            raise EciValidationError(problems, source=self.source) from None


def _refuse_if_anothers(context: Context, task_guid: str) -> None:
    """
    Refuse to adopt an import that another instance of a mapped task has.

    Each pushes its own before it looks, so that two at once cannot miss each other.
    """
    from eci_provider.submission.errors import taken_by_other_instance

    instance = context["ti"]
    if map_index(instance) < 0:
        return
    instance.xcom_push(key="task_guid", value=task_guid)
    taken = [str(guid).casefold() for guid in xcoms_of_all_instances(context, "task_guid")]
    if taken.count(task_guid.casefold()) > 1:
        instance.xcom_push(key="task_guid", value=None)
        raise taken_by_other_instance(task_guid, map_index(instance))


def _as_list(callbacks: Any) -> list[Any]:
    """Return callbacks as a list; Airflow 2 keeps them as they were given."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
