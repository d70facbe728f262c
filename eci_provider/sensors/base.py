"""What both sensors share: three ways to wait that end alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from eci_provider.api.errors import EciError, EciValidationError, EciWaitTimeoutError
from eci_provider.links import EciLink, store_links_itself
from eci_provider.runtime.arguments import read_arguments
from eci_provider.runtime.compat import TRIGGER_FAILED
from eci_provider.runtime.exceptions import as_airflow_error, final_errors, final_template_errors
from eci_provider.runtime.operator_arguments import refuse_unknown
from eci_provider.runtime.readers import Reader, connection_id, positive_seconds, span, switch
from eci_provider.runtime.task_output import TaskOutput

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg
    from typing_extensions import Self, Unpack

    from eci_provider.runtime.operator_arguments import SensorArguments
    from eci_provider.sensors.run import SensorRun


class EciSensor(BaseSensorOperator):
    """
    Base class for sensors.

    In mode ``poke`` and when deferrable, polls start a second apart and slow down to ``poke_interval``, transient
    failures are retried, and the last poll is exactly at the deadline. In mode ``reschedule`` every poll is a new
    process, ``poke_interval`` apart.

    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``.
    :param deferrable: whether to wait in the triggerer, without a worker. Default: ``[operators]
        default_deferrable`` of Airflow's configuration.
    :param poke_interval: seconds (or a timedelta) between two polls. Default: 30.
    :param kwargs: Airflow's own arguments of sensors.
    """

    template_fields: Sequence[str] = ("eci_conn_id",)

    #: How the arguments are read.
    readers: ClassVar[Mapping[str, Reader]] = {"eci_conn_id": connection_id, "deferrable": switch}

    operator_extra_links: Sequence[BaseOperatorLink] = (EciLink(),)
    ui_color = "#e8f3ec"

    #: The keys with which ``output[key]`` passes a part of the result on.
    output_keys: ClassVar[tuple[str, ...]] = ()

    #: The URL of "Open in EnergyCAP" that this process has stored.
    link_url = ""

    #: The run for which Airflow calls :meth:`poke`.
    _run: SensorRun[Any] | None = None

    def __new__(cls, *_: Any, **kwargs: Any) -> Self:
        """Refuse a misspelt argument before Airflow misses a required one; a user's subclass may have its own."""
        if cls.__module__.startswith("eci_provider."):
            refuse_unknown(cls, kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        *,
        eci_conn_id: str | XComArg = "eci_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30.0,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        refuse_unknown(type(self), kwargs)
        source = f"{type(self).__name__} {kwargs.get('task_id')!r}"
        if "timeout" in kwargs:
            kwargs["timeout"] = span("timeout", kwargs["timeout"], source=source)
        super().__init__(poke_interval=positive_seconds("poke_interval", poke_interval, source=source), **kwargs)
        self.eci_conn_id: Any = eci_conn_id
        self.deferrable = deferrable
        # Airflow accepts spans with which its scheduler cannot compute.
        for name, limit in (("timeout", self.timeout), ("execution_timeout", self.execution_timeout)):
            if limit:
                positive_seconds(name, limit, source=self.source)

    @property
    def output(self) -> TaskOutput[Any]:
        """Return the reference to the task's result; ``output[key]`` refers to a part of it."""
        return TaskOutput(operator=self)

    @property
    def source(self) -> str:
        """Return whose arguments they are, for messages."""
        return f"{type(self).__name__} {self.task_id!r}"

    def read(self, *, is_rendered: bool = True) -> dict[str, Any]:
        """
        Return the arguments.

        :param is_rendered: whether templates are rendered; otherwise arguments that are templates are left out.
        :raises EciValidationError: if one is wrong, or if some do not go together.
        """
        values = read_arguments(self, self.readers, source=self.source, is_rendered=is_rendered)
        self.check_together(values)
        if is_rendered:
            self.eci_conn_id = values["eci_conn_id"]
        return values

    def check_together(self, values: Mapping[str, Any]) -> None:
        """
        Refuse arguments that do not go together.

        :param values: the arguments, as far as they are known.
        :raises EciValidationError: naming the wrong one.
        """

    @abstractmethod
    def new_run(self, context: Context) -> SensorRun[Any]:
        """
        Return a run with the rendered arguments.

        :param context: Airflow's context.
        :raises EciValidationError: if an argument is wrong.
        """

    def render_template_fields(self, *arguments: Any, **named: Any) -> None:
        """Render the arguments; what a worker rendered does not count as what a triggerer can render."""
        self.start_from_trigger = self.start_from_trigger
        super().render_template_fields(*arguments, **named)

    def render_template(self, content: Any, *arguments: Any, **named: Any) -> Any:
        """Render a template as Airflow does; one that cannot be rendered fails the task without a retry."""
        store_links_itself(self)
        with final_template_errors(content, self.source):
            return super().render_template(content, *arguments, **named)

    def execute(self, context: Context) -> Any:
        """
        Wait.

        :param context: Airflow's context.
        :return: the result.
        :raises EciError: one of its children. If a retry cannot help, it is an ``AirflowFailException`` too; after
            ``timeout``, but not after ``execution_timeout``, it is an ``AirflowSensorTimeout`` too.
        :raises AirflowSkipException: instead of any of them, with ``soft_fail``.
        """
        with self._errors():
            run = self.new_run(context)
            run.show_link()
            if self.deferrable:
                result, deferral = run.wait_or_defer()
                if deferral is not None:
                    self.defer(**deferral, method_name="execute_complete")
                return result
            return self._reschedule(run) if self.reschedule else run.wait()

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Poll once; a transient failure counts as "not yet".

        :param context: Airflow's context.
        """
        run = self._run or self.new_run(context)
        is_done, result = run.poke()
        return PokeReturnValue(is_done=is_done, xcom_value=result)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Resume after the trigger has fired.

        :param context: Airflow's context.
        :param event: the trigger's event.
        :return: the result, as of :meth:`execute`.
        """
        with self._errors():
            run = self.new_run(context)
            # A sensor that started in the triggerer was rendered there, without the DAG's own settings.
            if not (self.start_from_trigger and run.is_about_another(event)):
                return run.complete(event)
        return self.execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume as every sensor does, but keep the reason of a skip, which Airflow would replace.

        If the trigger failed in Airflow, poll once more; the error then names the import or batch.
        """
        if next_method == TRIGGER_FAILED:
            with self._errors():
                return self.new_run(context).complete_without_event(next_kwargs)
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            if isinstance(skip.__cause__, AirflowSkipException):
                raise skip.__cause__ from skip.__cause__.__cause__
            raise

    def _reschedule(self, run: SensorRun[Any]) -> Any:
        """Poke once; if Airflow's ``timeout`` has expired, name what was waited for."""
        self._run = run
        try:
            return super().execute(run.context)
        except AirflowSensorTimeout as timeout:
            raise as_airflow_error(run.timeout_error(), AirflowSensorTimeout) from timeout
        finally:
            self._run = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors as Airflow expects them of a sensor, in every mode alike."""
        try:
            with final_errors():
                yield
        except EciValidationError:
            raise  # the DAG's author must correct a wrong argument; it is not skipped
        except (EciError, AirflowSensorTimeout) as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(error)) from error
            if isinstance(error, EciWaitTimeoutError) and not error.retry_helps:
                raise as_airflow_error(error, AirflowSensorTimeout) from error.__cause__
            raise
