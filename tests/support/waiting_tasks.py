"""The three tasks that wait for an import, in both modes, behind one face."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from eci_provider.api import EciClient
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor

ADVANCED = "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
KINDS = ("import", "retry", "sensor")


def bill_file(folder: Path, *accounts: str) -> Path:
    """Write a file with one bill for each account; of corrected bills (C) EnergyCAP keeps each that is sent."""
    path = folder / "bills.csv"
    path.write_text(ADVANCED + "".join(f"{account},20260101,20260131,C,,100.00\n" for account in accounts))
    return path


def waiting_task(kind: str, sandbox: Sandbox, folder: Path, *, deferrable: bool, good: bool, **arguments: Any):
    """
    Return a task that waits for an import of two bills.

    :param kind: ``import``, ``retry`` or ``sensor``.
    :param good: whether both bills' accounts are known by then; else one of them is not.
    :param arguments: the task's waiting arguments; ``timeout`` in seconds.
    """
    path = bill_file(folder, "A-1", "A-2")
    task: BaseOperator
    if kind == "import":
        _know(sandbox, good)
        task = ImportBillsOperator(
            task_id="waits", file=str(path), deferrable=deferrable, poll_interval=10, **_operator(arguments)
        )
    elif kind == "retry":
        guid = _kicked_out(sandbox, path)
        _know(sandbox, good)
        task = RetryKickoutsOperator(
            task_id="waits", task_guid=guid, deferrable=deferrable, poll_interval=10, **_operator(arguments)
        )
    else:
        _know(sandbox, good)
        with EciClient(sandbox.url, sandbox.api_key) as client:
            guid = client.bill_imports.submit(path)
        task = EciTaskSensor(task_id="waits", task_guid=guid, deferrable=deferrable, poke_interval=10, **arguments)
    return task


def _operator(arguments: dict[str, Any]) -> dict[str, Any]:
    timeout = arguments.pop("timeout", 6 * 3600)
    return {**arguments, "timeout": timedelta(seconds=timeout)}


def _know(sandbox: Sandbox, good: bool) -> None:
    sandbox.add_account("A-1")
    if good:
        sandbox.add_account("A-2")


def _kicked_out(sandbox: Sandbox, path: Path) -> str:
    """Return an import both of whose bills were kicked out."""
    delay, sandbox.settings.delay = sandbox.settings.delay, 0
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(path)
        assert client.tasks.get(guid).status == "Completed with kickouts"
    sandbox.settings.delay = delay
    return guid
