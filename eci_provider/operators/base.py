"""The base class of all operators: the connection, the checks of arguments, the links."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from eci_provider.api.errors import EciValidationError, EciWaitTimeoutError
from eci_provider.links import EciLink, store_links_itself
from eci_provider.runtime.arguments import check_literals, is_template, read_arguments
from eci_provider.runtime.exceptions import final_errors, final_template_errors
from eci_provider.runtime.operator_arguments import refuse_unknown
from eci_provider.runtime.readers import Reader, Reading, connection_id, without_none_texts
from eci_provider.runtime.task_output import TaskOutput

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
    from typing_extensions import Self, Unpack

    from eci_provider.api.models import RequestModel
    from eci_provider.hooks.eci import EciHook
    from eci_provider.runtime.operator_arguments import OperatorArguments


class EciOperator(BaseOperator):
    """
    Base class for operators that talk to EnergyCAP.

    :param eci_conn_id: the Airflow connection.
    :param kwargs: Airflow's own arguments.
    """

    template_fields: Sequence[str] = ("eci_conn_id",)
    operator_extra_links: Sequence[BaseOperatorLink] = (EciLink(),)
    ui_color = "#e8f3ec"

    #: The arguments that make up the request, named as in the request model, which checks them.
    request_fields: ClassVar[tuple[str, ...]] = ()

    #: How other arguments are read, and switches of the request.
    readers: ClassVar[Mapping[str, Reader]] = {}

    #: The keys with which ``output[key]`` passes a part of the result on.
    output_keys: ClassVar[tuple[str, ...]] = ()

    #: The URL of "Open in EnergyCAP" that this process has stored.
    link_url = ""

    def __new__(cls, *_: Any, **kwargs: Any) -> Self:
        """Refuse a misspelt argument before Airflow misses a required one; a user's subclass may have its own."""
        if cls.__module__.startswith("eci_provider."):
            refuse_unknown(cls, kwargs)
        return super().__new__(cls)

    def __init__(self, *, eci_conn_id: str | XComArg = "eci_default", **kwargs: Unpack[OperatorArguments]) -> None:
        refuse_unknown(type(self), kwargs)
        super().__init__(**kwargs)
        self.eci_conn_id = eci_conn_id
        if not is_template(eci_conn_id):
            self.connection_id(is_rendered=False)

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """
        Begin a mapped task, as every operator of Airflow does.

        :param kwargs: the arguments that are the same for all instances.
        :raises EciArgumentError: if there is no such argument.
        :raises EciValidationError: if ``on_kill`` is another task's result.
        """
        refuse_unknown(cls, kwargs)
        if hasattr(kwargs.get("on_kill"), "iter_references"):
            # Airflow makes a task wait for results in template fields only, and this one has another name.
            problem = "on_kill is another task's result, which .partial() does not wait for: give it to .expand()"
            raise EciValidationError([problem], source=f"{cls.__name__} {str(kwargs.get('task_id'))!r}")
        return super().partial(**kwargs)

    @property
    def output(self) -> TaskOutput[Any]:
        """Return the reference to the task's result; ``output[key]`` refers to a part of it."""
        return TaskOutput(operator=self)

    @staticmethod
    def request_model() -> type[RequestModel]:
        """Return the model of the request; a method, so that importing an operator loads no model."""
        raise NotImplementedError

    @abstractmethod
    def perform(self, context: Context, hook: EciHook) -> Any:
        """
        Do the operator's work.

        :param context: Airflow's context.
        :param hook: the hook.
        :return: the task's result.
        """

    @property
    def source(self) -> str:
        """Return whose arguments these are, for messages."""
        return f"{type(self).__name__} {self.task_id!r}"

    def connection_id(self, *, is_rendered: bool = True) -> str:
        """
        Return the id of the Airflow connection.

        :param is_rendered: whether templates are rendered.
        :raises EciValidationError: if it names none.
        """
        return connection_id("eci_conn_id", self.eci_conn_id, Reading(self.source, is_rendered))

    def read(self, *, is_rendered: bool = True) -> dict[str, Any]:
        """
        Return the arguments that have readers.

        :param is_rendered: whether templates are rendered; otherwise arguments that are templates are left out.
        :raises EciValidationError: if one is wrong, or if some do not go together.
        """
        values = read_arguments(self, self.readers, source=self.source, is_rendered=is_rendered)
        self.check_together(values)
        return values

    def check_together(self, values: Mapping[str, Any]) -> None:
        """
        Refuse arguments that do not go together.

        :param values: the arguments that have readers, as far as they are known.
        :raises EciValidationError: naming the wrong one.
        """

    def request_values(self) -> dict[str, Any]:
        """Return the arguments that make up the request; a text "None" counts as left out."""
        return {name: without_none_texts(getattr(self, name)) for name in self.request_fields}

    def literal_values(self) -> dict[str, Any]:
        """Return the same arguments as far as they are known when the DAG is parsed."""
        return self.request_values()

    def rendered_values(self) -> dict[str, Any]:
        """Return the same arguments once templates are rendered."""
        return self.request_values()

    def check_literals(self) -> dict[str, Any]:
        """
        Refuse wrong literals; called at the end of ``__init__``, when the DAG is parsed.

        :return: the arguments that have readers and are no templates.
        :raises EciValidationError: naming each wrong argument.
        """
        values = self.read(is_rendered=False)
        check_literals(self.request_model(), self.literal_values(), source=self.source)
        return values

    def checked_request(self) -> RequestModel:
        """
        Return the request once templates are rendered.

        :raises EciValidationError: naming each wrong argument.
        """
        from eci_provider.api.models import validated

        return validated(self.request_model(), self.rendered_values(), source=self.source)

    def render_template(self, content: Any, *arguments: Any, **named: Any) -> Any:
        """Render a template as Airflow does; one that cannot be rendered fails the task without a retry."""
        store_links_itself(self)
        with final_template_errors(content, self.source):
            return super().render_template(content, *arguments, **named)

    def execute(self, context: Context) -> Any:
        """
        Run the operator.

        :param context: Airflow's context.
        :raises EciError: one of its children; where a retry cannot help, also an ``AirflowFailException``.
        """
        try:
            with self.connected() as hook:
                return self.perform(context, hook)
        except AirflowTaskTimeout as timeout:
            raise self._execution_timeout_error() from timeout

    @contextmanager
    def connected(self) -> Iterator[EciHook]:
        """Open the hook, and raise non-retryable errors as ``AirflowFailException``."""
        from eci_provider.hooks.eci import EciHook

        with final_errors(), EciHook(self.connection_id()) as hook:
            yield hook

    def _execution_timeout_error(self) -> EciWaitTimeoutError:
        """Return the error for an attempt that ``execution_timeout`` ended; Airflow's own error names nothing."""
        given = [f"{name}={value!r}"[:100] for name, value in self.request_values().items() if value is not None]
        return EciWaitTimeoutError(
            f"{self.source}: its `execution_timeout` expired before it was done with "
            f"{given[0] if given else 'its work'}. EnergyCAP may still carry out what was sent; the next attempt "
            "checks before it sends anything. Give it more time than the connection's timeouts and settle_time.",
            ended_by="execution_timeout",
        )
