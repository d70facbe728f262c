"""The arguments that all operators share which start an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from eci_provider.batches.on_kill import ON_KILL
from eci_provider.core.paths import as_text
from eci_provider.core.values import plain
from eci_provider.reports.arguments import check_kickout_report, check_report
from eci_provider.runtime.readers import (
    ON_KICKOUTS,
    Reader,
    Reading,
    choice,
    kickout_limit,
    optional,
    renamed,
    seconds,
    statuses,
    switch,
    task_guid,
)


def _report(name: str, value: Any, reading: Reading) -> Any:
    """Return the path of a report, which says its format."""
    value = as_text(plain(value))
    check_report(value, name=name, source=reading.source)
    return value


#: How the arguments are read.
IMPORT_READERS: Mapping[str, Reader] = {
    "wait_for_completion": switch,
    "wait_for_analysis": switch,
    "deferrable": switch,
    "poll_interval": seconds,
    "timeout": seconds,
    "on_kickouts": choice(ON_KICKOUTS),
    "max_kickouts": optional(kickout_limit),
    "success_statuses": optional(statuses),
    "kickout_report": optional(_report),
    "reattach": switch,
    "adopt_task_guid": optional(task_guid),
    "kill_action": renamed("on_kill", choice(ON_KILL)),
}
#: Those of them that may be templates.
IMPORT_TEMPLATES = (
    "reattach",
    "adopt_task_guid",
    "wait_for_completion",
    "wait_for_analysis",
    "on_kickouts",
    "max_kickouts",
    "success_statuses",
    "kickout_report",
    "kill_action",
)


def check_import_arguments(values: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse arguments that do not go together.

    :param values: the arguments, as far as they are known.
    :param source: whose arguments they are, for messages.
    :raises EciValidationError: naming the wrong one.
    """
    check_kickout_report(
        values.get("kickout_report"),
        source=source,
        file=values.get("file"),
        wait_for_completion=values.get("wait_for_completion", True),
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)  # cheap to make when a DAG file is parsed
class ImportArguments:
    """
    The arguments of a task that starts an import and waits for it, once templates are rendered.

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
    :param kill_action: the argument ``on_kill``: what a kill does to the import.
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
    max_kickouts: float | None
    success_statuses: Sequence[str] | None
    kickout_report: Any
    reattach: bool
    adopt_task_guid: str | None
    kill_action: str
    file: Any = None
    file_names: Sequence[str] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], **facts: Any) -> ImportArguments:
        """
        Return the arguments from what was read of an operator.

        :param values: the values of :data:`IMPORT_READERS`.
        :param facts: the other arguments of this class.
        """
        return cls(**{name: values[name] for name in IMPORT_READERS}, **facts)
