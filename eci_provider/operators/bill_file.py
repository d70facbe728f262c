"""Check a bill file before it leaves, and split one that is too long."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from eci_provider.api.errors import EciValidationError
from eci_provider.core.paths import as_text
from eci_provider.links import KickoutReportLink
from eci_provider.operators.columns import EciColumnsOperator
from eci_provider.reports.arguments import check_apart, check_report
from eci_provider.runtime.arguments import check_choice, is_left_out, is_template
from eci_provider.storage.object_store import open_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.api.errors import EciError
    from eci_provider.bills.column_choice import ColumnChoice
    from eci_provider.bills.report import CheckReport, Problem
    from eci_provider.hooks.eci import EciHook

ON_PROBLEMS = ("fail", "warn")
#: The longest column name in a result, in bytes of JSON.
_LONGEST_NAME = 200


class EciBillFileOperator(EciColumnsOperator):
    """
    Be the base of operators that read a bill file; without a profile or a mapping it is in Advanced format.

    :param file: a local path, or any URL that Airflow's ObjectStoragePath opens.
    :param profile_code: the import profile that maps its columns, read from EnergyCAP.
    :param column_mapping: which column is what, so that EnergyCAP need not be asked: columns counted from 1, in
        snake_case or the documented camelCase; or names of columns as
        :func:`~eci_provider.api.column_mapping.mapping_from_header` takes them, with the ``header`` or a
        ``sample_file`` that they stand in, which is read when the task runs.
    :param eci_conn_id: the Airflow connection, used with ``profile_code`` only.
    """

    request_fields = ("profile_code", "column_mapping")
    template_fields: Sequence[str] = ("eci_conn_id", *request_fields, "file")
    template_fields_renderers: ClassVar[dict[str, str]] = {"column_mapping": "json"}
    operator_extra_links: Sequence[Any] = ()

    def __init__(
        self,
        *,
        file: str | os.PathLike[str],
        profile_code: str | None = None,
        column_mapping: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file = as_text(file)
        self.profile_code = profile_code
        self.column_mapping = column_mapping

    def check_paths(self) -> None:
        """
        Refuse paths that are none, such as a template that rendered to nothing; templates are left for later.

        :raises EciValidationError: naming the argument.
        """
        self._refuse_no_path("file", self.file, "the bill file")

    def _refuse_no_path(self, name: str, path: Any, what: str) -> None:
        if not is_template(path) and (is_left_out(path) or "\0" in str(path)):
            raise EciValidationError([f"{name} is {str(path or '')!r}: must name {what}"], source=self.source)

    @staticmethod
    def request_model() -> type[ColumnChoice]:
        """Return the model of the choice of columns."""
        from eci_provider.bills.column_choice import ColumnChoice

        return ColumnChoice

    def mapping(self, hook: EciHook) -> ColumnMapping | None:
        """
        Return the column mapping; None for Advanced format.

        :param hook: asked only where a profile is named.
        """
        from eci_provider.bills.profile_mapping import profile_mapping

        choice = cast("ColumnChoice", self.checked_request())
        if choice.profile_code is None:
            return choice.column_mapping
        return profile_mapping(hook.get_conn().import_profiles, choice.profile_code, source=self.source)


class CheckBillFileOperator(EciBillFileOperator):
    """
    Check a bill file as far as can be known before EnergyCAP reads it; see :mod:`eci_provider.bills.rules`.

    :param on_problems: what errors make of the task: ``fail`` or ``warn``; warnings never fail it.
    :param accounts: the codes and aliases of accounts that EnergyCAP knows, or a dict of them with the codes,
        aliases and serial numbers of the meters of each.
    :param meters: the codes, aliases and serial numbers of meters that EnergyCAP knows, unless ``accounts`` is a
        dict.
    :param longest_period: above how many days a bill's period is unusual.
    :param most_rows: above how many rows a file is too long.
    :param rules_off: the codes of rules that are switched off.
    :param report: where to write which rows have which problems, in the form of a kickout report: a path or URL
        that ends in .csv, .xlsx or .md, and not the file's own or the sample file's; what is there is replaced.
        Where it cannot be written, the task fails after the check, by the file's errors if there are any.
    :param kwargs: ``file``, ``profile_code`` and ``column_mapping`` of
        :class:`~eci_provider.operators.bill_file.EciBillFileOperator`.
    :return: ``file``, ``rows``, ``bills``, ``errors``, ``warnings`` and ``problems``: at most ten of ``code``,
        ``severity``, ``column``, ``message`` and ``rows``, errors first; and ``report``, where one is wanted,
        None if it could not be written.
    """

    template_fields: Sequence[str] = (
        *EciBillFileOperator.template_fields,
        "on_problems",
        "accounts",
        "meters",
        "rules_off",
        "report",
    )
    operator_extra_links: Sequence[Any] = (KickoutReportLink(),)

    def __init__(
        self,
        *,
        on_problems: str = "fail",
        accounts: Sequence[str | int] | Mapping[Any, Sequence[str | int]] | None = None,
        meters: Sequence[str | int] | None = None,
        longest_period: int = 62,
        most_rows: int = 5000,
        rules_off: Sequence[str] | None = (),
        report: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.on_problems = on_problems
        self.accounts = accounts
        self.meters = meters
        self.longest_period = longest_period
        self.most_rows = most_rows
        self.rules_off = rules_off
        self.report = as_text(report)
        self.check_literals()
        self.check_paths()
        check_choice("on_problems", on_problems, ON_PROBLEMS, source=self.source)
        self._check_bounds()
        self._report_path()

    def _report_path(self) -> str | None:
        """Return where the report goes; a template that renders to nothing means nowhere."""
        report = self.report
        if is_template(report) or is_left_out(report):
            return None
        mapping = self.column_mapping
        sample = mapping.get("sample_file") if isinstance(mapping, Mapping) else None
        check_report(report, name="report", source=self.source, file=self.file)
        check_apart(report, [sample], source=self.source, name="report")
        return str(report)

    def _check_bounds(self) -> None:
        """Refuse wrong bounds; templates are left for later."""
        from eci_provider.bills.check_options import checked_options

        known = {name: value for name, value in self._bounds().items() if not is_template(value)}
        checked_options(source=self.source, **known)

    def _bounds(self) -> dict[str, Any]:
        return {
            "accounts": self.accounts,
            "meters": self.meters,
            "longest_period": self.longest_period,
            "most_rows": self.most_rows,
            "rules_off": self.rules_off,
        }

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Check the file; what was found is pushed to XCom where the task fails, too."""
        from eci_provider.bills import EciBillFileError, check_file
        from eci_provider.runtime.context import RETURN_VALUE

        check_choice("on_problems", self.on_problems, ON_PROBLEMS, source=self.source)
        self._check_bounds()
        self.check_paths()
        path = self._report_path()
        report = check_file(open_path(self.file), mapping=self.mapping(hook), **self._bounds())
        unreported = self._read(report, path)
        result = self._result(report)
        if path is not None:
            result["report"] = None if unreported else path
            if not unreported:
                self.show_report(context, path)
        has_failed = bool(report.errors) and self.on_problems != "warn"
        if unreported or has_failed:
            context["ti"].xcom_push(key=RETURN_VALUE, value=result)
        if has_failed:
            kinds = "; ".join(f"{kind['rows']:,} x {kind['code']}" for kind in result["problems"])
            problem = f"{report.errors:,} errors and {report.warnings:,} warnings ({kinds}). The log shows where."
            raise EciBillFileError(problem, file=str(self.file))
        if unreported:
            raise unreported
        return result

    def _read(self, report: CheckReport, path: str | None) -> EciError | None:
        """
        Read the file, write its problems where a report is wanted, and log them.

        :return: why the report could not be written: what was found must not be lost for that.
        """
        from eci_provider.api.errors import EciError

        first: dict[tuple[str, str | None], str] = {}

        def hear(problem: Problem) -> None:
            first.setdefault((problem.rule.code, problem.column), str(problem))

        unreported = None
        if path is not None:
            from eci_provider.reports import write_report
            from eci_provider.reports.problems import ProblemRows

            try:
                write_report(ProblemRows(report, title=f"Check of bill file {self.file}", on_problem=hear), path)
                self.log.info("The report of bill file %s is %s.", self.file, path)
            except EciError as error:
                self.log.error("The report of bill file %s was not written: %s", self.file, error)
                unreported = error
        if path is None or unreported:
            for problem in report:
                hear(problem)
        self._tell(report, first)
        return unreported

    def _tell(self, report: CheckReport, first: dict[tuple[str, str | None], str]) -> None:
        """Log of each kind of problem the first one, and the sums."""
        from eci_provider.core.text import LONGEST_TEXT, cut

        for kind in report.digest():
            example = cut(first[kind["code"], kind["column"]], LONGEST_TEXT)
            self.log.warning("%s rows: %s First: %s", f"{kind['rows']:,}", kind["message"], example)
        self.log.info(
            "Bill file %s: %s rows, %s bills, %s errors, %s warnings.",
            self.file,
            *(f"{number:,}" for number in (report.rows, report.bills, report.errors, report.warnings)),
        )

    def _result(self, report: CheckReport) -> dict[str, Any]:
        from eci_provider.core.text import cut

        return {
            "file": str(self.file),
            "rows": report.rows,
            "bills": report.bills,
            "errors": report.errors,
            "warnings": report.warnings,
            "problems": [{**kind, "column": cut(kind["column"], _LONGEST_NAME)} for kind in report.digest()],
        }


