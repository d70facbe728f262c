"""What both sensors share: three ways to wait with one meaning."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from eci_provider.api.errors import EciError, EciValidationError, EciWaitTimeoutError
from eci_provider.arguments import positive_seconds
from eci_provider.failing import as_also, final_errors
from eci_provider.links import EciLink, Linked
from eci_provider.waiting import deadline_after, framework_timeout

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.models import ResponseModel
    from eci_provider.hooks.eci import EciHook
    from eci_provider.triggers.base import EciTrigger

_Found = TypeVar("_Found", bound="ResponseModel")


class EciSensor(Linked, BaseSensorOperator, Generic[_Found]):
    """
    Be the base of both sensors.

    In mode ``poke`` and when deferrable, looks start a second apart and slow down to ``poke_interval``, transient
    failures are waited out, and the last look falls on the deadline. In mode ``reschedule`` every look is a new
    process, ``poke_interval`` apart.

    :param eci_conn_id: the Airflow connection.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param poke_interval: seconds between two looks.
    """

    template_fields: Sequence[str] = ("eci_conn_id",)
    operator_extra_links: Sequence[EciLink] = (EciLink(),)
    ui_color = "#e8f3ec"

    def __init__(
        self,
        *,
        eci_conn_id: str = "eci_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.eci_conn_id = eci_conn_id
        self.deferrable = deferrable
        positive_seconds("poke_interval", poke_interval, source=self.source)

    @property
    def source(self) -> str:
        """Return whose arguments they are, for messages."""
        return f"{type(self).__name__} {self.task_id!r}"

    @abstractmethod
    def check_rendered(self) -> None:
        """Refuse wrong arguments once templates are rendered."""

    @abstractmethod
    def trigger(self, deadline: datetime | None) -> EciTrigger:
        """Return the wait, which a triggerer or a worker carries out."""

    @abstractmethod
    def read_event(self, found: dict[str, Any]) -> _Found:
        """Return what a trigger found."""

    @property
    @abstractmethod
    def link_facts(self) -> dict[str, Any]:
        """Return what is known for the link before the first look."""

    @abstractmethod
    def conclude(self, context: Context, hook: EciHook, found: _Found) -> dict[str, Any]:
        """Return the sensor's result, or end the task as the outcome says."""

    def execute(self, context: Context) -> Any:
        """
        Wait.

        :param context: Airflow's context.
        :return: the result.
        :raises EciError: one of its children; where a retry cannot help, also an ``AirflowFailException``; at the
            deadline also an ``AirflowSensorTimeout``.
        :raises AirflowSkipException: instead of any of them, with ``soft_fail``.
        """
        self.link_url = ""
        with self._failures():
            self.check_rendered()
            with self._hook() as hook:
                self.show_link(context, hook, **self.link_facts)
            if self.deferrable:
                self._defer()
            if self.reschedule:
                return self._reschedule(context)
            return self._wait_here(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; a transient failure counts as "not yet"."""
        with self._hook() as hook:
            self._poked = self.trigger(None).wait(hook)
            found = self._poked.look_once()
            if found is None:
                return PokeReturnValue(is_done=False)
            return PokeReturnValue(is_done=True, xcom_value=self.conclude(context, hook, found))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Go on when the trigger has fired.

        :param context: Airflow's context.
        :param event: what the trigger says.
        """
        from eci_provider.events import unpack

        with self._failures(), self._hook() as hook:
            self.show_link(context, hook, **self.link_facts)
            return self.conclude(context, hook, self.read_event(unpack(event)))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume as every sensor does, but keep the reason why it is skipped, which Airflow would replace."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            if isinstance(skip.__cause__, AirflowSkipException):
                raise skip.__cause__ from skip.__cause__.__cause__
            raise

    def _reschedule(self, context: Context) -> Any:
        """Poke once, and let Airflow's time-out say what was waited for."""
        try:
            return super().execute(context)
        except AirflowSensorTimeout as timeout:
            raise as_also(self._poked.overdue(None), AirflowSensorTimeout) from timeout

    def _wait_here(self, context: Context) -> Any:
        with self._hook() as hook:
            wait = self.trigger(deadline_after(self.timeout)).wait(hook)
            return self.conclude(context, hook, wait.run())

    def _defer(self) -> NoReturn:
        deadline = deadline_after(self.timeout)
        self.defer(
            trigger=self.trigger(deadline),
            method_name="execute_complete",
            timeout=framework_timeout(deadline),
        )

    def _hook(self) -> EciHook:
        from eci_provider.hooks.eci import EciHook

        return EciHook(self.eci_conn_id)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Give every failure the same fate in every mode."""
        try:
            with final_errors():
                yield
        except EciValidationError:
            raise  # a wrong argument is the author's to mend, and not to be skipped over
        except (EciError, AirflowSensorTimeout) as error:
            if self.soft_fail or getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            if isinstance(error, EciWaitTimeoutError):
                raise as_also(error, AirflowSensorTimeout) from error.__cause__
            raise
