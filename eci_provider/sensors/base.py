"""What both sensors share: three ways to wait with one meaning."""

from __future__ import annotations

import inspect
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
from eci_provider.links import EciLink, Linked
from eci_provider.runtime.advice import add, by_waiting
from eci_provider.runtime.arguments import is_template, positive_seconds
from eci_provider.runtime.exceptions import as_airflow_error, final_errors
from eci_provider.waiting.deadlines import deadline_after, execution_deadline, framework_timeout

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.models import ResponseModel
    from eci_provider.hooks.eci import EciHook
    from eci_provider.triggers.base import EciTrigger

#: What a worker calls before a wait begins, and a triggerer does not.
_BEFORE_THE_WAIT = (
    "render_template_fields",
    "pre_execute",
    "execute",
    "check_rendered",
    "link_facts",
    "show_link",
    "trigger",
    "defer",
)

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

    #: Whether it has all its arguments: Airflow looks at it before.
    _is_made = False

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
        # Airflow takes both as long as nobody has to compute with them; its scheduler stumbles over such a task.
        for name, span in (("timeout", self.timeout), ("execution_timeout", self.execution_timeout)):
            if span:
                positive_seconds(name, span, source=self.source)

    def render_template_fields(self, *arguments: Any, **named: Any) -> None:
        """Render the arguments; what was rendered is not to pass for what a triggerer could have rendered."""
        self.start_from_trigger = self.start_from_trigger
        super().render_template_fields(*arguments, **named)

    @property
    def source(self) -> str:
        """Return whose arguments they are, for messages."""
        return f"{type(self).__name__} {self.task_id!r}"

    @abstractmethod
    def check_rendered(self) -> None:
        """Refuse wrong arguments once templates are rendered."""

    @abstractmethod
    def trigger(self, deadline: datetime | None, execution_deadline: datetime | None = None) -> EciTrigger:
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
            deadline of ``timeout`` also an ``AirflowSensorTimeout``, and at that of ``execution_timeout`` not.
        :raises AirflowSkipException: instead of any of them, with ``soft_fail``.
        """
        self.link_url = ""
        with self._failures():
            self.check_rendered()
            with self._hook() as hook:
                self.show_link(context, hook, **self.link_facts)
            if self.deferrable:
                self._defer(context)
            if self.reschedule:
                return self._reschedule(context)
            return self._wait_here(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; a transient failure counts as "not yet"."""
        with self._hook() as hook:
            self._poked = self.trigger(None).poller(hook)
            with _waiting():
                found = self._poked.poll_once()
            if found is None:
                return PokeReturnValue(is_done=False)
            return PokeReturnValue(is_done=True, xcom_value=self.conclude(context, hook, found))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Go on when the trigger has fired.

        :param context: Airflow's context.
        :param event: what the trigger says.
        """
        from eci_provider.waiting.events import unpack

        with self._failures():
            self.check_rendered()
            is_about_another = self._is_about_another(event)
        if is_about_another:
            return self.execute(context)
        with self._failures(), self._hook() as hook:
            self.show_link(context, hook, **self.link_facts)
            with _waiting():
                found = self.read_event(unpack(event))
            return self.conclude(context, hook, found)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume as every sensor does, but keep the reason why it is skipped, which Airflow would replace.

        Where Airflow gave the trigger up, look once more and say what was waited for.
        """
        from eci_provider.waiting.resume import TRIGGER_FAILED

        if next_method == TRIGGER_FAILED:
            return self._resume_without_event(next_kwargs, context)
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            if isinstance(skip.__cause__, AirflowSkipException):
                raise skip.__cause__ from skip.__cause__.__cause__
            raise

    def can_start_in_the_triggerer(self) -> bool:
        """Tell whether nothing has to happen in a worker before the wait."""
        return (
            self._is_made
            and self.deferrable
            and not any(_is_overridden(type(self), name) or name in vars(self) for name in _BEFORE_THE_WAIT)
            and not is_template(self.eci_conn_id)
            and not self.on_execute_callback
            and getattr(self, "_pre_execute_hook", None) is None
        )

    def _is_about_another(self, event: dict[str, Any] | None) -> bool:
        """
        Tell whether a trigger waited for something else than a worker would have, or could not tell for what.

        That can be when the task started in the triggerer, which renders templates without the DAG's own settings.
        """
        name, wanted = next(iter(self.link_facts.items()))
        waited_for = event.get(name) if isinstance(event, dict) else None
        return (
            self.start_from_trigger and waited_for is not None and str(waited_for).lower() != str(wanted).lower()
        )

    def _resume_without_event(self, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        from eci_provider.waiting.resume import final_result

        with self._failures(), self._hook() as hook:
            self.show_link(context, hook, **self.link_facts)
            started = _start_of(context)
            deadline = deadline_after(self.timeout, since=started) if started else None
            wait = self.trigger(deadline, execution_deadline(self.execution_timeout, started)).poller(hook)
            with _waiting():
                found = final_result(wait, next_kwargs)
            return self.conclude(context, hook, found)

    def _reschedule(self, context: Context) -> Any:
        """Poke once, and let Airflow's time-out say what was waited for."""
        try:
            return super().execute(context)
        except AirflowSensorTimeout as timeout:
            with _waiting():
                raise as_airflow_error(
                    self._poked.timeout_error(None, ended_by="timeout"), AirflowSensorTimeout
                ) from timeout

    def _wait_here(self, context: Context) -> Any:
        from eci_provider.waiting.timeouts import wait_in_worker

        with self._hook() as hook:
            wait = self.trigger(deadline_after(self.timeout)).poller(hook)
            with _waiting():
                found = wait_in_worker(wait)
            return self.conclude(context, hook, found)

    def _defer(self, context: Context) -> NoReturn:
        deadline = deadline_after(self.timeout)
        self.defer(
            trigger=self.trigger(deadline, execution_deadline(self.execution_timeout, _start_of(context))),
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
            if isinstance(error, EciWaitTimeoutError) and not error.retry_helps:
                raise as_airflow_error(error, AirflowSensorTimeout) from error.__cause__
            raise


@contextmanager
def _waiting() -> Iterator[None]:
    """Say in errors that end the wait how to go on with it."""
    try:
        yield
    except EciError as error:
        add(error, after=by_waiting(error))
        raise


def _is_overridden(cls: type, name: str) -> bool:
    """Tell whether a subclass of one of our sensors has a method of its own, by itself or from a mixin."""
    ours = next(base for base in cls.__mro__ if base.__module__.startswith("eci_provider."))
    return inspect.getattr_static(cls, name, None) is not inspect.getattr_static(ours, name, None)


def _start_of(context: Context) -> datetime | None:
    """Return when Airflow began the try, as far as it says so."""
    started = getattr(context.get("ti"), "start_date", None)
    return started if isinstance(started, datetime) else None
