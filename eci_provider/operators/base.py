"""What all operators share: the connection, the check of their arguments, the link."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from eci_provider.api.errors import EciWaitTimeoutError
from eci_provider.links import EciLink, Linked
from eci_provider.runtime.arguments import check_literals
from eci_provider.runtime.exceptions import final_errors

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.models import RequestModel
    from eci_provider.hooks.eci import EciHook


class EciOperator(Linked, BaseOperator):
    """
    Be the base of operators that send one request.

    :param eci_conn_id: the Airflow connection.
    """

    template_fields: Sequence[str] = ("eci_conn_id",)
    operator_extra_links: Sequence[EciLink] = (EciLink(),)
    ui_color = "#e8f3ec"

    #: Which arguments make up the request, named as in the request model.
    request_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, eci_conn_id: str = "eci_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eci_conn_id = eci_conn_id

    @staticmethod
    @abstractmethod
    def request_model() -> type[RequestModel]:
        """Return the model of the request; a method, so that importing an operator loads no model."""

    @abstractmethod
    def perform(self, context: Context, hook: EciHook) -> Any:
        """Do the operator's work, all arguments being rendered and checked."""

    @property
    def source(self) -> str:
        """Return whose arguments they are, for messages."""
        return f"{type(self).__name__} {self.task_id!r}"

    def request_values(self) -> dict[str, Any]:
        """Return the arguments that make up the request."""
        return {name: getattr(self, name) for name in self.request_fields}

    def literal_values(self) -> dict[str, Any]:
        """Return the same arguments as far as they are known when the DAG is parsed."""
        return self.request_values()

    def rendered_values(self) -> dict[str, Any]:
        """Return the same arguments once templates are rendered."""
        return self.request_values()

    def check_literals(self) -> None:
        """
        Refuse wrong literals; called at the end of ``__init__``, when the DAG is parsed.

        :raises EciValidationError: naming each wrong argument.
        """
        check_literals(self.request_model(), self.literal_values(), source=self.source)

    def checked_request(self) -> RequestModel:
        """
        Return the request once templates are rendered.

        :raises EciValidationError: naming each wrong argument.
        """
        from eci_provider.api.models import validated

        return validated(self.request_model(), self.rendered_values(), source=self.source)

    def execute(self, context: Context) -> Any:
        """
        Run the operator.

        :param context: Airflow's context.
        :raises EciError: one of its children; where a retry cannot help, also an ``AirflowFailException``.
        """
        from eci_provider.hooks.eci import EciHook

        self.link_url = self.report_url = ""
        try:
            with final_errors(), EciHook(self.eci_conn_id) as hook:
                return self.perform(context, hook)
        except AirflowTaskTimeout as timeout:
            raise self._out_of_time() from timeout

    def _out_of_time(self) -> EciWaitTimeoutError:
        """Return the error for a try that Airflow's ``execution_timeout`` ended; Airflow's own names nothing."""
        given = [f"{name}={value!r}"[:100] for name, value in self.request_values().items() if value is not None]
        return EciWaitTimeoutError(
            f"{self.source}: its `execution_timeout` was over before it was done with "
            f"{given[0] if given else 'its work'}. What it had sent, EnergyCAP may carry out; the next try looks "
            "before it sends anything. Leave more time than the connection's time-outs and settle_time take.",
            ended_by="execution_timeout",
        )
