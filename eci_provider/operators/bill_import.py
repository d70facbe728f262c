"""Import a bill file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from airflow.providers.common.compat.sdk import conf

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
from eci_provider.runtime.readers import Reader, file, optional, switch, text
from eci_provider.submission.record import forget_on_success, note_first_try

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath, XComArg
    from typing_extensions import Unpack

    from eci_provider.api.bill_imports import BatchSettings, BillImportOptions
    from eci_provider.hooks.eci import EciHook
    from eci_provider.imports.run import ImportRun
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput


class ImportBillsOperator(EciOperator):
    """
    Import a bill file into EnergyCAP and wait for the import (BillImportV3).

    The file is submitted once, whatever fails: a retry finds the import of the try before and waits for it.

    .. code-block:: python

        ImportBillsOperator(
            task_id="import_bills",
            file="s3://bills/{{ params.month }}.csv",
            profile_code="CITY-ELECTRIC",
            batch_settings={"batch_mode": "smart batch", "new_batch_code": "Bills {{ params.month }}"},
            on_kickouts="warn",
            deferrable=True,
        )

    :param file: the bill file: a local path, or any URL that Airflow's ObjectStoragePath opens. Its name must end
        in .csv, .dat, .txt, .xlsx or .zip: EnergyCAP reads it by its extension. Templated.
    :param file_name: the name that EnergyCAP stores it under. Default: the file's own. Templated.
    :param profile_code: the import profile that maps its columns. Default: none, the file is in Advanced format.
        Templated.
    :param batch_settings: the batch that the bills go into, as
        :class:`~eci_provider.api.bill_imports.BatchSettings` or a dict in snake_case or the documented camelCase.
        Default: none, EnergyCAP chooses; how is not documented. Templated.
    :param import_note: a note on the import. Default: none; the marker of the task leads it in any case.
        Templated.
    :param save_as_resolved: whether failed audits are marked as resolved. Default: EnergyCAP's. Templated.
    :param comment: the reason why they are marked as resolved. Default: none. Templated.
    :param suppress_bill_capture_notification: whether Bill Capture's notification is left out. Default:
        EnergyCAP's. Templated.
    :param reattach: whether a later attempt takes the import of an earlier one. With False, every attempt imports
        again. Default: True. Templated.
    :param adopt_task_guid: the GUID of an import that was started before, to wait for instead of starting one.
        Set it for one run only. Default: none. Templated.
    :param wait_for_completion: whether to wait for the end of the import. Without, the result has little more
        than the GUID. Default: True. Templated.
    :param wait_for_analysis: whether to wait until the imported bills are analysed too, so that their flags are
        final. Default: False. Templated.
    :param deferrable: whether to wait in the triggerer, without a worker. Default: Airflow's ``[operators]
        default_deferrable``.
    :param poll_interval: seconds (or a timedelta) between two polls after the ramp-up, which starts with a
        second. Default: 30.
    :param timeout: seconds (or a timedelta) that the import may take from its submission, over all attempts.
        Default: 6 hours.
    :param on_kickouts: the task's state when rows are kicked out: ``"fail"``, ``"warn"`` (it succeeds) or
        ``"skip"``. Default: ``"fail"``. Templated.
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
    :return: the import's result, see ``docs/result.md``. ``.output["task_guid"]``, ``.output["batch_id"]`` and
        ``.output["batch_code"]`` pass a part of it on; ``.output["kickout_report"]`` does if a report was
        written.
    """

    request_fields = (
        "profile_code",
        "batch_settings",
        "import_note",
        "save_as_resolved",
        "comment",
        "suppress_bill_capture_notification",
    )
    template_fields: Sequence[str] = ("eci_conn_id", *IMPORT_TEMPLATES, "file", "file_name", *request_fields)
    readers: ClassVar[Mapping[str, Reader]] = {
        **IMPORT_READERS,
        "file": file,
        "file_name": optional(text),
        "save_as_resolved": optional(switch),
        "suppress_bill_capture_notification": optional(switch),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"batch_settings": "json"}
    operator_extra_links = (EciLink(), KickoutReportLink())
    on_success_callback = CallbackFirst(forget_on_success)

    output_keys: ClassVar[tuple[str, ...]] = ("task_guid", "batch_id", "batch_code", "kickout_report")
    output: TaskOutput[Literal["task_guid", "batch_id", "batch_code", "kickout_report"]]

    def __init__(
        self,
        *,
        file: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        file_name: str | XComArg | None = None,
        profile_code: str | XComArg | None = None,
        batch_settings: Mapping[str, Any] | BatchSettings | XComArg | None = None,
        import_note: str | XComArg | None = None,
        save_as_resolved: bool | str | XComArg | None = None,
        comment: str | XComArg | None = None,
        suppress_bill_capture_notification: bool | str | XComArg | None = None,
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
        self.file = as_text(file)
        self.file_name = file_name
        self.profile_code = profile_code
        self.batch_settings = as_mapping(batch_settings)
        self.import_note = import_note
        self.save_as_resolved = save_as_resolved
        self.comment = comment
        self.suppress_bill_capture_notification = suppress_bill_capture_notification
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
        self._check_file_name(self.check_literals())

    @staticmethod
    def request_model() -> type[BillImportOptions]:
        """Return the model of the request, without the file."""
        from eci_provider.api.bill_imports import BillImportOptions

        return BillImportOptions

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Submit the file unless an earlier attempt did, wait for the import, and conclude it."""
        note_first_try(context)
        return self._import_run(context, hook).start()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """
        Conclude the import after the trigger has fired.

        :param context: Airflow's context.
        :param event: the trigger's event.
        :return: the import's result.
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
        from eci_provider.imports.run import ImportRun
        from eci_provider.imports.source import BillFile

        values = self.read()
        request = cast("BillImportOptions", self.checked_request())
        arguments = ImportArguments.of(
            values,
            owner=self.source,
            eci_conn_id=self.connection_id(),
            execution_timeout=self.execution_timeout,
            file=values["file"],
        )
        has_report = arguments.kickout_report is not None
        source = BillFile(values["file"], values["file_name"], request, self.source, with_members=has_report)
        self.kill_handler.action = values["kill_action"]
        return ImportRun(self, arguments, source, context, hook, self.kill_handler)

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Refuse arguments that do not go together."""
        check_import_arguments(values, source=self.source)

    def _check_file_name(self, values: Mapping[str, Any]) -> None:
        """Refuse a literal name that EnergyCAP cannot read; only the last part of a URL counts."""
        from eci_provider.api.upload import checked_file_name

        if "file_name" in values and ("file" in values or values["file_name"] is not None):
            file = values.get("file", "")
            last_part = file.rpartition("/")[2] if isinstance(file, str) else file
            checked_file_name(last_part, values["file_name"], source=self.source)
