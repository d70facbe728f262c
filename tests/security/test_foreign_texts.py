"""A server that sends the API key and control characters in every field and header of every kind of answer."""

from __future__ import annotations

import asyncio
import csv
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from eci_provider.api import EciClient
from eci_provider.hooks.eci import EciHook
from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    ImportBillsOperator,
    KickoutReportOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from tests.support.api_data import MAPPING
from tests.support.gateway import Gateway, Reply
from tests.support.hub import together
from tests.support.run_task import Finished, run
from tests.support.tracebacks import beneath
from tests.support.turned_clock import TurnedClock, connect
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import bill_file

#: Characters that move a cursor, ring, hide, reorder or break lines.
HIDDEN = "\x1b\x07\x00\x7f\x85\x9b\u200b\u200d\u2028\u2029\u202e\u2066\ufeff"
#: A formula, a forged line of a log, and each of these characters, with the key behind them.
TAINT = f"=1+1\r\nFORGED\rFORGED {HIDDEN}[31m "
#: What a flow needs to reach its end; it is spoiled in another mode.
NEEDED = {"beginDate", "endDate", "status", "taskTypeCode", "taskGUId", "taskGuid", "batchStatus", "userCode"}
URL = "{host}/batch/{batch_id}/{batch_code}?task={task_guid}"


class TaintedAnswers(Gateway):
    """
    A gateway that changes the sandbox's answers.

    :param url: the sandbox's address.
    :param change: changes an answer in place; it is given its kind, the first word of the path that says it.
    """

    def __init__(self, url: str, change: Callable[[str, Reply], None]) -> None:
        super().__init__(url)
        self._change = change
        self.changed = 0

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the sandbox's answer, changed."""
        reply = self.forward(method, path, headers, body)
        before = Reply(reply.status, list(reply.headers), reply.body, reply.reason)
        self._change(_kind(method, path.partition("?")[0]), reply)
        self.changed += reply != before
        return reply


def _kind(method: str, path: str) -> str:
    words = path.split("/")
    if "kickout" in words:
        return "kickouts"
    for word in ("profile", "batch", "me"):
        if word in words:
            return word
    if "task" in words:
        return "list" if words[-1] == "task" else "task"
    return "import" if method == "POST" else "other"


def _tainted(value: Any, taint: str, mode: str, name: str = "") -> Any:
    """Return JSON with a taint behind each text, instead of each text, or instead of everything."""
    if isinstance(value, dict):
        changed = {key: _tainted(item, taint, mode, key) for key, item in value.items()}
        return {**changed, taint: taint} if mode == "everything" else changed
    if isinstance(value, list):
        return [_tainted(item, taint, mode, name) for item in value]
    if mode == "everything" or (mode == "instead" and isinstance(value, str)):
        return taint
    return value + taint if isinstance(value, str) and name not in NEEDED else value


def _in_body(kind: str, mode: str, taint: str) -> Callable[[str, Reply], None]:
    def change(found: str, reply: Reply) -> None:
        if kind in (found, "every") and reply.status < 300 and reply.body:
            reply.body = json.dumps(_tainted(json.loads(reply.body), taint, mode)).encode()

    return change


def _in_error(status: int, form: str, taint: str) -> Callable[[str, Reply], None]:
    def change(found: str, reply: Reply) -> None:
        bodies = {"JSON": json.dumps({"message": taint, "errors": {taint: [taint]}}), "text": taint}
        reply.status, reply.body = (
            status,
            {**bodies, "HTML": f"<html><title>{taint}</title></html>"}[form].encode(),
        )

    return change


