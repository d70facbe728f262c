"""Write a report of an import's kickouts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.core.paths import as_text
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.reports.kickouts import check_report_arguments, checked_names
from eci_provider.runtime.arguments import is_template
from eci_provider.storage.object_store import open_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel
    from eci_provider.api.tasks import TaskResponse
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
        format: str | None = None,
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
        check_report_arguments(path, format, source=self.source, file=file)

    @staticmethod
    def request_model() -> type[RequestModel]:
        """Return the model of a request without arguments."""
        from eci_provider.api.models import RequestModel

        return RequestModel

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Write the report, and return its sums."""
        from eci_provider.reports.kickouts import kickout_report, names_or_none
        from eci_provider.waiting.status import classify

        task_guid = self._checked_guid()
        names = checked_names(self.file_names, source=self.source)
        check_report_arguments(self.path, self.format, source=self.source, file=self.file)
        client = hook.get_conn()
        task = self._ended(client, task_guid)
        self.show_link(context, hook, task_guid=task_guid, task_id=task.task_id)
        result = kickout_report(
            client,
            task_guid,
            self.path,
            format=self.format,
            file_names=names if self.file is None else names_or_none(self._names_in_file),
            # Of any other import it is not known that it has none: then a 404 is trouble, and no empty report.
            missing_ok=classify(task.status, ended=True) == "completed",
        )
        self.show_report(context, result["path"])
        return result

    def _names_in_file(self) -> list[str]:
        from eci_provider.reports.archives import names_in_zip

        return names_in_zip(open_path(self.file))

    def _ended(self, client: EciClient, task_guid: str) -> TaskResponse:
        """Return the import's task, which must have ended: a report before that would lack rows."""
        from eci_provider.reports.errors import EciReportError

        task = client.tasks.get(task_guid)
        if not task.end_date:
            problem = (
                f"import {task_guid} goes on (status {task.status!r}), and may still kick rows out. "
                "Wait for it first, with EciTaskSensor or wait_for_completion."
            )
            raise EciReportError(problem, path=str(self.path))
        return task

    def _checked_guid(self) -> str:
        from eci_provider.api.tasks import checked_guid

        return checked_guid(self.task_guid, source=self.source)
