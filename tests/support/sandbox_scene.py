"""A sandbox in which a month has happened: batches, imports, kickouts, a retry, a replacement, a void batch."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from eci_provider.sandbox import Sandbox
from tests.sandbox.sandbox_api import Api

FILE = Path(__file__).parents[2] / "eci_provider" / "example_dags" / "data" / "nycha_electric_bills.csv"
PROFILE = "NYCHA electric"
NEW_BUILDINGS = ("118.0 - BLD 05", "4.0 - RED HOOK EAST BLD 05")
COLUMNS = {
    "accountCodeColumnIndex": "Building ID",
    "startDateColumnIndex": "Service Start Date",
    "endDateColumnIndex": "Service End Date",
    "meterCodeColumnIndex": "Meter Number",
}


@dataclass(frozen=True)
class Month:
    """
    What the month has left.

    :param sandbox: the sandbox, with a virtual clock.
    :param api: its client.
    :param rows: the rows of the bill file.
    :param closed: id of the batch of a month that is done.
    :param pending: id of the batch that was moved to Pending.
    :param first: GUID of the import with kickouts.
    :param retry: GUID of the import that retried them.
    :param replaced: GUID of an import whose bills the next one replaced.
    :param corrected: GUID of the import that replaced them, into the batch that is now pending.
    """

    sandbox: Sandbox
    api: Api
    rows: list[dict[str, str]]
    closed: int
    pending: int
    first: str
    retry: str
    replaced: str
    corrected: str


def month(sandbox: Sandbox) -> Month:
    """Simulate a month in a sandbox with a virtual clock."""
    with FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    api = Api(sandbox)
    _create_profile(api, list(rows[0]))
    add_accounts(sandbox, rows, known=False)
    sandbox.settings.delay = 3
    closed = api.open_batch("NYCHA electric 2026-01", note="Opened by Airflow")
    first = _import(api, closed, FILE.read_text(encoding="utf-8"), FILE.name)
    api.task(first)
    _wait(sandbox)
    for _ in range(3):
        api.task(first)
    add_accounts(sandbox, rows)
    into = {"batchMode": "use existing batch", "existingOpenBatchId": closed}
    answer = api.call(
        "POST",
        f"/api/v202401/import/bill/task/{first}/kickout",
        {
            "batchSettings": into,
            "importNote": "monthly_bills 2026-01-05, kickouts corrected",
            "saveAsResolved": None,
        }
        | dict.fromkeys(("comment", "suppressBillCaptureNotification")),
    )
    assert answer.status_code == 200, answer.text
    retry = str(answer.json()["taskGUId"])
    _wait(sandbox)
    api.task(retry)
    assert api.set_status(closed, "Closed") in (200, 204)
    pending = api.open_batch("NYCHA corrections", note="To be checked by the analyst")
    some = _as_csv([row for row in rows if row["Building ID"] == NEW_BUILDINGS[0]])
    replaced = _import(api, pending, some, "bld_05_first.csv")
    _wait(sandbox)
    corrected = _import(api, pending, some, "bld_05_corrected.csv")
    _wait(sandbox)
    assert api.set_status(pending, "Pending") in (200, 204)
    return Month(sandbox, api, rows, closed, pending, first, retry, replaced, corrected)


def add_accounts(sandbox: Sandbox, rows: list[dict[str, str]], *, known: bool = True) -> None:
    """Add the accounts of a bill file; those that are new in it only if ``known``."""
    meters: dict[str, set[str]] = {}
    for row in rows:
        meters.setdefault(row["Building ID"], set()).add(row["Meter Number"])
    for code, numbers in meters.items():
        if known or code not in NEW_BUILDINGS:
            sandbox.add_account(code, sorted(numbers))


def _create_profile(api: Api, names: list[str]) -> None:
    charges = [("KWH Charges", "USD"), ("KW Charges", "USD"), ("Other charges", "USD")]
    mapping = {field: names.index(name) + 1 for field, name in COLUMNS.items()} | {
        "dateFormat": "mm/dd/yyyy",
        "observations": [
            {"columnIndex": names.index(name) + 1, "observationTypeCode": "X", "caption": name, "unitCode": unit}
            for name, unit in charges
        ],
    }
    answer = api.call("POST", "/api/v3/import/bill/profile", {"profileCode": PROFILE, "columnMapping": mapping})
    assert answer.status_code == 200, answer.text


def _import(api: Api, batch_id: int, text: str, name: str) -> str:
    settings = {"batchMode": "use existing batch", "existingOpenBatchId": batch_id}
    note = "monthly_bills 2026-01-05"
    answer = api.import_file(text, name, profileCode=PROFILE, batchSettings=settings, importNote=note)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["taskGUId"])


def _wait(sandbox: Sandbox) -> None:
    sandbox.advance(4)
    sandbox.tasks()


def _as_csv(rows: list[dict[str, str]]) -> str:
    return "\n".join(
        ",".join(f'"{cell}"' for cell in row) for row in [list(rows[0]), *(row.values() for row in rows)]
    )
