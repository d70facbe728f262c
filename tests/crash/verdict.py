"""Compare what became of a cell with what must become of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.crash.cells import Cell, Point
from tests.crash.expectation import Ending, expected
from tests.crash.play import Played
from tests.crash.server import KEY
from tests.crash.stage import ACCOUNTS, FIRST, OUR_CODE

#: What a result says of an import of two bills that went well, whatever happened on the way.
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
#: What the first of two rounds says, whose other rows were kicked out.
FIRST_ROUND = {
    "status": "Completed with kickouts",
    "outcome": "completed_with_kickouts",
    "imported": 1,
    "voided": 0,
    "kickouts": 2,
}
REMEDIES = ("adopt_task_guid", "reattach=False")


def complaints(cell: Cell, played: Played) -> list[str]:
    """Return what is wrong with how a cell ended; nothing if it ended as it must."""
    ending = expected(cell)
    found = list(played.complaints)
    if played.died != (cell.point is not Point.NOWHERE):
        found.append(f"{played.died} processes were killed")
    found += _about_task(ending, played.memory)
    about = {"open": _about_open, "profile": _about_profile, "status": _about_status}
    found += about.get(cell.operator, _about_import)(cell, ending, played)
    if KEY in f"{played.memory}{played.log}":
        found.append("the API key shows")
    return found


def outcome(cell: Cell) -> str:
    """Name how a cell ends, for the table."""
    ending = expected(cell)
    if ending.kind == "done":
        return "done, reattached" if ending.reattached else "done"
    return f"{ending.kind}, {'one' if ending.made else 'none'} there"


def _about_task(ending: Ending, memory: dict[str, Any]) -> Iterator[str]:
    end = memory["end"] or {"state": "not ended", "kinds": [], "message": ""}
    wanted = "success" if ending.kind == "done" else "failed"
    if end["state"] != wanted:
        yield f"the task is {end['state']} and not {wanted}: {end['kinds'][:1]} {end['message']}"
        return
    if ending.kind == "unknown":
        if "EciUnknownOutcomeError" not in end["kinds"]:
            yield f"it failed with {end['kinds'][:1]} and not with EciUnknownOutcomeError: {end['message']}"
        yield from (f"its error does not name {text}" for text in REMEDIES if text not in end["message"])
    if ending.kind == "refused" and "EciError" not in end["kinds"]:
        yield f"it failed with {end['kinds'][:1]}: {end['message']}"


def _about_import(cell: Cell, ending: Ending, played: Played) -> Iterator[str]:
    name = "bills.csv" if cell.operator == "import" else "Kickouts_bills.zip"
    ours = [task for task in played.state["tasks"] if task["file_name"] == name]
    first = ours.pop(0) if ours and cell.operator == "rounds" else None
    if len(ours) != ending.made:
        yield f"the server holds {len(ours)} imports of ours and not {ending.made}"
    bills = Counter(bill["account"] for bill in played.state["bills"])
    if bills[FIRST] != (first is not None):
        yield f"the first round's bill is there {bills[FIRST]} times"
    if any(bills[account] != ending.made for account in ACCOUNTS):
        yield f"the bills are there {[bills[account] for account in ACCOUNTS]} times and not {ending.made}"
    result = played.memory["xcoms"].get("return_value")
    if ending.kind != "done":
        told = [short["task_guid"] for short in result["rounds"]] if result is not None else []
        if told != ([first["task_guid"]] if first and cell.operator == "rounds" and result else []):
            yield f"it failed, but has a result: {result}"
        return
    if not ours or not isinstance(result, dict):
        yield f"the result is {result}"
        return
    result = dict(result)
    if cell.operator != "import":
        yield from _about_rounds(result.pop("rounds"), [first, ours[-1]] if first else [ours[-1]], ending, played)
    yield from _about_result(result, ours[-1], ending, played)


def _about_rounds(
    told: list[dict[str, Any]], tasks: list[dict[str, Any]], ending: Ending, played: Played
) -> Iterator[str]:
    if [short["task_guid"] for short in told] != [task["task_guid"] for task in tasks]:
        yield f"its rounds are {told}"
        return
    # Every later try goes through the first round again, and finds it.
    reattached = [played.memory["try_number"] > 1] * (len(told) - 1) + [ending.reattached]
    for short, facts, again in zip(told, [*[FIRST_ROUND] * (len(told) - 1), RESULT], reattached, strict=True):
        wanted = {name: facts[name] for name in FIRST_ROUND} | {"reattached": again}
        yield from _differences(short, _as_it_stands(wanted, _batch_of(short, played)))


def _about_result(result: dict[str, Any], task: dict[str, Any], ending: Ending, played: Played) -> Iterator[str]:
    batch = _batch_of(task, played)
    same = ("task_guid", "task_id", "batch_id", "begin_date", "end_date")
    facts = RESULT | {name: task[name] for name in same}
    facts |= {"batch_code": batch["batch_code"], "reattached": ending.reattached}
    facts = _as_it_stands(facts, batch)
    if result != facts:
        wrong = {name: result.get(name) for name in facts if result.get(name) != facts[name]}
        yield f"the result differs: {wrong or sorted(set(result) ^ set(facts))}"
    if played.memory["xcoms"].get("task_guid") != task["task_guid"]:
        yield f"the XCom task_guid is {played.memory['xcoms'].get('task_guid')}"


def _batch_of(facts: dict[str, Any], played: Played) -> dict[str, Any]:
    """Return the batch of an import, as the server holds it in the end."""
    return next(batch for batch in played.state["batches"] if batch["batch_id"] == facts["batch_id"])


def _as_it_stands(facts: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Return what a result must say, its batch standing so: the bills of a Pending one are void."""
    facts = facts | {"batch_status": batch["batch_status"].lower()}
    if batch["batch_status"] == "Pending":
        facts |= {"imported": 0, "voided": facts["imported"]}
    return facts


