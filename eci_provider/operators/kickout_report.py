"""Write a report of an import's kickouts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import as_text
from eci_provider.links import EciLink, KickoutReportLink, show_link, show_report
from eci_provider.operators.base import EciOperator
from eci_provider.reports.arguments import check_report
from eci_provider.reports.formats import FORMATS, FormatName
from eci_provider.runtime.context import push_outputs
from eci_provider.runtime.readers import Reader, choice, file, file_names, optional, path, task_guid
from eci_provider.storage.object_store import open_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath, XComArg
    from typing_extensions import Unpack

    from eci_provider.hooks.eci import EciHook
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput


class KickoutReportOperator(EciOperator):
    """
    Write the rows that an import kicked out, with the message of each, for the analyst who corrects them.

    Rows have the bill file's own columns, by name, and are grouped by file and message. The report appears whole
    or not at all, instead of an earlier one, in constant memory however many rows there are. An import without
    kickouts makes a report without rows. Each row is there once: a row of a file that is not among the names is
    listed under the name of the import as a whole, and the log says so.

    Example::

        KickoutReportOperator(
            task_id="report",
            task_guid="{{ ti.xcom_pull(task_ids='import_bills')['task_guid'] }}",
            path="s3://utility-bills/kickouts/{{ params.month }}.xlsx",
        )

    :param task_guid: the GUID of an import that has ended. Templated.
    :param path: where the report is written: a local path, whose folders are made where they are missing, or any
        URL that Airflow's ObjectStoragePath opens. What is there is replaced. Templated.
    :param format: ``"csv"``, ``"xlsx"`` or ``"md"``. Default: what the path's extension says. Templated.
    :param file: the ZIP that was imported, a path or a URL: rows are told apart by the names of the files in it.
        Default: none; all rows are listed under the name of the import. Templated.
    :param file_names: the names of the files in the ZIP, instead of ``file``. Default: none. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param kwargs: BaseOperator's arguments.
    :return: a dict with ``task_guid``, ``path``, ``format``, ``rows`` (None if EnergyCAP returned messages but no
        rows), ``messages`` (at most ten of ``{"message", "rows"}``, most frequent first) and ``files`` (at most
        ten of ``{"file", "rows"}``). ``.output["task_guid"]`` and ``.output["path"]`` pass a part
        of it on.
    """

    template_fields: Sequence[str] = ("eci_conn_id", "task_guid", "path", "format", "file", "file_names")
    readers: ClassVar[Mapping[str, Reader]] = {
        "task_guid": task_guid,
        "path": path("the file that the report is written to"),
        "format": optional(choice(FORMATS)),
        "file": optional(file),
        "file_names": optional(file_names),
    }
    operator_extra_links: Sequence[Any] = (EciLink(), KickoutReportLink())

    output_keys: ClassVar[tuple[str, ...]] = ("task_guid", "path")
    output: TaskOutput[Literal["task_guid", "path"]]

    def __init__(
        self,
        *,
        task_guid: str | XComArg,
        path: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        format: FormatName | XComArg | None = None,
        file: str | os.PathLike[str] | ObjectStoragePath | XComArg | None = None,
        file_names: Sequence[str] | XComArg | None = None,
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.task_guid = task_guid
        self.path = as_text(path)
        self.format = format
        self.file = as_text(file)
        self.file_names: Any = file_names
        self.read(is_rendered=False)

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Write the report, and return its sums."""
        from eci_provider.reports.kickouts import KickoutReportWriter
        from eci_provider.waiting.late_tasks import settled_task

        values = self.read()
        task_guid = values["task_guid"]
        writer = KickoutReportWriter(
            values["path"],
            name="path",
            source=self.source,
            is_required=True,
            format=values["format"],
            file=values["file"],
            find_names=lambda: _names(values),
        )
        client = hook.get_conn()
        task = settled_task(client, task_guid, hook.settle_time)
        show_link(self, context, hook, task_guid=task_guid, task_id=task.task_id)
        result = writer.write(client, task, task_guid)
        show_report(context, hook.settings.report_url_template, result["path"])
        push_outputs(context, task_guid=task_guid, path=result["path"])
        return result

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Refuse arguments that do not go together."""
        if values.get("file") is not None and values.get("file_names") is not None:
            raise EciValidationError(["file and file_names are both given: give one of them"], source=self.source)
        if "path" in values and "format" in values:
            check_report(values["path"], values["format"], source=self.source, file=values.get("file"))


def _names(values: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the names of the files in the ZIP that was imported, if they are known."""
    from eci_provider.reports.archives import names_in_zip

    if values["file"] is not None:
        return names_in_zip(open_path(values["file"]))
    names: Sequence[str] | None = values["file_names"]
    return names
