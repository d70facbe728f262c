"""Create an import profile: which column of a bill file is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from eci_provider.core.text import LONGEST_CODE, shown
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import as_mapping
from eci_provider.runtime.context import push_outputs
from eci_provider.runtime.readers import Reader, choice

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg
    from typing_extensions import Unpack

    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.api.import_profiles import ImportProfile
    from eci_provider.hooks.eci import EciHook
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput

IF_EXISTS = ("fail", "keep", "replace")


class CreateImportProfileOperator(EciOperator):
    """
    Create an import profile (WriteBillImportProfileV3).

    .. code-block:: python

        CreateImportProfileOperator(
            task_id="create_profile",
            profile_code="CITY-ELECTRIC",
            column_mapping={
                "date_format": "mm/dd/yyyy",
                "account_code": "Account",
                "start_date": "From",
                "end_date": "To",
                "observations": [{"column": "Charges", "observation_type_code": "CHG", "unit_code": "USD"}],
                "sample_file": "s3://bills/sample.csv",
            },
            if_exists="replace",
        )

    :param profile_code: the code of the profile, 1 to 64 characters, unique among bill import profiles.
        Templated.
    :param column_mapping: which column is what. Either columns counted from 1, as a
        :class:`~eci_provider.api.column_mapping.ColumnMapping` or a dict in snake_case or the documented
        camelCase; or the names of columns as :func:`~eci_provider.api.column_mapping.mapping_from_header` takes
        them, with the ``header`` or a ``sample_file`` that they are in. Templated.
    :param if_exists: what to do if a profile has the code: ``"fail"``, ``"keep"`` it as it is, or ``"replace"``
        its mapping. A profile that has this mapping already is kept in any case. Default: ``"fail"``. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: ``profile_id`` and ``profile_code``; ``.output["profile_id"]`` and ``.output["profile_code"]`` pass
        them on.
    """

    request_fields = ("profile_code", "column_mapping")
    template_fields: Sequence[str] = ("eci_conn_id", *request_fields, "if_exists")
    readers: ClassVar[Mapping[str, Reader]] = {"if_exists": choice(IF_EXISTS)}
    template_fields_renderers: ClassVar[dict[str, str]] = {"column_mapping": "json"}
    operator_extra_links = ()

    output_keys: ClassVar[tuple[str, ...]] = ("profile_id", "profile_code")
    output: TaskOutput[Literal["profile_id", "profile_code"]]

    def __init__(
        self,
        *,
        profile_code: str | XComArg,
        column_mapping: Mapping[str, Any] | ColumnMapping,
        if_exists: Literal["fail", "keep", "replace"] | XComArg = "fail",
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.profile_code = profile_code
        self.column_mapping = as_mapping(column_mapping)
        self.if_exists = if_exists
        self.check_literals()

    @staticmethod
    def request_model() -> type[ImportProfile]:
        """Return the model of the request."""
        from eci_provider.api.import_profiles import ImportProfile

        return ImportProfile

    def literal_values(self) -> dict[str, Any]:
        """Return the arguments of the request as far as they are known when the DAG is parsed."""
        from eci_provider.operators.columns import literal_columns

        return literal_columns(self.request_values(), source=self.source)

    def rendered_values(self) -> dict[str, Any]:
        """Return the arguments of the request, with the names of columns looked up."""
        from eci_provider.operators.columns import known_columns

        return known_columns(self.request_values(), source=self.source)

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Create the profile, or do with the existing one as ``if_exists`` says."""
        from eci_provider.imports.profile import ProfileCreator

        request = cast("ImportProfile", self.checked_request())
        creator = ProfileCreator(
            hook.get_conn(),
            request,
            if_exists=self.read()["if_exists"],
            settle_time=hook.settings.settle_time,
            source=self.source,
        )
        profile = creator.create_or_adopt()
        result = {"profile_id": profile.profile_id, "profile_code": shown(profile.profile_code, LONGEST_CODE)}
        push_outputs(context, **result)
        return result