def _in_headers(status: int, key: str) -> Callable[[str, Reply], None]:
    # As bytes of UTF-8, and folded into a second line.
    taint = f"\x1b[31m\u202e\u200b{key}\r\n FORGED\x07".encode().decode("latin-1")
    names = ("ECI-Deprecated", "X-Request-Id", "TotalPages", "TotalNumberOfRecords", "Retry-After", "Date", "X")

    def change(found: str, reply: Reply) -> None:
        reply.status = status or reply.status
        reply.reason = f"\x1b[31m{key}\x07"
        kept = [(name, value) for name, value in reply.headers if name.lower() not in map(str.lower, names)]
        reply.headers = [*kept, *((name, taint) for name in names), ("Location", f"/{key}\x1b[31m")]

    return change


class Seen:
    """All that anybody may see of some tasks."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.texts: list[str] = []
        self.raw: list[str] = []

    def add(self, value: Any) -> None:
        """Add all texts of plain JSON."""
        if isinstance(value, Mapping):
            for name, item in value.items():
                self.add(name)
                self.add(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add(item)
        elif isinstance(value, str):
            self.texts.append(value)

    def add_end(self, end: Finished) -> None:
        """Add what a task leaves behind."""
        self.add([end.xcoms, end.deferrals])
        if end.error is not None:
            self.add([str(end.error), *traceback.format_exception(end.error)])
            self.raw.append(beneath(end.error))

    def add_report(self, path: Path) -> None:
        """Add the cells of a report, and see that none is a formula."""
        if not path.exists():
            return
        if path.suffix == ".xlsx":
            cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
            assert "f" not in {cell.data_type for cell in cells}
            values = [str(cell.value) for cell in cells]
        else:
            values = [path.read_text()]
            if path.suffix == ".csv":
                with path.open(newline="") as file:
                    cells_of = [cell for row in csv.reader(file) for cell in row]
                assert not [cell for cell in cells_of if re.search(r"(^|[\r\n])\s*=", cell)]
        # A cell may have line ends, which are its own.
        self.texts += [re.sub(r"[\r\n]+'?", " ", value) for value in values]

    def check(self) -> None:
        """See that nowhere is the key, a hidden character or a forged line."""
        assert self.texts
        for text in self.texts:
            assert not set(HIDDEN) & set(text), ascii(text)
            assert not re.search(r"[\r\n]\s*FORGED", text), ascii(text)
        for text in (*self.texts, *self.raw):
            assert self._key not in text, ascii(text)


@contextmanager
def _gateway(
    sandbox: Sandbox, patch: pytest.MonkeyPatch, change: Callable[[str, Reply], None]
) -> Iterator[TaintedAnswers]:
    with TaintedAnswers(sandbox.url, change).serving() as gateway:
        connect(patch, gateway.url, sandbox.api_key, ui_url_template=URL, max_retries=1)
        yield gateway


class Stage:
    """An import with kickouts, a batch, a profile, and all tasks that read of them."""

    def __init__(self, sandbox: Sandbox, clock: TurnedClock, folder: Path) -> None:
        self.sandbox, self.clock, self.folder = sandbox, clock, folder
        sandbox.add_account("A-1")
        self.file = bill_file(folder, "A-1", "A-9")
        with EciClient(sandbox.url, sandbox.api_key) as client:
            self.batch_id = int(client.batches.open("B1").batch_id or 0)
            client.import_profiles.create("vendor", MAPPING)
            self.guid = client.bill_imports.submit(self.file)
            clock.sleep(60)

    def tasks(self, deferrable: bool) -> Iterator[Any]:
        """Iterate over the tasks."""
        file, guid = str(self.file), self.guid
        limits: dict[str, Any] = {"deferrable": deferrable, "timeout": 60}
        yield OpenBatchOperator(task_id="open", batch_code="B2")
        yield OpenBatchOperator(task_id="adopt", batch_code="B1", if_exists="adopt")
        yield CreateImportProfileOperator(
            task_id="create", profile_code="vendor", column_mapping=MAPPING, if_exists="replace"
        )
        yield CheckBillFileOperator(task_id="check", file=file, profile_code="vendor")
        yield SplitBillFileOperator(
            task_id="split", file=file, destination=f"{self.folder}/parts", profile_code="vendor"
        )
        report = str(self.folder / "import.csv")
        yield ImportBillsOperator(task_id="import", file=file, kickout_report=report, on_kickouts="warn", **limits)
        yield RetryKickoutsOperator(task_id="retry", task_guid=guid, **limits)
        for extension in ("csv", "xlsx", "md"):
            report = str(self.folder / f"report.{extension}")
            yield KickoutReportOperator(task_id="report", task_guid=guid, path=report)
        yield EciTaskSensor(task_id="sense", task_guid=guid, **limits)
        yield EciBatchSensor(task_id="sense", batch_id=self.batch_id, batch_status="Closed", **limits)
        yield UpdateBatchStatusOperator(task_id="pend", batch_id=self.batch_id, batch_status="Pending")

    def triggers(self) -> list[Any]:
        """Return triggers of both kinds; two imports share the list of imports."""
        deadline = (self.clock.moment + timedelta(seconds=30)).isoformat()
        began = (self.clock.moment - timedelta(hours=1)).isoformat()
        other = self.sandbox.start_import("", seconds=1e9)
        guids = [EciTaskTrigger(guid, deadline=deadline, submitted_at=began) for guid in (self.guid, other)]
        return [*guids, EciBatchTrigger(self.batch_id, batch_status="Closed", deadline=deadline)]

    def play(self, deferrable: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        """Run all tasks and triggers, and see that nothing of the taint shows."""
        caplog.set_level(logging.DEBUG)
        seen = Seen(self.sandbox.api_key)
        for task in self.tasks(deferrable):
            seen.add_end(run(task))
            seen.add([task.link_url] if hasattr(task, "link_url") else [])
        seen.add(together(self.triggers()))
        asyncio.run(EciTaskTrigger(self.guid, on_kill="void_batch").on_kill())
        seen.add(EciHook().test_connection()[1])
        for report in self.folder.glob("*.*"):
            if report != self.file:
                seen.add_report(report)
        for record in caplog.records:
            if not record.name.startswith("uvicorn"):
                seen.add(record.getMessage())
                seen.add(traceback.format_exception(*record.exc_info) if record.exc_info else [])
        seen.raw += capfd.readouterr()
        seen.check()


@pytest.fixture
def stage(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Stage:
    """Set the stage."""
    return Stage(sandbox, turned_clock, tmp_path)


@pytest.mark.parametrize(
    ("mode", "deferrable"), [("behind", False), ("behind", True), ("instead", False), ("everything", True)]
)
@pytest.mark.parametrize("kind", ["task", "list", "batch", "profile", "kickouts", "me", "import", "every"])
def test_a_field(
    kind: str,
    mode: str,
    deferrable: bool,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if kind == "list":
        stage.sandbox.fault("POST", IMPORT, drop="after")
    change = _in_body(kind, mode, TAINT + stage.sandbox.api_key)
    with _gateway(stage.sandbox, monkeypatch, change) as gateway:
        stage.play(deferrable, caplog, capfd)
        # The GUID of a new import is needed, and there is nothing else in its answer.
        assert gateway.changed or (kind, mode) == ("import", "behind")


@pytest.mark.parametrize(
    ("status", "form"),
    [
        *((status, "JSON") for status in (200, 307, 400, 403, 404, 409, 429, 503)),
        *((status, form) for status in (200, 400, 503) for form in ("text", "HTML")),
    ],
)
def test_the_body_of_an_error(
    status: int,
    form: str,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change = _in_error(status, form, TAINT + stage.sandbox.api_key)
    with _gateway(stage.sandbox, monkeypatch, change):
        stage.play(False, caplog, capfd)


@pytest.mark.parametrize("status", [None, 302, 404, 429])
def test_headers_and_the_status_line(
    status: int,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with _gateway(stage.sandbox, monkeypatch, _in_headers(status, stage.sandbox.api_key)):
        stage.play(True, caplog, capfd)
