"""Submit an import in one attempt of its task, or find the import of an earlier attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.batches.on_kill import KillHandler
from eci_provider.imports.arguments import ImportArguments
from eci_provider.imports.error_context import ErrorContext
from eci_provider.imports.source import ImportSource
from eci_provider.runtime.context import earliest_start, map_index, xcoms_of_all_instances
from eci_provider.submission.errors import (
    taken_by_other_instance,
    timeout_before_import,
    timeout_with_import,
)
from eci_provider.submission.marker import Identity
from eci_provider.submission.models import AttemptContext, Job, Submitted
from eci_provider.submission.record import TaskMemory, earlier_imports
from eci_provider.submission.submitter import Submitter
from eci_provider.waiting.deadlines import deadline_after

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.hooks.eci import EciHook


class ImportAttempt:
    """
    One try of a task to submit an import once.

    :param arguments: the arguments of the task.
    :param context: Airflow's context.
    :param hook: the hook.
    :param kill_handler: what a kill of the process does to the import.
    :param errors: what errors say of the import.
    :param record_keys: under which keys the task may have recorded imports in Airflow's task state.
    """

    def __init__(
        self,
        arguments: ImportArguments,
        context: Context,
        hook: EciHook,
        kill_handler: KillHandler,
        errors: ErrorContext,
        record_keys: Sequence[str],
    ) -> None:
        self._arguments = arguments
        self._context = context
        self._hook = hook
        self._kill_handler = kill_handler
        self._errors = errors
        self._record_keys = record_keys

    def submit_or_resume(self, source: ImportSource, adopt_task_guid: str | None = None) -> Submitted:
        """
        Return the import of an earlier attempt, or submit it; its GUID is pushed to XCom.

        :param source: what is imported.
        :param adopt_task_guid: the import to take instead of any other.
        :raises EciError: one of its children.
        """
        if adopt_task_guid is not None:
            _refuse_if_anothers(self._context, adopt_task_guid)
        submitter = self._submitter(source)
        with self._execution_timeout(source, submitter, adopt_task_guid):
            submitted = submitter.submit_or_resume(adopt_task_guid)
        self._push(submitted.task_guid)
        return submitted

    def find(self, source: ImportSource) -> Submitted | None:
        """
        Return the import of an earlier attempt and push its GUID to XCom, or None; nothing is sent.

        :param source: what is imported.
        :raises EciError: one of its children.
        """
        record = TaskMemory(self._context, source.record_key).read()
        if not self._arguments.reattach or (record and not record.get("marker")):
            return None
        submitter = self._submitter(source)
        with self._execution_timeout(source, submitter):
            found = submitter.find_submitted()
        if found is not None:
            self._push(found.task_guid)
        return found

    def _submitter(self, source: ImportSource) -> Submitter:
        client, instance = self._hook.get_conn(), self._context["ti"]

        def identity() -> Identity:
            return Identity(
                instance.dag_id,
                instance.task_id,
                instance.run_id,
                map_index(instance),
                source.digest(),
                self._hook.settings.deployment,
            )

        def send(marker: str) -> str:
            self._kill_handler.sending(marker, reattach=self._arguments.reattach)
            return source.send(client, marker)

        job = Job(source.description, identity, source.target, send, source.resubmit_hint)
        records = [TaskMemory(self._context, key).read() for key in self._record_keys]
        others = [*source.other_imports, *earlier_imports(records)]
        attempt = AttemptContext(
            try_number=instance.try_number,
            max_tries=getattr(instance, "max_tries", None),
            earliest_start=earliest_start(self._context),
            reattach=self._arguments.reattach,
            settle_time=self._hook.settings.settle_time,
            deadline=deadline_after(self._arguments.timeout),
            other_imports=frozenset(guid.casefold() for guid in others),
            success_statuses=tuple(self._arguments.success_statuses or ()),
        )
        return Submitter(client, job, attempt, TaskMemory(self._context, source.record_key))

    @contextmanager
    def _execution_timeout(
        self, source: ImportSource, submitter: Submitter, adopt_task_guid: str | None = None
    ) -> Iterator[None]:
        """Name the import, and what was under way, when Airflow's ``execution_timeout`` ends the attempt."""
        try:
            yield
        except AirflowTaskTimeout as timeout:
            task_guid = adopt_task_guid or submitter.known_task_guid
            if task_guid is None:
                raise timeout_before_import(source.description, reattach=self._arguments.reattach) from timeout
            self._push(task_guid)
            next_step = self._errors.next_step(task_guid)
            raise timeout_with_import(task_guid, source.description, next_step) from timeout

    def _push(self, task_guid: str) -> None:
        self._context["ti"].xcom_push(key="task_guid", value=task_guid)


def _refuse_if_anothers(context: Context, task_guid: str) -> None:
    """
    Refuse to adopt an import that another instance of a mapped task has.

    Each pushes its own before it checks, so that two at once cannot miss each other.
    """
    instance = context["ti"]
    if map_index(instance) < 0:
        return
    instance.xcom_push(key="task_guid", value=task_guid)
    taken = [str(guid).casefold() for guid in xcoms_of_all_instances(context, "task_guid")]
    if taken.count(task_guid.casefold()) > 1:
        instance.xcom_push(key="task_guid", value=None)
        raise taken_by_other_instance(task_guid, map_index(instance))
