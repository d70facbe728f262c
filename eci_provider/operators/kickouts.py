"""Retry an import's kickouts, round after round while that brings bills in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from airflow.providers.common.compat.sdk import conf

from eci_provider.api.errors import EciValidationError
from eci_provider.batches.on_kill import KillHandler
from eci_provider.core.paths import as_text
from eci_provider.imports.arguments import (
    IMPORT_READERS,
    IMPORT_TEMPLATES,
    ImportArguments,
    check_import_arguments,
)
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import as_mapping
from eci_provider.runtime.compat import TRIGGER_FAILED, CallbackFirst
from eci_provider.runtime.context import own_xcom
from eci_provider.runtime.readers import (
    Reader,
    Reading,
    file_names,
    optional,
    switch,
    task_guid,
    whole_number,
    without_none_texts,
)
from eci_provider.submission.record import forget_on_success, note_first_try, record_key

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath, XComArg
    from typing_extensions import Unpack

    from eci_provider.api.bill_imports import BatchSettings, KickoutImport
    from eci_provider.hooks.eci import EciHook
    from eci_provider.imports.run import ImportRun
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput

#: The results of all rounds must fit into one XCom.
MOST_ROUNDS = 10


class RetryKickoutsOperator(EciOperator):
    """
    Import the rows that an import kicked out again, and wait (ImportBillImportTaskKickoutsV202401).

    The same rows are sent, so first correct in EnergyCAP what the kickout messages name. A row can depend on
    another one, such as a bill on the one before it: with more than one round, what a round kicks out is retried
    while the rounds bring bills in. Each round is an import of its own, submitted once whatever fails.

    .. code-block:: python

        RetryKickoutsOperator(task_id="retry", task_guid=import_bills.output["task_guid"], max_rounds=3)

    :param task_guid: the GUID of an import that ended as "Completed with kickouts". Templated.
    :param max_rounds: how many rounds at most, 1 to 10. Default: 1. Templated.
    :param min_progress: how many bills a round must bring in for another one to follow, at least 1. Default: 1.
        Templated.
    :param file_names: the names of the files in the ZIP that was imported first: ``kickout_report`` tells rows
        apart by them. Assumption: the kickout files of a retry have the names of those that are retried. Default:
        none. Templated.
    :param batch_settings: the batch that the bills go into, as
        :class:`~eci_provider.api.bill_imports.BatchSettings` or a dict in snake_case or the documented camelCase.
        With several rounds it cannot be a new batch with a code of its own, which only one import can make.
        Default: none, EnergyCAP chooses; how is not documented. Templated.
    :param import_note: a note on the import. Default: none; the marker of the task leads it in any case.
        Templated.
    :param save_as_resolved: whether failed audits are marked as resolved. Default: EnergyCAP's. Templated.
    :param comment: the reason why they are marked as resolved. Default: none. Templated.
    :param reattach: whether a later attempt takes the imports of an earlier one. With False, every attempt
        imports again. Default: True. Templated.
    :param adopt_task_guid: the GUID of an import that was started before, to wait for as the first round instead
        of starting one. Set it for one run only. Default: none. Templated.
    :param wait_for_completion: whether to wait for the end of the import. Without, the result has little more
        than the GUID. Default: True. Templated.
    :param wait_for_analysis: whether to wait until the imported bills are analysed too, so that their flags are
        final. Default: False. Templated.
    :param deferrable: whether to wait in the triggerer, without a worker. Default: Airflow's ``[operators]
        default_deferrable``.
    :param poll_interval: seconds (or a timedelta) between two polls after the ramp-up, which starts with a
        second. Default: 30.
    :param timeout: seconds (or a timedelta) that each round may take from its submission, over all attempts.
        Default: 6 hours.
    :param on_kickouts: the task's state when the last round kicks rows out: ``"fail"``, ``"warn"`` (it succeeds)
        or ``"skip"``. Default: ``"fail"``. Templated.
    :param max_kickouts: up to how many kicked-out rows the task succeeds with a warning, whatever ``on_kickouts``
        says. A float below 1, such as ``0.02``, is a share of kicked-out rows and imported bills together.
        Default: none. Templated.
    :param success_statuses: further statuses of EnergyCAP that count as success. Default: none. Templated.
    :param kickout_report: where to write which rows were kicked out and why: a path or URL that ends in .csv,
        .xlsx or .md. An existing file is replaced; an import without kickouts gets a report without rows.
        Default: none. Templated.
    :param on_kill: what happens to the import when the task is killed: ``"detach"`` lets it continue,
        ``"void_batch"`` sets its batch Pending, which voids all bills in it. Default: ``"detach"``. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: the result of the last round's import, see ``docs/result.md``, and as ``rounds`` a short one of each
        round. ``.output["task_guid"]``, ``.output["batch_id"]`` and ``.output["batch_code"]`` pass a part of it
        on; ``.output["kickout_report"]`` does if a report was written.
    """

    request_fields = ("batch_settings", "import_note", "save_as_resolved", "comment")
    template_fields: Sequence[str] = (
        "eci_conn_id",
        *IMPORT_TEMPLATES,
        "task_guid",
        "max_rounds",
        "min_progress",
        "file_names",
        *request_fields,
    )
    readers: ClassVar[Mapping[str, Reader]] = {
        **IMPORT_READERS,
        "task_guid": task_guid,
        "max_rounds": whole_number(1, MOST_ROUNDS),
        "min_progress": whole_number(1),
        "file_names": optional(file_names),
        "save_as_resolved": optional(switch),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"batch_settings": "json"}
    operator_extra_links = (EciLink(), KickoutReportLink())
    on_success_callback = CallbackFirst(forget_on_success)

    output_keys: ClassVar[tuple[str, ...]] = ("task_guid", "batch_id", "batch_code", "kickout_report")
    output: TaskOutput[Literal["task_guid", "batch_id", "batch_code", "kickout_report"]]

    def __init__(
        self,
        *,
        task_guid: str | XComArg,
        max_rounds: int | str | XComArg = 1,
        min_progress: int | str | XComArg = 1,
        file_names: Sequence[str] | XComArg | None = None,
        batch_settings: Mapping[str, Any] | BatchSettings | XComArg | None = None,
        import_note: str | XComArg | None = None,
        save_as_resolved: bool | str | XComArg | None = None,
        comment: str | XComArg | None = None,
        reattach: bool | str | XComArg = True,
        adopt_task_guid: str | XComArg | None = None,
        wait_for_completion: bool | str | XComArg = True,
        wait_for_analysis: bool | str | XComArg = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: timedelta | float = 30.0,
        timeout: timedelta | float = timedelta(hours=6),
        on_kickouts: Literal["fail", "warn", "skip"] | XComArg = "fail",
        max_kickouts: float | str | XComArg | None = None,
        success_statuses: Sequence[str] | XComArg | None = None,
        kickout_report: str | os.PathLike[str] | ObjectStoragePath | XComArg | None = None,
        on_kill: Literal["detach", "void_batch"] | XComArg = "detach",
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.task_guid = task_guid
        self.max_rounds = max_rounds
        self.min_progress = min_progress
        self.file_names: Any = file_names
        self.batch_settings = as_mapping(batch_settings)
        self.import_note = import_note
        self.save_as_resolved = save_as_resolved
        self.comment = comment
        self.reattach = reattach
        self.adopt_task_guid = adopt_task_guid
        self.wait_for_completion = wait_for_completion
        self.wait_for_analysis = wait_for_analysis
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.on_kickouts = on_kickouts
        self.max_kickouts = max_kickouts
        self.success_statuses = success_statuses
        self.kickout_report = as_text(kickout_report)
        # Not under the argument's name, which is that of Airflow's method.
        self.kill_action = on_kill
        self.kill_handler = KillHandler("detach")
        self.check_literals()

    @staticmethod
    def request_model() -> type[KickoutImport]:
        """Return the model of the request."""
        from eci_provider.api.bill_imports import KickoutImport

        return KickoutImport

    @property
    def record_keys(self) -> Sequence[str]:
        """Return the keys of the records that this task may have in Airflow's task state, one a round."""
        most = whole_number(1, MOST_ROUNDS)("max_rounds", self.max_rounds, Reading(self.source, is_rendered=True))
        return [record_key(number) for number in range(1, most + 1)]

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Retry the kickouts in rounds; the imports of an earlier attempt are taken, not submitted again."""
        note_first_try(context, self.record_keys)
        return self._import_run(context, hook).start()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """
        Conclude a round after the trigger has fired, and start the next one.

        :param context: Airflow's context.
        :param event: the trigger's event.
        :return: the result.
        :raises EciError: the same as a wait in the worker raises.
        """
        with self.connected() as hook:
            return self._import_run(context, hook).resume(event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; if Airflow gave up the trigger, poll once more and say what was waited for."""
        task_guid = own_xcom(context, "task_guid") if next_method == TRIGGER_FAILED else None
        if not task_guid:
            return super().resume_execution(next_method, next_kwargs, context)
        with self.connected() as hook:
            return self._import_run(context, hook).resume_after_trigger_failure(task_guid, next_kwargs)

    def on_kill(self) -> None:
        """
        Do with the import what the argument ``on_kill`` says.

        Airflow calls it in the worker when the running task is marked or cleared, and when the worker shuts down.
        """
        self.kill_handler.handle()

    def _import_run(self, context: Context, hook: EciHook) -> ImportRun:
        from eci_provider.imports.rounds import Rounds
        from eci_provider.imports.run import ImportRun
        from eci_provider.imports.source import Kickouts

        values = self.read()
        request = cast("KickoutImport", self.checked_request())
        arguments = ImportArguments.of(
            values,
            owner=self.source,
            eci_conn_id=self.connection_id(),
            execution_timeout=self.execution_timeout,
            file_names=values["file_names"],
        )
        source = Kickouts(values["task_guid"], request, values["file_names"])
        limits = {name: values[name] for name in ("max_rounds", "min_progress")}
        rounds = Rounds(source, **limits, context=context)
        self.kill_handler.action = values["kill_action"]
        return ImportRun(
            self,
            arguments,
            source,
            context,
            hook,
            self.kill_handler,
            rounds=rounds,
            record_keys=self.record_keys,
        )

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Refuse arguments that do not go together, and what several rounds cannot do."""
        check_import_arguments(values, source=self.source)
        max_rounds = values.get("max_rounds", 1)
        if max_rounds == 1:
            return
        if not values.get("wait_for_completion", True):
            problem = (
                f"wait_for_completion is False, and max_rounds is {max_rounds}: another round begins when the one "
                "before has ended; leave either out"
            )
            raise EciValidationError([problem], source=self.source)
        settings = without_none_texts(self.batch_settings) if isinstance(self.batch_settings, Mapping) else {}
        mode = settings.get("batch_mode") or settings.get("batchMode")
        code = settings.get("new_batch_code") or settings.get("newBatchCode")
        if code and str(mode).startswith("new "):
            problem = (
                f"max_rounds is {max_rounds}, and batch_settings names new_batch_code {code!r} for a {mode!r}, "
                "which only one round can make: leave the code out, use 'smart batch', or name an existing batch"
            )
            raise EciValidationError([problem], source=self.source)