class SplitBillFileOperator(EciBillFileOperator):
    """
    Split a bill file into parts of at most 5,000 rows, as EnergyCAP advises; no bill lies in two of them.

    The same file makes the same parts with the same names, so that an import that was retried knows them again;
    parts of files in different folders never share a name.

    :param destination: the folder of the parts: a local path, or any URL that Airflow's ObjectStoragePath opens.
    :param rows_per_file: how many rows a part holds at most; only a single longer bill makes a longer one.
    :param sort: whether to bring rows into the documented order first (account, vendor, start, end), so that rows
        of one bill meet wherever they stood.
    :param kwargs: ``file``, ``profile_code`` and ``column_mapping`` of
        :class:`~eci_provider.operators.bill_file.EciBillFileOperator`.
    :return: the parts' paths, for ``ImportBillsOperator.partial(...).expand(file=...)``, which takes 1,024 unless
        ``[core] max_map_length`` says otherwise.
    """

    template_fields: Sequence[str] = (*EciBillFileOperator.template_fields, "destination")

    def __init__(
        self,
        *,
        destination: str | os.PathLike[str],
        rows_per_file: int = 5000,
        sort: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = as_text(destination)
        self.rows_per_file = rows_per_file
        self.sort = sort
        self.check_literals()
        self.check_paths()
        self._check_split_options()

    def check_paths(self) -> None:
        """Refuse a destination that is none, too."""
        super().check_paths()
        self._refuse_no_path("destination", self.destination, "the folder of the parts")

    def _check_split_options(self) -> None:
        from eci_provider.bills.splitting import check_split_options

        check_split_options(self.rows_per_file, self.sort, source=self.source)

    def perform(self, context: Context, hook: EciHook) -> list[str]:
        """Write the parts, and return where they lie."""
        from eci_provider.bills import split_file

        self.check_paths()
        parts = split_file(
            open_path(self.file),
            self.destination,
            rows_per_file=self.rows_per_file,
            mapping=self.mapping(hook),
            sort=self.sort,
        )
        self.log.info("Bill file %s: %s parts in %s.", self.file, f"{len(parts):,}", self.destination)
        return parts
