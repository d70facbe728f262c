"""The table at the end: the result of the run, compared with the bill file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dev.demo.bills import Bills
from dev.demo.story import is_retry, reasons
from eci_provider.sandbox import Sandbox


@dataclass(frozen=True)
class Result:
    """
    Result of a run.

    :param lines: the table.
    :param wrong: what is not as it must be; empty if nothing is.
    """

    lines: list[str]
    wrong: str


def result(sandbox: Sandbox, bills: Bills) -> Result:
    """
    Return the result of a run that has ended.

    :param sandbox: where the bills were imported.
    :param bills: the file that was sent.
    """
    batches, tasks = sandbox.batches(), sandbox.tasks()
    if len(batches) != 1 or not tasks:
        return Result([], f"there are {len(batches)} batches and {len(tasks)} imports in the sandbox")
    batch = batches[0]
    money = Decimal(str(batch["running_total"])).quantize(Decimal("0.01"))
    retries = [task for task in tasks if is_retry(task)]
    first = [task for task in tasks if not is_retry(task)]
    remaining = (retries or first)[-1]["kickouts"]
    kicked_out = [line for task in first for line in reasons(sandbox, task["task_guid"])]
    rows = [
        ("Batch", batch["batch_code"]),
        ("Bills imported", f"{batch['bill_count']}, from {bills.rows} rows of the file"),
        ("Money imported", f"${money:,.2f}, {_compare(money, bills.charges)}"),
        ("Rows kicked out", str(sum(count for _, count in kicked_out))),
        *(("", f"{count:3} {message}") for message, count in kicked_out),
        ("Retry of kickouts", _describe(retries)),
        ("Batch status", batch["batch_status"]),
    ]
    wrong = _wrong(batch["batch_status"], remaining, money, bills.charges)
    return Result([f"{name:<19}{value}" for name, value in rows], wrong)


def _compare(money: Decimal, charges: Decimal) -> str:
    if money == charges:
        return "equal to the sum of Current Charges in the file"
    return f"but the sum of Current Charges in the file is ${charges:,.2f}"


def _describe(retries: list[dict[str, Any]]) -> str:
    if not retries:
        return "none"
    bills, remaining = sum(task["imported"] for task in retries), retries[-1]["kickouts"]
    return f"{bills} more bills imported, {remaining or 'no'} rows kicked out again"


def _wrong(status: str, remaining: int, money: Decimal, charges: Decimal) -> str:
    if status != "Closed":
        return f"the batch is {status}, not Closed"
    if remaining:
        return f"{remaining} rows are still kicked out"
    return "" if money == charges else "the sums of money differ"
