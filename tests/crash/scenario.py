"""The scenario of a cell: the server's content before, the task that runs, and the imports of others."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from eci_provider.imports.source import Kickouts
from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    UpdateBatchStatusOperator,
)
from tests.crash.cells import PAGED, ROUNDS, Cell
from tests.crash.server import Server
from tests.crash.task_record import RETRIES

HEADER = "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
ACCOUNTS = ("A-1", "A-2")
#: Accounts of the bills that the rounds before the last import, one each.
EARLIER = ("R-1", "R-2")
OUR_CODE = "2026-01"
DELAY = 60.0
DAY = 86400.0
#: Settings of the sandbox for the habits of servers. The settle time is 15 s.
HABITS: dict[str, dict[str, Any]] = {
    "ends in year 1": {"running_end_date": "0001-01-01T00:00:00"},
    "ends in year 9999": {"running_end_date": "9999-12-31T23:59:59.999Z"},
    # Also the batch that an import has created is not found until some seconds after the import's end.
    "reads lag": {"task_lag": 10, "batch_lag": DELAY + 10},
    "lists lag": {"task_lag": 10, "batch_lag": 10, "lists_lag": True},
    "one page": {"largest_page": 2, "total_pages": "one"},
    "no TotalPages": {"largest_page": 2, "total_pages": "missing"},
    "huge TotalPages": {"largest_page": 2, "total_pages": "huge"},
}
#: Imports of a colleague that fill the first page of a list.
FIRST_PAGE = 3
#: Marker of another task.
OTHER_MARKER = "af:0123456789abcdef"

MAPPING = {
    "dateFormat": "yyyymmdd",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "observations": [{"columnIndex": 4, "observationTypeCode": "COST", "caption": "Total", "unitCode": "USD"}],
}

#: Method and path pattern of the request at which the process dies.
FATAL_REQUESTS = {
    "import": ("POST", "/api/v3/import/bill"),
    "retry": ("POST", "/api/v202401/import/bill/task/*/kickout"),
    **dict.fromkeys(ROUNDS, ("POST", "/api/v202401/import/bill/task/*/kickout")),
    "open": ("POST", "/api/v3/batch"),
    "profile": ("POST", "/api/v3/import/bill/profile"),
    "status": ("PUT", "/api/v202206/batch/*/status"),
}


def fatal_request(cell: Cell) -> tuple[str, str]:
    """Return method and path pattern of the request at which the process dies."""
    if cell.case == "replace another":
        return "PUT", "/api/v3/import/bill/profile/*"
    return FATAL_REQUESTS[cell.operator]


def rows(*accounts: str) -> str:
    """
    Return a file in Advanced format. Its bills are corrected ones (C): a second import adds bills, and replaces
    none.
    """
    return HEADER + "".join(f"{account},20260101,20260131,C,,100.00\n" for account in accounts)


@dataclass
class Scenario:
    """
    Scenario of one cell.

    :param cell: the cell.
    :param server: the sandbox, just reset.
    :param folder: folder for the bill file.
    :param other_key: the API key of another user.
    :param ids: ids of what :meth:`prepare` creates.
    """

    cell: Cell
    server: Server
    folder: Path
    other_key: str
    ids: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> None:
        """Create the server's content, a day before the task runs."""
        (self.folder / "bills.csv").write_text(rows(*ACCOUNTS))
        cell = self.cell
        if cell.is_import:
            earlier = EARLIER[: cell.rounds - 1]
            if cell.operator != "import":
                self.ids["source"] = self._import("bills.csv", (*earlier, *ACCOUNTS), "new self-contained batch")
            self._add_accounts(*(earlier[:1] or ACCOUNTS), "S-1")
            self.ids["batch"] = (
                self._batch("ours") if cell.case in ("use existing batch", "use pending batch") else 0
            )
            self.ids["theirs"] = self._batch("theirs", key=self.other_key)
            if cell.case == "use pending batch":
                self._set_status(self.ids["batch"], "Pending")
        elif cell.operator == "open":
            self.ids["before"] = self._batch("before")
            if cell.company == "namesake":
                self._batch(OUR_CODE, key=self.other_key)
        elif cell.operator == "status":
            self._add_accounts(*ACCOUNTS)
            self.ids["batch"] = self._batch("ours")
            self._import("bills.csv", ACCOUNTS, "use existing batch", existingOpenBatchId=self.ids["batch"])
            if cell.case == "Open":
                self._set_status(self.ids["batch"], "Pending")
        elif cell.case == "replace another":
            mapping = {**MAPPING, "endDateColumnIndex": 7}
            self.server.call("POST", "/api/v3/import/bill/profile", profileCode="ours", columnMapping=mapping)
        self.server.advance(DAY)
        for _ in range(FIRST_PAGE if cell.habit in PAGED else 0):
            place = {"existingOpenBatchId": self.ids["theirs"], "key": self.other_key}
            self._import("stranger.csv", ("S-1",), "use existing batch", **place)
        habit = HABITS.get(cell.habit, {})
        self.server.control("PATCH", "settings", echo_notes=cell.echo, delay=DELAY, **habit)

    def company(self) -> None:
        """
        Let others import, after the crash and before the next attempt.

        A stranger has our key and another task's file, in another batch or in ours. A colleague has another key. A
        namesake has used the code of our new batch. A proof is an import that shows a marker.
        """
        company = self.cell.company
        if not self.cell.is_import or company == "alone":
            return
        elsewhere = {"existingOpenBatchId": self.ids["theirs"]}
        if company == "stranger with us":
            self._import("stranger.csv", ("S-1",), self.settings())
        elif company == "colleague":  # in our batch, if it is known
            place = {"existingOpenBatchId": self.ids["batch"] or self.ids["theirs"], "key": self.other_key}
            self._import("stranger.csv", ("S-1",), "use existing batch", **place)
        elif company == "namesake":
            self._import("stranger.csv", ("S-1",), "new self-contained batch", newBatchCode=OUR_CODE)
        else:
            self._import("stranger.csv", ("S-1",), "use existing batch", **elsewhere)
        if company == "stranger and proof":
            self._import("proof.csv", ("S-1",), "use existing batch", note=OTHER_MARKER, **elsewhere)

    def task(self) -> BaseOperator:
        """Return a new task, as each process that parses the DAG creates one."""
        common: dict[str, Any] = {"task_id": "task", "retries": RETRIES}
        cell = self.cell
        if cell.operator == "open":
            if_exists, _, closing = cell.case.partition(", ")
            return OpenBatchOperator(
                batch_code=OUR_CODE, if_exists=if_exists, close_existing_batch=bool(closing), note="ours", **common
            )
        if cell.operator == "profile":
            if_exists = cell.case.partition(" ")[0]
            return CreateImportProfileOperator(
                profile_code="ours", column_mapping=MAPPING, if_exists=if_exists, **common
            )
        if cell.operator == "status":
            return UpdateBatchStatusOperator(batch_id=self.ids["batch"], batch_status=cell.case, **common)
        common |= {
            "batch_settings": self.settings(),
            "deferrable": cell.deferrable,
            "import_note": "January",
            "poll_interval": 10,
            "timeout": timedelta(hours=6),
        }
        if cell.operator == "retry":
            return RetryKickoutsOperator(task_guid=self.ids["source"], **common)
        if cell.rounds > 1:
            self._correct_between_rounds()
            return RetryKickoutsOperator(task_guid=self.ids["source"], max_rounds=cell.rounds, **common)
        return ImportBillsOperator(file=str(self.folder / "bills.csv"), **common)

    def settings(self) -> dict[str, Any] | None:
        """Return the task's batch settings."""
        mode, _, coded = self.cell.case.partition(", ")
        if mode == "no settings":
            return None
        code = {"newBatchCode": OUR_CODE} if coded or mode == "smart batch" else {}
        companions = {
            "use existing batch": {"existingOpenBatchId": self.ids["batch"]},
            "use pending batch": {"pendingBatchId": self.ids["batch"]},
            "new batch": {"leaveExistingBatchesOpen": True, **code},
        }
        return {"batchMode": mode, **companions.get(mode, code)}

    def _correct_between_rounds(self) -> None:
        """Correct what a round kicked out, as an analyst would, before the next round is sent."""
        send = Kickouts.send

        def correct_and_send(source: Kickouts, *arguments: Any) -> str:
            if source.round_number > 1:
                is_last = source.round_number == self.cell.rounds
                self._add_accounts(*(ACCOUNTS if is_last else EARLIER[source.round_number - 1 :][:1]))
            return send(source, *arguments)

        Kickouts.send = correct_and_send  # type: ignore[method-assign]

    def _add_accounts(self, *accounts: str) -> None:
        for account in accounts:
            self.server.control("POST", "accounts", code=account)

    def _batch(self, code: str, **key: str) -> int:
        return int(self.server.call("POST", "/api/v3/batch", batchCode=code, **key)["batchId"])

    def _set_status(self, batch_id: int, status: str) -> None:
        path = f"/api/v202206/batch/{batch_id}/status"
        self.server.call("PUT", path, batchStatus=status, leaveOpenBatchesAsIs=True, note=None)

    def _import(self, name: str, accounts: tuple[str, ...], mode: Any, note: str = "", **further: Any) -> str:
        key = {"key": further.pop("key")} if "key" in further else {}
        settings = mode if isinstance(mode, dict) else {"batchMode": mode, **further}
        data = base64.b64encode(rows(*accounts).encode()).decode()
        request = {"fileName": name, "data": data, "importNote": note or "theirs", "batchSettings": settings}
        return str(self.server.call("POST", "/api/v3/import/bill", **key, **request)["taskGUId"])
