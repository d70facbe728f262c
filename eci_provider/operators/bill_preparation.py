"""Prepare a vendor's bill file for EnergyCAP."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eci_provider.core.paths import as_text
from eci_provider.links import KickoutReportLink, show_report
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import as_mapping, is_template
from eci_provider.runtime.context import push_outputs
from eci_provider.runtime.readers import Reader, mapping_or_path, optional, path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath, XComArg
    from typing_extensions import Unpack

    from eci_provider.bills.recipe.model import BillFileRecipe
    from eci_provider.hooks.eci import EciHook
    from eci_provider.operators.bill_preparation_run import PreparationRun
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput


class PrepareBillFileOperator(EciOperator):
    """
    Write a vendor's bill file as EnergyCAP reads it, by a recipe that lies beside the DAG.

    Each row of the file is in the prepared one, or is left out with its reason. What a recipe says is in
    ``docs/recipes.md``. EnergyCAP is not asked for anything.

    .. code-block:: python

        prepare = PrepareBillFileOperator(
            task_id="prepare_file",
            file="s3://inbox/{{ params.file }}",
            to="s3://bills/{{ run_id }}.csv",
            recipe="/opt/airflow/dags/recipes/city_gas.yaml",
        )
        ImportBillsOperator(task_id="import_bills", file=prepare.output["file"])

    :param file: the vendor's file: a local path, or any URL that Airflow's ObjectStoragePath opens. Its content
        decides how it is read: delimited text in any encoding, gzip, or a workbook. Templated.
    :param to: the file to write, which ends in .csv, .dat or .txt; likewise. An existing file is replaced.
        Templated.
    :param recipe: how the file is read: a ``BillFileRecipe``, a dict, or the
        path or URL of a JSON or YAML file. Templated.
    :param report: where to write all rows that are left out, and why, in the form of a kickout report: a path or
        URL that ends in .csv, .xlsx or .md. It is written also if the task fails because of such rows. Default:
        none. Templated.
    :param eci_conn_id: the Airflow connection, which is not used. Default: ``"eci_default"``. Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: a dict with ``source``, ``file`` (the prepared file), ``rows_in``, ``rows_out``, ``rows_left_out``,
        ``rows_written``, ``bills``, ``first_day``, ``last_day``, ``money_in``, ``money_out``, ``sums`` (by amount:
        what was ``read`` and ``written``, what ``rounding`` took away, what is in rows ``left_out``; as texts),
        ``reasons`` (rows left out by reason), ``left_out`` (ten of them) and ``unused_columns``; and ``report``
        if one is wanted. ``.output["file"]`` and ``.output["report"]`` pass a part of it on.
    """

    template_fields: Sequence[str] = ("eci_conn_id", "file", "to", "recipe", "report")
    readers: ClassVar[Mapping[str, Reader]] = {
        "file": path("the vendor's file"),
        "to": path("the file to write"),
        "recipe": mapping_or_path("a recipe"),
        "report": optional(path("the file that the report is written to")),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"recipe": "json"}
    operator_extra_links = (KickoutReportLink(),)

    output_keys: ClassVar[tuple[str, ...]] = ("file", "report")
    output: TaskOutput[Literal["file", "report"]]

    def __init__(
        self,
        *,
        file: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        to: str | os.PathLike[str] | ObjectStoragePath | XComArg,
        recipe: BillFileRecipe | Mapping[str, Any] | str | os.PathLike[str] | ObjectStoragePath | XComArg,
        report: str | os.PathLike[str] | ObjectStoragePath | XComArg | None = None,
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.file = as_text(file)
        self.to = as_text(to)
        self.recipe = as_text(as_mapping(recipe))
        self.report = as_text(report)
        self._run(self.read(is_rendered=False)).check_literals(has_templates=is_template(self.recipe))

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Prepare the file, and return the account of its rows and sums."""
        values = self.read()
        run = self._run(values)
        try:
            result = run.run()
        finally:
            if run.written_report is not None:
                show_report(context, None, run.written_report)
        push_outputs(context, file=result["file"], report=run.written_report)
        return result

    def _run(self, values: Mapping[str, Any]) -> PreparationRun:
        from eci_provider.operators.bill_preparation_run import PreparationRun

        return PreparationRun(
            file=values.get("file"),
            target=values.get("to"),
            recipe=values.get("recipe"),
            report=values.get("report"),
            source=self.source,
        )
