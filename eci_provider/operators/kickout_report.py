"""Write a report of an import's kickouts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.core.paths import as_text
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.reports.arguments import check_report, checked_names
from eci_provider.reports.formats import FormatName
from eci_provider.runtime.arguments import is_template

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.models import RequestModel
    from eci_provider.hooks.eci import EciHook


class KickoutReportOperator(EciOperator):
    """
    Write the rows that an import kicked out, with the message of each, for the analyst who corrects them.

    Rows have the bill file's own columns, by name, and are grouped by file and message. The report appears whole
    or not at all, instead of an earlier one, in constant memory however many rows there are. An import without
    kickouts makes a report without rows, so that what follows finds it. Each row is there once: one of a file that
    the names leave out stands under the name of the import as a whole, and the log says so.

    :param task_guid: an import that has ended.
    :param path: where the report is written: a local path, whose folders are made where they are missing, or any
        URL that Airflow's ObjectStoragePath opens.
    :param format: ``csv``, ``xlsx`` or ``md``; without, what the path's extension says.
    :param file: the ZIP that was imported, a path or a URL: rows are told by the files in it.
    :param file_names: the names of the files in it, instead of it.
    :param kwargs: ``eci_conn_id``, and what every operator takes.
    :return: ``task_guid``, ``path``, ``format``, ``rows``, ``messages`` (at most ten of ``{"message", "rows"}``,
        most frequent first) and ``files`` (at most ten of ``{"file", "rows"}``).
    """

    template_fields: Sequence[str] = (
        *EciOperator.template_fields,
        "task_guid",
        "path",
        "format",
        "file",
        "file_names",
    )
    operator_extra_links: Sequence[Any] = (EciLink(), KickoutReportLink())

    def __init__(
        self,
        *,
        task_guid: str,
        path: str | os.PathLike[str],
        format: FormatName | None = None,
        file: str | os.PathLike[str] | None = None,
        file_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_guid = task_guid
        self.path = as_text(path)
        self.format = format
        self.file = as_text(file)
        self.file_names = file_names
        if file is not None and file_names is not None:
            raise EciValidationError(["file and file_names are both given: give one of them"], source=self.source)
        if not is_template(task_guid):
            self._checked_guid()
        if not is_template(file_names):
            checked_names(file_names, source=self.source)
        check_report(path, format, source=self.source, file=file)

    @staticmethod
    def request_model() -> type[RequestModel]:
        """Return the model of a request without arguments."""
        from eci_provider.api.models import RequestModel

        return RequestModel

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Write the report, and return its sums."""
        from eci_provider.reports.kickouts import KickoutReportWriter

        task_guid = self._checked_guid()
        writer = KickoutReportWriter(
            self.path,
            name="path",
            source=self.source,
            is_required=True,
            format=self.format,
            file=self.file,
            file_names=self.file_names,
        )
        client = hook.get_conn()
        task = client.tasks.get(task_guid)
        self.show_link(context, hook, task_guid=task_guid, task_id=task.task_id)
        result = writer.write(client, task, task_guid)
        self.show_report(context, result["path"])
        return result

    def _checked_guid(self) -> str:
        from eci_provider.api.tasks import checked_guid

        return checked_guid(self.task_guid, source=self.source)
