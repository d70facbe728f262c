"""The verdict on a cell: its result compared with its expected end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.crash.cell_run import CellResult
from tests.crash.cells import Cell, Point
from tests.crash.expectation import ExpectedEnd, expected
from tests.crash.scenario import ACCOUNTS, EARLIER, OUR_CODE
from tests.crash.server import KEY

#: Return value of an import of two bills.
RESULT = {
    "status": "Completed",
    "outcome": "completed",
    "message": "2 bills imported, 0 rows kicked out.",
    "imported": 2,
    "kickouts": 0,
    "kickout_messages": [],
    "unresolved_flags": 0,
    "analyzing": 0,
    "voided": 0,
}
#: Return value of a round before the last, without the number of kickouts.
EARLIER_ROUND = {
    "status": "Completed with kickouts",
    "outcome": "completed_with_kickouts",
    "imported": 1,
    "voided": 0,
}
REMEDIES = ("adopt_task_guid", "reattach=False")


def problems(cell: Cell, run: CellResult) -> list[str]:
    """Return the differences between a cell's result and its expected end."""
    ending = expected(cell)
    found = list(run.problems)
    if run.died != (cell.point is not Point.NOWHERE):
        found.append(f"{run.died} processes were killed")
    found += _about_task(ending, run.record)
    if ending.kind == "twins":
        found += _about_twins(cell, run)
    about = {"open": _about_open, "profile": _about_profile, "status": _about_status}
    found += about.get(cell.operator, _about_import)(cell, ending, run)
    if KEY in f"{run.record}{run.log}":
        found.append("the API key is in the task's record or log")
    return found


def outcome(cell: Cell) -> str:
    """Return the expected end of a cell, for the table."""
    ending = expected(cell)
    if ending.kind == "done":
        return "done, reattached" if ending.reattached else "done"
    return f"{ending.kind}, {('none', 'one', 'two')[ending.made]} made"


def _about_task(ending: ExpectedEnd, record: dict[str, Any]) -> Iterator[str]:
    end = record["end"] or {"state": "not ended", "kinds": [], "message": ""}
    wanted = "success" if ending.kind == "done" else "failed"
    if end["state"] != wanted:
        yield f"the task is {end['state']} instead of {wanted}: {end['kinds'][:1]} {end['message']}"
        return
    if ending.kind == "unknown":
        if "EciUnknownOutcomeError" not in end["kinds"]:
            yield f"it failed with {end['kinds'][:1]} instead of EciUnknownOutcomeError: {end['message']}"
        yield from (f"its error does not name {text}" for text in REMEDIES if text not in end["message"])
    if ending.kind in ("refused", "twins") and "EciError" not in end["kinds"]:
        yield f"it failed with {end['kinds'][:1]}: {end['message']}"


def _about_twins(cell: Cell, run: CellResult) -> Iterator[str]:
    message = (run.record["end"] or {}).get("message", "")
    guids = [task["task_guid"] for task in _imports_of(cell, run)]
    yield from (f"its error does not name import {guid}: {message}" for guid in guids if guid not in message)


def _about_import(cell: Cell, ending: ExpectedEnd, run: CellResult) -> Iterator[str]:
    ours = _imports_of(cell, run)
    earlier = ours[: cell.rounds - 1]
    ours = ours[len(earlier) :]
    if len(ours) != ending.made:
        yield f"the server has {len(ours)} imports of ours instead of {ending.made}"
    bills = Counter(bill["account"] for bill in run.state["bills"])
    wrong = [account for number, account in enumerate(EARLIER) if bills[account] != (number < len(earlier))]
    yield from (f"the server has the bill of {account} {bills[account]} times" for account in wrong)
    if any(bills[account] != ending.made for account in ACCOUNTS):
        yield f"the server has the bills {[bills[account] for account in ACCOUNTS]} times instead of {ending.made}"
    result = run.record["xcoms"].get("return_value")
    if ending.kind != "done":
        guids = [short["task_guid"] for short in (result or {}).get("rounds", ())]
        of_first_round = bool(earlier) and guids == [earlier[0]["task_guid"]]
        # An import that is there twice has a result all the same.
        if result is not None and not of_first_round and ending.kind != "twins":
            yield f"it failed, but has a result: {result}"
        return
    if not ours or not isinstance(result, dict):
        yield f"the result is {result}"
        return
    result = dict(result)
    if cell.operator != "import":
        yield from _about_rounds(result.pop("rounds", []), [*earlier, ours[-1]], ending, run)
    yield from _about_result(result, ours[-1], ending, run)


def _imports_of(cell: Cell, run: CellResult) -> list[dict[str, Any]]:
    """Return the imports that the task has started."""
    name = "bills.csv" if cell.operator == "import" else "Kickouts_bills.zip"
    return [task for task in run.state["tasks"] if task["file_name"] == name]


