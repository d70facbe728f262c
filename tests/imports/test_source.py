"""What is imported: its digest decides which import it is; a bill file is opened, read and checked once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.api import models, upload
from eci_provider.api.bill_imports import BillImportOptions, KickoutImport
from eci_provider.api.errors import EciValidationError
from eci_provider.imports.source import BillFile, Kickouts
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.storage import object_store
from tests.support.bill_files import archive
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"
NEXT = "99999999-e89b-12d3-a456-426614174000"


def _file(path: Path, file_name: str | None = None, **options: Any) -> BillFile:
    return BillFile(str(path), file_name, BillImportOptions(**options), "ImportBillsOperator 'import_bills'")


class TestDigest:
    """Another digest is another import; what may change from try to try is no part of it."""

    @pytest.mark.parametrize(
        ("changed", "is_another"),
        [
            ({"profile_code": "Electric"}, True),
            ({"batch_settings": {"batch_mode": "new batch"}}, True),
            ({"file_name": "bills.txt"}, True),
            ({"file_name": "january.csv"}, False),
            ({"import_note": "try 2", "comment": "again"}, False),
        ],
    )
    def test_of_a_file(self, changed: dict[str, Any], is_another: bool, tmp_path: Path) -> None:
        path = bill_file(tmp_path, "A-1")

        assert (_file(path).digest() != _file(path, **changed).digest()) is is_another

    def test_of_a_file_depends_on_its_content_and_not_on_its_folder(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        for folder in (first, second):
            folder.mkdir()
        same = [_file(bill_file(folder, "A-1")).digest() for folder in (first, second)]

        assert same[0] == same[1] != _file(bill_file(second, "A-2")).digest()

    def test_of_kickouts_depends_on_the_import_the_batch_and_the_round(self) -> None:
        first = Kickouts(GUID, KickoutImport(import_note="January"))
        others = [
            Kickouts(NEXT, KickoutImport()),
            Kickouts(GUID, KickoutImport.model_validate({"batch_settings": {"batch_mode": "new batch"}})),
            first.next_round(GUID),
        ]

        assert first.digest() == Kickouts(GUID, KickoutImport()).digest()
        assert len({first.digest(), *(other.digest() for other in others)}) == 4


class TestRounds:
    """Each round of a retry sends the kickouts of the one before, and is recorded apart."""

    def test_the_next_round_retries_the_import_of_this_one(self) -> None:
        first = Kickouts(GUID, KickoutImport(), ["january.csv"])
        second = first.next_round(NEXT)

        assert [source.round_number for source in (first, second)] == [1, 2]
        assert [source.record_key for source in (first, second)] == ["eci_submission", "eci_submission_round_2"]
        assert (second.description, second.file_names()) == (
            f"the retry of the kickouts of import {NEXT}",
            ["january.csv"],
        )
        assert list(second.other_imports) == [NEXT, NEXT]
        assert first.resubmit_hint == "set reattach=False"
        assert second.resubmit_hint == f"set task_guid to {NEXT} and set reattach=False"


@pytest.fixture
def store() -> MemoryFileSystem:
    """Return a store that Airflow opens as ``memory://``."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    attach("memory", fs=MemoryFileSystem())
    return MemoryFileSystem()


def _count(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """Return a list that grows with each call of a function."""
    calls: list[Any] = []
    function = getattr(module, name)

    def counting(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        return function(*arguments, **named)

    monkeypatch.setattr(module, name, counting)
    return calls


class TestReadOnce:
    """In a whole run a file's path is opened once, its name checked once, its content read to hash and to send."""

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_a_file_in_a_store(
        self,
        deferrable: bool,
        store: MemoryFileSystem,
        sandbox: Sandbox,
        turned_clock: TurnedClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sandbox.settings.delay = 60
        store.pipe_file("/bucket/bills.csv", bill_file(tmp_path, "A-1").read_bytes())
        opens = _count(monkeypatch, MemoryFileSystem, "_open")
        names = _count(monkeypatch, upload, "checked_file_name")
        paths = _count(monkeypatch, object_store, "_object_storage_path")
        requests = _count(monkeypatch, models, "validated")

        task = ImportBillsOperator(task_id="import_bills", file="memory://bucket/bills.csv", deferrable=deferrable)
        names.clear()
        end = run(task)

        assert end.xcoms["task_guid"]
        assert len(opens) == 2  # to hash it, and to send it
        assert (len(names), len(paths)) == (1, 1)
        options = [model for model, *_ in requests if issubclass(model, BillImportOptions)]
        assert len(options) == (2 if deferrable else 1)  # once in each process

    def test_a_zip_whose_kickouts_are_told_apart_by_file(
        self, store: MemoryFileSystem, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = [(f"{account}.csv", bill_file(tmp_path, account).read_bytes()) for account in ("A-1", "A-2")]
        store.pipe_file("/bucket/bills.zip", archive(files))
        report = tmp_path / "kickouts.csv"
        opens = _count(monkeypatch, MemoryFileSystem, "_open")
        paths = _count(monkeypatch, object_store, "_object_storage_path")

        end = run(
            ImportBillsOperator(
                task_id="import_bills",
                file="memory://bucket/bills.zip",
                kickout_report=str(report),
                on_kickouts="warn",
            )
        )

        assert end.state == "success", end.error
        assert {line.split(",")[0] for line in report.read_text().splitlines()[1:]} == {"A-1.csv", "A-2.csv"}
        assert (len(opens), len(paths)) == (2, 1)

    def test_a_file_that_is_wrong_is_refused_in_the_words_of_its_operator(self, tmp_path: Path) -> None:
        with pytest.raises(
            EciValidationError, match=r"^ImportBillsOperator 'import_bills': file is .* no such file"
        ):
            _file(tmp_path / "bills.csv").digest()
