"""The arguments that all operators share which start an import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from eci_provider.reports.arguments import check_kickout_report
from eci_provider.runtime.arguments import (
    ON_KICKOUTS,
    allowed_kickouts,
    check_choice,
    check_statuses,
    is_left_out,
    is_template,
    positive_seconds,
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)  # cheap to make when a DAG file is parsed
class ImportArguments:
    """
    The arguments of a task that starts an import and waits for it, as its operator has them now.

    :param owner: whose arguments they are, for messages, such as ``ImportBillsOperator 'import_bills'``.
    :param eci_conn_id: the Airflow connection.
    :param execution_timeout: Airflow's limit for one attempt.
    :param wait_for_completion: whether to wait at all.
    :param wait_for_analysis: whether to wait until the imported bills are analysed, too.
    :param deferrable: whether to wait in the triggerer.
    :param poll_interval: seconds between two polls.
    :param timeout: seconds that the import may take from its submission.
    :param on_kickouts: what kickouts make of the task.
    :param max_kickouts: up to how many rows, or which share of them, kickouts are only a warning.
    :param success_statuses: further statuses that count as success.
    :param kickout_report: where the kickout report is written.
    :param reattach: whether a later attempt takes the import of an earlier one.
    :param adopt_task_guid: the import to take instead of starting one.
    :param file: the bill file, if there is one: no report may replace it.
    :param file_names: the names of the files in the ZIP that was imported, for the report.
    """

    owner: str
    eci_conn_id: str
    execution_timeout: timedelta | None
    wait_for_completion: bool
    wait_for_analysis: bool
    deferrable: bool
    poll_interval: float
    timeout: float
    on_kickouts: str
    max_kickouts: Any
    success_statuses: Any
    kickout_report: Any
    reattach: bool
    adopt_task_guid: Any
    file: Any = None
    file_names: Any = None

    def check(self) -> None:
        """
        Refuse wrong arguments; templates are left for later.

        :raises EciValidationError: naming the wrong one.
        """
        positive_seconds("poll_interval", self.poll_interval, source=self.owner)
        positive_seconds("timeout", self.timeout, source=self.owner)
        check_choice("on_kickouts", self.on_kickouts, ON_KICKOUTS, source=self.owner)
        check_statuses(self.success_statuses, source=self.owner)
        allowed_kickouts(self.max_kickouts, source=self.owner)
        check_kickout_report(
            self.kickout_report,
            source=self.owner,
            file=self.file,
            file_names=self.file_names,
            wait_for_completion=self.wait_for_completion,
        )
        _ = self.adopted

    @property
    def success_literals(self) -> Sequence[str]:
        """Return the further statuses that count as success."""
        return tuple(self.success_statuses or ())

    @property
    def allowed_kickouts(self) -> float | None:
        """Return up to how many rows, or which share of them, kickouts are only a warning."""
        return allowed_kickouts(self.max_kickouts, source=self.owner)

    @property
    def adopted(self) -> str | None:
        """
        Return the GUID of the import to adopt; None if there is none, or if it is a template.

        :raises EciValidationError: if it is not a GUID.
        """
        # Late, since the models are not loaded for a DAG that adopts nothing.
        from eci_provider.api.tasks import checked_guid

        guid = self.adopt_task_guid
        if is_template(guid) or is_left_out(guid):
            return None
        return checked_guid(guid, source=self.owner, name="adopt_task_guid")