def _about_rounds(
    rounds: list[dict[str, Any]], tasks: list[dict[str, Any]], ending: ExpectedEnd, run: CellResult
) -> Iterator[str]:
    if [short["task_guid"] for short in rounds] != [task["task_guid"] for task in tasks]:
        yield f"its rounds are {rounds}"
        return
    # Each later attempt starts with the first round, and finds its import.
    reattached = [run.record["try_number"] > 1] * (len(rounds) - 1) + [ending.reattached]
    left = range(len(ACCOUNTS) + len(rounds) - 2, len(ACCOUNTS) - 1, -1)
    ends = [*(EARLIER_ROUND | {"kickouts": number} for number in left), RESULT]
    for short, facts, again in zip(rounds, ends, reattached, strict=True):
        wanted = {name: facts[name] for name in (*EARLIER_ROUND, "kickouts")} | {"reattached": again}
        yield from _differences(short, _with_batch(wanted, _batch_of(short, run)))


def _about_result(
    result: dict[str, Any], task: dict[str, Any], ending: ExpectedEnd, run: CellResult
) -> Iterator[str]:
    batch = _batch_of(task, run)
    same = ("task_guid", "task_id", "batch_id", "begin_date", "end_date")
    facts = RESULT | {name: task[name] for name in same}
    facts |= {"batch_code": batch["batch_code"], "reattached": ending.reattached}
    facts = _with_batch(facts, batch)
    if result != facts:
        wrong = {name: result.get(name) for name in facts if result.get(name) != facts[name]}
        yield f"the result differs: {wrong or sorted(set(result) ^ set(facts))}"
    if run.record["xcoms"].get("task_guid") != task["task_guid"]:
        yield f"the XCom task_guid is {run.record['xcoms'].get('task_guid')}"


def _batch_of(facts: dict[str, Any], run: CellResult) -> dict[str, Any]:
    """Return the batch of an import at the end."""
    return next(batch for batch in run.state["batches"] if batch["batch_id"] == facts["batch_id"])


def _with_batch(facts: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Return an expected result, changed for its batch: the bills of a Pending batch are voided."""
    facts = facts | {"batch_status": batch["batch_status"].lower()}
    if batch["batch_status"] == "Pending":
        facts |= {"imported": 0, "voided": facts["imported"]}
    return facts


def _about_open(cell: Cell, ending: ExpectedEnd, run: CellResult) -> Iterator[str]:
    batches = run.state["batches"]
    ours = [batch for batch in batches if batch["batch_code"] == OUR_CODE and batch["owner"] == "sandbox"]
    if len(ours) != ending.made:
        yield f"the server has {len(ours)} batches of ours instead of {ending.made}"
        return
    before = next(batch["batch_status"] for batch in batches if batch["batch_code"] == "before")
    closing = cell.case.endswith("closing others") and bool(ours)
    if before != ("Closed" if closing else "Open"):
        yield f"the batch that was opened before is {before}"
    if ending.kind != "done":
        return
    batch, result = ours[0], run.record["xcoms"].get("return_value") or {}
    if batch["batch_status"] != "Open":
        yield f"our batch is {batch['batch_status']}"
    facts = {"batch_id": batch["batch_id"], "batch_code": OUR_CODE, "batch_status": "open", "note": "ours"}
    yield from _differences(result, facts)
    if run.record["xcoms"].get("batch_id") != batch["batch_id"]:
        yield f"the XCom batch_id is {run.record['xcoms'].get('batch_id')}"


def _about_profile(cell: Cell, ending: ExpectedEnd, run: CellResult) -> Iterator[str]:
    ours = [profile for profile in run.state["profiles"] if profile["profile_code"] == "ours"]
    if len(ours) != ending.made or len(ours) != len(run.state["profiles"]):
        yield f"the server has these profiles: {run.state['profiles']}"
        return
    if ours[0]["column_mapping"]["endDateColumnIndex"] != 3:
        yield f"its mapping is {ours[0]['column_mapping']}"
    facts = {"profile_id": ours[0]["profile_id"], "profile_code": "ours"}
    result = run.record["xcoms"].get("return_value") or {}
    yield from _differences(result, facts)
    if set(result) != set(facts):
        yield f"the result is {result}"


def _about_status(cell: Cell, ending: ExpectedEnd, run: CellResult) -> Iterator[str]:
    (batch,) = run.state["batches"]
    if batch["batch_status"] != cell.case:
        yield f"the batch is {batch['batch_status']}"
    voided = [bill["voided"] for bill in run.state["bills"]]
    if voided != [cell.case == "Pending"] * len(ACCOUNTS):
        yield f"its bills are voided: {voided}"
    facts = {"batch_id": batch["batch_id"], "batch_status": cell.case.lower(), "bill_count": len(ACCOUNTS)}
    yield from _differences(run.record["xcoms"].get("return_value") or {}, facts)


def _differences(result: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        if result.get(name) != value:
            yield f"in the result, {name} is {result.get(name)!r} instead of {value!r}"
