"""A notifier that tells people about kickouts, with any other notifier of Airflow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from airflow.providers.common.compat.sdk import BaseNotifier

from eci_provider.core.errors import EciValidationError
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.notifications.message import KickoutMessage

log = logging.getLogger(__name__)

#: What sends a message: a notifier of Airflow, or a function that is called with Airflow's context.
Sender: TypeAlias = "Callable[[Context], Any]"
#: For which imports a message is sent.
When: TypeAlias = "Literal['kickouts', 'always'] | Callable[[KickoutMessage], bool]"

#: Under which name templates of a sender find the message.
MESSAGE_KEY = "kickouts"


class EciKickoutNotifier(BaseNotifier):
    """
    Send a message about the kicked-out rows of an import: how many, why, and where to look.

    It sends with any notifier of Airflow. The templates of that notifier find the message as ``kickouts``::

        tell_analysts = EciKickoutNotifier(
            send=SlackNotifier(channel="#utility-bills", text="{{ kickouts.slack }}"),
        )
        ImportBillsOperator(
            task_id="import_bills",
            file="bills.csv",
            on_failure_callback=tell_analysts,
            on_success_callback=tell_analysts,
        )

    Use it as any callback of a task that waits for an import: ImportBillsOperator, RetryKickoutsOperator or
    EciTaskSensor. ``on_failure_callback`` is for ``on_kickouts="fail"``, ``on_success_callback`` for ``"warn"``
    and ``max_kickouts``, and ``on_skipped_callback`` for ``"skip"``. Given to other tasks, such as by
    ``default_args``, it sends nothing.

    If a message cannot be sent, that is logged. The task's state stays as it is.

    :param send: a notifier such as SlackNotifier or SmtpNotifier, or a function that is called with Airflow's
        context, in which ``context["kickouts"]`` is the message; or several of them in a list. If one fails, the
        next one sends all the same.
    :param when: for which imports to send: ``"kickouts"``, those with kicked-out rows; ``"always"``, all that
        ended; or a function that is called with the message of those with kicked-out rows, and says whether to
        send it. Default: ``"kickouts"``.
    :param note: a text at the end of the message, such as whom to ask. Default: none. Templated.
    """

    template_fields: Sequence[str] = ("note",)

    def __init__(
        self, send: Sender | Sequence[Sender], *, when: When = "kickouts", note: str | None = None
    ) -> None:
        super().__init__()
        self.send: tuple[Sender, ...] = tuple(send) if isinstance(send, Sequence) else (send,)
        self.when: When = when
        self.note = note
        #: Of which attempt the last message was; the copies that are rendered share it.
        self._last: list[tuple[Any, ...]] = []
        self._check()

    def _check(self) -> None:
        """Refuse arguments that could only fail when a message is due."""
        problems = [
            f"send has {each!r}, which is neither a notifier nor a function"
            for each in self.send
            if isinstance(each, type) or not callable(each)
        ]
        if not self.send:
            problems.append("send is empty. Give a notifier or a function")
        if not (callable(self.when) or self.when in ("kickouts", "always")):
            problems.append(f"when is {self.when!r}. Use 'kickouts', 'always' or a function of the message")
        if not (self.note is None or isinstance(self.note, str)):
            problems.append(f"note is {self.note!r}. Give a text")
        if problems:
            raise EciValidationError(problems, source=type(self).__name__)

    def __call__(self, *args: Any) -> None:
        """
        Send the message, if the task has kickouts to report; never raise.

        :param args: Airflow's context.
        """
        try:
            # Airflow renders a notifier in place, and adds to the context. Copies keep the templates for the next
            # task of this process, and the context for the next callback.
            super(EciKickoutNotifier, copy(self)).__call__(*(copy(each) for each in args))
        except Exception as error:  # of a template or of Airflow; it must not change what became of the task
            log.warning("No message about kickouts: %s: %s", type(error).__name__, shown(str(error)))

    def notify(self, context: Context) -> None:
        """
        Send the message, if the task has kickouts to report.

        :param context: Airflow's context.
        """
        from eci_provider.notifications.message import message_of

        message = message_of(context, note=self.note)
        if message is None:
            if getattr(context.get("task"), "do_xcom_push", True) is False:
                log.warning("No message about kickouts: with do_xcom_push=False the result is not known here.")
            return
        # Airflow 2 calls on_success_callback after on_skipped_callback, too.
        if not self._is_due(message) or message.attempt in self._last:
            return
        self._last[:] = [message.attempt]
        cast("dict[str, Any]", context)[MESSAGE_KEY] = message
        for each in self.send:
            self._send(each, context, message)

    def _is_due(self, message: KickoutMessage) -> bool:
        if self.when == "always":
            return True
        return message.has_kickouts and (self.when == "kickouts" or bool(self.when(message)))

    @staticmethod
    def _send(sender: Sender, context: Context, message: KickoutMessage) -> None:
        name = getattr(sender, "__name__", type(sender).__name__)
        try:
            (copy(sender) if isinstance(sender, BaseNotifier) else sender)(copy(context))
        except Exception as error:  # of another library
            reason = f"{type(error).__name__}: {shown(str(error))}"
            log.warning("%s could not send the message about import %s: %s", name, message.task_guid, reason)
        else:
            log.info("Message about import %s handed to %s: %s", message.task_guid, name, message.subject)
