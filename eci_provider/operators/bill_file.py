"""Check a bill file before it is sent, and split one that is too long."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eci_provider.core.checks import FILE, FOLDER
from eci_provider.core.paths import as_text, redact_path
from eci_provider.links import KickoutReportLink, show_report
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import as_mapping
from eci_provider.runtime.context import RETURN_VALUE, push_outputs
from eci_provider.runtime.readers import Reader, anything, choice, optional, path, switch, whole_number

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath, XComArg
    from typing_extensions import Unpack

    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.hooks.eci import EciHook
    from eci_provider.operators.bill_file_run import CheckRun, ColumnArguments
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput


class CheckBillFileOperator(EciOperator):
    """
    Check a bill file, as far as its faults can be known before EnergyCAP reads it.

    The rules are in :mod:`eci_provider.bills.rules` and in ``docs/bill-files.md``. Memory is bounded.

    .. code-block:: python

        CheckBillFileOperator(
            task_id="check_file",
            file="s3://bills/{{ params.month }}.csv",
            profile_code="CITY-ELECTRIC",
            report="s3://reports/{{ params.month }}-check.csv",
        )

    :param file: the bill file: a local path, or any URL that Airflow's ObjectStoragePath opens. Templated.
    :param profile_code: the import profile that maps its columns, read from EnergyCAP. Default: none. Templated.
    :param column_mapping: which column has which meaning, if EnergyCAP need not be asked. Either columns counted
        from 1, as a :class:`~eci_provider.api.column_mapping.ColumnMapping` or a dict in snake_case or the
        documented camelCase; or the names of columns as
        :func:`~eci_provider.api.column_mapping.mapping_from_header` takes them, with the ``header`` or a
        ``sample_file`` that they are in. Default: none; without a profile too, the file is in Advanced format.
        Templated.
    :param on_problems: the task's state when the file has errors: ``"fail"`` or ``"warn"`` (it succeeds). Warnings
        never fail it, except by ``fail_on``. Default: ``"fail"``. Templated.
    :param accounts: the codes and aliases of the accounts that EnergyCAP knows; or a dict of them with the codes,
        aliases and serial numbers of each account's meters. Default: none, accounts are not checked. Templated.
    :param meters: the codes, aliases and serial numbers of the meters that EnergyCAP knows; not together with a
        dict of accounts. Default: none, meters are not checked. Templated.
    :param longest_period: the longest usual period of a bill, in days. Default: 62. Templated.
    :param most_rows: the most rows that a file should have. Default: 5000, as EnergyCAP advises. Templated.
    :param rules_off: the codes of rules to switch off. Default: none. Templated.
    :param fail_on: the codes of rules whose warnings count as errors, such as ``["row_wide"]``. Default: none.
        Templated.
    :param min_rows: the fewest rows that the file must have. Default: none, it may have any number. Templated.
    :param min_bills: the fewest bills that the file must have. Default: none, it may have any number. Templated.
    :param report: where to write all rows with problems, in the form of a kickout report: a path or URL that ends
        in .csv, .xlsx or .md. An existing file is replaced, except for the bill file and the sample file. If it
        cannot be written, the task fails once the file is checked. Default: none. Templated.
    :param eci_conn_id: the Airflow connection, used for ``profile_code`` only. Default: ``"eci_default"``.
        Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: a dict with ``file``, ``rows``, ``bills``, ``errors``, ``warnings`` and ``problems``: at most ten
        kinds with ``code``, ``severity``, ``column``, ``message`` and ``rows``, errors first. If a report is
        wanted also ``report``, its path, or None if it was not written. A task that fails has a result too.
        ``.output["file"]`` and ``.output["report"]`` pass a part of it on.
    """

    request_fields = ("file",)
    template_fields: Sequence[str] = (
        "eci_conn_id",
        "file",
        "profile_code",
        "column_mapping",
        "on_problems",
        "accounts",
        "meters",
        "longest_period",
        "most_rows",
        "rules_off",
        "fail_on",
        "min_rows",
        "min_bills",
        "report",
    )
    readers: ClassVar[Mapping[str, Reader]] = {
        "file": path(FILE),
        "on_problems": choice(("fail", "warn")),
        "accounts": anything,
        "meters": anything,
        "longest_period": whole_number(1),
        "most_rows": whole_number(1),
        "rules_off": anything,
        "fail_on": anything,
        "min_rows": optional(whole_number(1)),
        "min_bills": optional(whole_number(1)),
        "report": optional(path("the file that the report is written to")),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"column_mapping": "json"}
    operator_extra_links = (KickoutReportLink(),)

    output_keys: ClassVar[tuple[str, ...]] = ("file", "report")
    output: TaskOutput[Literal["file", "report"]]

    def __init__(
        self,
        *,
        file: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        profile_code: str | XComArg | None = None,
        column_mapping: Mapping[str, Any] | ColumnMapping | XComArg | None = None,
        on_problems: Literal["fail", "warn"] | XComArg = "fail",
        accounts: Sequence[str | int] | Mapping[Any, Sequence[str | int]] | str | XComArg | None = None,
        meters: Sequence[str | int] | str | XComArg | None = None,
        longest_period: int | str | XComArg = 62,
        most_rows: int | str | XComArg = 5000,
        rules_off: Sequence[str] | str | XComArg | None = (),
        fail_on: Sequence[str] | str | XComArg | None = (),
        min_rows: int | str | XComArg | None = None,
        min_bills: int | str | XComArg | None = None,
        report: str | os.PathLike[str] | ObjectStoragePath | XComArg | None = None,
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.file = as_text(file)
        self.profile_code = profile_code
        self.column_mapping = as_mapping(column_mapping)
        self.on_problems = on_problems
        self.accounts = as_mapping(accounts)
        self.meters = meters
        self.longest_period = longest_period
        self.most_rows = most_rows
        self.rules_off = rules_off
        self.fail_on = fail_on
        self.min_rows = min_rows
        self.min_bills = min_bills
        self.report = as_text(report)
        self._run(self.read(is_rendered=False)).check_literals()

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Check the file, and push the result even if the task fails."""
        values = self.read()
        result = self._run(values).run(hook)
        if result.report is not None:
            # With a column mapping, the connection is not used and need not exist.
            template = None if self.profile_code is None else hook.settings.report_url_template
            show_report(context, template, result.report)
        push_outputs(context, file=result.file, report=result.report)
        if error := result.error(values["on_problems"]):
            context["ti"].xcom_push(key=RETURN_VALUE, value=result.as_xcom())
            raise error
        return result.as_xcom()

    def _run(self, values: Mapping[str, Any]) -> CheckRun:
        from eci_provider.operators.bill_file_run import CheckRun, ColumnArguments

        columns = ColumnArguments(self.profile_code, self.column_mapping, source=self.source)
        options = {name: value for name, value in values.items() if name not in ("file", "on_problems", "report")}
        return CheckRun(
            file=values.get("file"), columns=columns, report=values.get("report"), source=self.source, **options
        )