def _about_open(cell: Cell, ending: Ending, played: Played) -> Iterator[str]:
    batches = played.state["batches"]
    ours = [batch for batch in batches if batch["batch_code"] == OUR_CODE and batch["owner"] == "sandbox"]
    if len(ours) != ending.made:
        yield f"the server holds {len(ours)} batches of ours and not {ending.made}"
        return
    before = next(batch["batch_status"] for batch in batches if batch["batch_code"] == "before")
    closing = cell.case.endswith("closing others") and bool(ours)
    if before != ("Closed" if closing else "Open"):
        yield f"the batch that was open before is {before}"
    if ending.kind != "done":
        return
    batch, result = ours[0], played.memory["xcoms"].get("return_value") or {}
    if batch["batch_status"] != "Open":
        yield f"our batch is {batch['batch_status']}"
    facts = {"batch_id": batch["batch_id"], "batch_code": OUR_CODE, "batch_status": "open", "note": "ours"}
    yield from _differences(result, facts)
    if played.memory["xcoms"].get("batch_id") != batch["batch_id"]:
        yield f"the XCom batch_id is {played.memory['xcoms'].get('batch_id')}"


def _about_profile(cell: Cell, ending: Ending, played: Played) -> Iterator[str]:
    ours = [profile for profile in played.state["profiles"] if profile["profile_code"] == "ours"]
    if len(ours) != ending.made or len(ours) != len(played.state["profiles"]):
        yield f"the server holds these profiles: {played.state['profiles']}"
        return
    if ours[0]["column_mapping"]["endDateColumnIndex"] != 3:
        yield f"its mapping is {ours[0]['column_mapping']}"
    facts = {"profile_id": ours[0]["profile_id"], "profile_code": "ours"}
    result = played.memory["xcoms"].get("return_value") or {}
    yield from _differences(result, facts)
    if set(result) != set(facts):
        yield f"the result is {result}"


def _about_status(cell: Cell, ending: Ending, played: Played) -> Iterator[str]:
    (batch,) = played.state["batches"]
    if batch["batch_status"] != cell.case:
        yield f"the batch is {batch['batch_status']}"
    voided = [bill["voided"] for bill in played.state["bills"]]
    if voided != [cell.case == "Pending"] * len(ACCOUNTS):
        yield f"its bills are voided: {voided}"
    facts = {"batch_id": batch["batch_id"], "batch_status": cell.case.lower(), "bill_count": len(ACCOUNTS)}
    yield from _differences(played.memory["xcoms"].get("return_value") or {}, facts)


def _differences(result: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        if result.get(name) != value:
            yield f"the result says {name} is {result.get(name)!r} and not {value!r}"
