"""What came of a run, as a short table, and whether it is what the bills file promised."""

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
    What came of a run.

    :param lines: the table.
    :param wrong: what is not as it should be, empty when all is well.
    """

    lines: list[str]
    wrong: str


def result(sandbox: Sandbox, bills: Bills) -> Result:
    """
    Look at what stands in the sandbox when the run is over.

    :param bills: the file that was sent.
    """
    batches, tasks = sandbox.batches(), sandbox.tasks()
    if len(batches) != 1 or not tasks:
        return Result([], f"there are {len(batches)} batches and {len(tasks)} imports in the sandbox")
    batch = batches[0]
    money = Decimal(str(batch["running_total"])).quantize(Decimal("0.01"))
    retries = [task for task in tasks if is_retry(task)]
    first = [task for task in tasks if not is_retry(task)]
    left_over = (retries or first)[-1]["kickouts"]
    wrong = _wrong(batch["batch_status"], left_over, money, bills.charges)
    kicked_out = [line for task in first for line in reasons(sandbox, task["task_guid"])]
    rows = [
        ("Batch", batch["batch_code"]),
        ("Bills imported", f"{batch['bill_count']}, from {bills.rows} rows of the file"),
        ("Money imported", f"${money:,.2f}, {_compared(money, bills.charges)}"),
        ("Rows kicked out", str(sum(count for _, count in kicked_out))),
        *(("", f"{count:3} {message}") for message, count in kicked_out),
        ("The retry brought", _brought(retries)),
        ("Batch status", batch["batch_status"]),
    ]
    return Result([f"{name:<19}{value}" for name, value in rows], wrong)


def _compared(money: Decimal, charges: Decimal) -> str:
    if money == charges:
        return "the sum of the file's Current Charges to the cent"
    return f"but the file's Current Charges add up to ${charges:,.2f}"


def _brought(retries: list[dict[str, Any]]) -> str:
    if not retries:
        return "nothing; there was none"
    bills, left_over = sum(task["imported"] for task in retries), retries[-1]["kickouts"]
    return f"{bills} bills more, {left_over or 'no'} rows left over"


def _wrong(status: str, left_over: int, money: Decimal, charges: Decimal) -> str:
    if status != "Closed":
        return f"the batch is {status}, not Closed"
    if left_over:
        return f"{left_over} rows are still kicked out"
    return "" if money == charges else "the money does not add up"