class SplitBillFileOperator(EciOperator):
    """
    Split a bill file into parts of at most 5,000 rows, as EnergyCAP advises; no bill is in two of them.

    The same file makes the same parts with the same names, so the import of a part can be retried. Parts of files
    in different folders never have the same name. Memory is bounded.

    .. code-block:: python

        split = SplitBillFileOperator(
            task_id="split_file",
            file="s3://bills/{{ params.month }}.csv",
            profile_code="CITY-ELECTRIC",
            destination="s3://parts/{{ params.month }}",
        )
        ImportBillsOperator.partial(task_id="import_parts", profile_code="CITY-ELECTRIC").expand(file=split.output)

    :param file: the bill file, CSV, DAT or TXT, or a ZIP of them: a local path, or any URL that Airflow's
        ObjectStoragePath opens. Templated.
    :param destination: the folder of the parts: a local path, which is made where it is missing, or any URL that
        Airflow's ObjectStoragePath opens. Templated.
    :param profile_code: the import profile that maps its columns, read from EnergyCAP. Default: none. Templated.
    :param column_mapping: which column has which meaning, as in
        :class:`~eci_provider.operators.bill_file.CheckBillFileOperator`. Default: none; without a profile too, the
        file is in Advanced format. Templated.
    :param rows_per_file: how many rows a part has at most; only a longer bill makes a longer part. Default: 5000.
        Templated.
    :param sort: whether to sort the rows first (account, vendor, start, end), which brings the rows of each bill
        together. Default: False. Templated.
    :param eci_conn_id: the Airflow connection, used for ``profile_code`` only. Default: ``"eci_default"``.
        Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: the list of the parts' paths, for ``expand(file=...)``, which takes 1,024 of them unless
        ``[core] max_map_length`` says otherwise.
    """

    request_fields = ("file",)
    template_fields: Sequence[str] = (
        "eci_conn_id",
        "file",
        "profile_code",
        "column_mapping",
        "destination",
        "rows_per_file",
        "sort",
    )
    readers: ClassVar[Mapping[str, Reader]] = {
        "file": path(FILE),
        "destination": path(FOLDER),
        "rows_per_file": whole_number(1),
        "sort": switch,
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"column_mapping": "json"}
    operator_extra_links = ()

    def __init__(
        self,
        *,
        file: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        destination: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        profile_code: str | XComArg | None = None,
        column_mapping: Mapping[str, Any] | ColumnMapping | XComArg | None = None,
        rows_per_file: int | str | XComArg = 5000,
        sort: bool | str | XComArg = False,
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.file = as_text(file)
        self.destination = as_text(destination)
        self.profile_code = profile_code
        self.column_mapping = as_mapping(column_mapping)
        self.rows_per_file = rows_per_file
        self.sort = sort
        self.read(is_rendered=False)
        self._columns().check_literals()

    def perform(self, context: Context, hook: EciHook) -> list[str]:
        """Write the parts, and return their paths."""
        from eci_provider.operators.bill_file_run import split_bill_file

        values = self.read()
        parts = split_bill_file(self._columns(), hook, source=self.source, **values)
        shown = redact_path(values["file"]), f"{len(parts):,}", redact_path(values["destination"])
        self.log.info("Bill file %s: %s parts in %s.", *shown)
        return parts

    def _columns(self) -> ColumnArguments:
        from eci_provider.operators.bill_file_run import ColumnArguments

        return ColumnArguments(self.profile_code, self.column_mapping, source=self.source)
