"""The sandbox's web page: batches, tasks and kickouts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

# More rows of a kickout file are left out, and counted below the table.
KICKOUT_ROWS_SHOWN = 50

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; margin: 0; background: #f4f6f8;
  color: #1f2a37; }
header { background: #17324d; color: #fff; padding: 18px 32px; }
header h1 { font-size: 22px; margin: 0; }
header p { margin: 2px 0 0; color: #b9c9d9; font-size: 13px; }
main { padding: 8px 24px 40px; }
h2 { font-size: 17px; margin: 28px 0 10px; }
h3 { font-size: 14px; margin: 18px 0 8px; font-weight: 600; color: #44546a; }
table { border-collapse: collapse; width: 100%; background: #fff; border: 1px solid #dde3ea; font-size: 13px; }
th, td { padding: 7px 8px; text-align: left; border-bottom: 1px solid #e8edf2; vertical-align: top; }
th { background: #eef2f6; font-weight: 600; color: #44546a; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 11px; }
.message { min-width: 22em; }
.quiet { color: #66758a; }
.wide { overflow-x: auto; }
.status { display: inline-block; padding: 1px 9px; border-radius: 10px; font-size: 12px; white-space: nowrap;
  background: #e4e9ef; color: #3c4a5c; }
.good { background: #d9f2e1; color: #14602f; }
.mixed { background: #fdeccb; color: #7a4b00; }
.bad { background: #fbdcdc; color: #8c1c1c; }
.busy { background: #dbe9fb; color: #134a8c; }
"""
TONES = {
    "Open": "busy",
    "Pending": "mixed",
    "Closed": "good",
    None: "busy",
    "completed": "good",
    "kickouts": "mixed",
    "failed": "bad",
}


def render(state: dict[str, list[dict[str, Any]]], now: datetime) -> str:
    """
    Return the page as HTML.

    :param state: as :func:`eci_provider.sandbox.inspection.state` returns it.
    :param now: server time.
    """
    codes = {batch["batch_id"]: batch["batch_code"] for batch in state["batches"]}
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>EnergyCAP sandbox</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="5"><style>{STYLE}</style></head><body>'
        f"<header><h1>EnergyCAP sandbox</h1><p>Server time {now:%Y-%m-%d %H:%M:%S} UTC"
        f" &middot; {len(state['accounts'])} accounts &middot; {len(state['bills'])} bills</p></header><main>"
        f"{_batches(state['batches'])}{_tasks(state['tasks'], codes)}"
        f"{_kickouts(state['tasks'], state['kickouts'])}</main></body></html>"
    )


def _batches(batches: list[dict[str, Any]]) -> str:
    rows = [
        (
            _code(batch["batch_code"]),
            _status(batch["batch_status"], batch["batch_status"]),
            _text(batch["owner"]),
            _number(batch["bill_count"]),
            _number(f"{batch['running_total']:,.2f}"),
            _number(batch["flag_count"]),
            _number(batch["analyzing_count"]),
            _text(batch["note"]),
            _time(batch["start_date"]),
            _time(batch["end_date"]),
        )
        for batch in reversed(batches)
    ]
    numbers = ("Bills", "Total", "Flags", "Analyzing", "Opened", "Closed")
    heads = ("Batch", "Status", "User", *numbers[:4], "Note", *numbers[4:])
    return "<h2>Batches</h2>" + _table(heads, rows, "No batches yet.", numbers)


def _tasks(tasks: list[dict[str, Any]], codes: dict[int, str]) -> str:
    rows = [
        (
            _code(task["task_guid"]),
            _status(task["status"], task["outcome"]),
            _text(task["file_name"]),
            _number(task["imported"]),
            _number(task["kickouts"]),
            _text(task["note"]),
            _code(codes.get(task["batch_id"], "")),
            _time(task["begin_date"]),
            _time(task["end_date"]),
        )
        for task in reversed(tasks)
    ]
    numbers = ("Imported", "Kickouts", "Begin", "End")
    heads = ("Task", "Status", "File", *numbers[:2], "Note", "Batch", *numbers[2:])
    return "<h2>Bill imports</h2>" + _table(heads, rows, "No imports yet.", numbers)


def _kickouts(tasks: list[dict[str, Any]], kickouts: list[dict[str, Any]]) -> str:
    by_file: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in kickouts:
        by_file.setdefault((row["task_guid"], row["file_name"]), []).append(row)
    newest = {task["task_guid"]: task["task_id"] for task in tasks}
    parts = ["<h2>Kickouts</h2>"]
    if not by_file:
        parts.append('<p class="quiet">No rows were kicked out.</p>')
    for (guid, file_name), rows in sorted(by_file.items(), key=lambda item: -newest.get(item[0][0], 0)):
        parts.append(f'<h3>{escape(file_name)} <span class="code quiet">{escape(guid)}</span></h3>')
        shown = [
            (_message(row["message"]), *(_text(cell) for cell in row["cells"]))
            for row in rows[:KICKOUT_ROWS_SHOWN]
        ]
        parts.append(_table(("Message", *rows[0]["header"]), shown, ""))
        if len(rows) > KICKOUT_ROWS_SHOWN:
            parts.append(f'<p class="quiet">and {len(rows) - KICKOUT_ROWS_SHOWN} more rows</p>')
    return "".join(parts)


def _table(heads: Sequence[str], rows: Sequence[tuple[str, ...]], empty: str, numbers: Sequence[str] = ()) -> str:
    """Return a table. Cells are HTML; ``numbers`` names the heads of columns with numbers."""
    if not rows:
        return f'<p class="quiet">{escape(empty)}</p>'
    shown = "".join(
        f'<th class="number">{escape(head)}</th>' if head in numbers else f"<th>{escape(head)}</th>"
        for head in heads
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{shown}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(value: Any) -> str:
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _message(value: str) -> str:
    return f'<td class="message">{escape(value)}</td>'


def _code(value: Any) -> str:
    return f'<td class="code">{escape(str(value))}</td>'


def _number(value: Any) -> str:
    return f'<td class="number">{escape(str(value))}</td>'


def _status(shown: str, kind: str | None) -> str:
    return f'<td><span class="status {TONES.get(kind, "")}">{escape(shown)}</span></td>'


def _time(value: str | None) -> str:
    shown = "" if value is None else value[:19].replace("T", " ")
    return f'<td class="number quiet">{escape(shown)}</td>'
