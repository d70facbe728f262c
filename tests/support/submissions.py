"""What tests of submitting once share: a file of two bills, the tries of its task, and imports of others."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from tests.support.run_task import Finished, Tries
from tests.support.two_bills import IMPORT, TwoBills
from tests.support.waiting_tasks import ADVANCED

TASKS = "/api/v3/task"
#: A DAG run that began when the sandbox's clock did.
RUN = SimpleNamespace(run_after=datetime(2026, 1, 5, 8, tzinfo=timezone.utc))
MARKER = re.compile("af:[0-9a-f]{16}")
MODES = pytest.mark.parametrize("deferrable", [False, True])
STATES = pytest.mark.parametrize("has_state", [False, True])


class Scene(TwoBills):
    """A file of two bills whose accounts EnergyCAP knows, and the tries of its task."""

    def tries(self, *, has_state: bool = True, **arguments: Any) -> Tries:
        """Return the tries of a task that imports the file."""
        given = {"file": str(self.path), "poll_interval": 10, **arguments}
        return Tries(lambda: ImportBillsOperator(task_id="import_bills", **given), has_state=has_state)

    def edited(self, tries: Tries, **arguments: Any) -> Tries:
        """Return the tries of the same task once its arguments were edited in the DAG."""
        edited = self.tries(**arguments)
        edited.state, edited.try_number, edited.max_tries = tries.state, tries.try_number, tries.max_tries
        return edited

    def run(self, tries: Tries) -> Finished:
        """Run the next try, in a DAG run that began when the sandbox's clock did."""
        return tries.run(dag_run=RUN)

    def other_task(self) -> Tries:
        """Return the tries of another task that imports the same file."""
        return Tries(lambda: ImportBillsOperator(task_id="other", file=str(self.path), poll_interval=10))

    def client(self, key: str | None = None) -> EciClient:
        """Return a client, of the task's user unless another key is given."""
        return EciClient(self.sandbox.url, key or self.sandbox.api_key)

    def import_by_hand(self, key: str | None = None) -> str:
        """Import the file without a marker, as a person does, and return the import's GUID."""
        with self.client(key) as client:
            return client.bill_imports.submit(self.path, import_note="by hand")

    def import_kicked_out(self) -> str:
        """Return an import whose bill was kicked out, and whose account is known since."""
        self.path.write_text(ADVANCED + "A-9,20260101,20260131,A,,100.00\n")
        with self.client() as client:
            guid = client.bill_imports.submit(self.path)
            self.clock.sleep(60)
            assert client.tasks.get(guid).status == "Completed with kickouts"
        self.sandbox.add_account("A-9")
        return guid

    def open_batches(self, *codes: str) -> list[int]:
        """Open batches and return their numbers."""
        with self.client() as client:
            return [int(client.batches.open(batch_code=code).batch_id or 0) for code in codes]

    def lost_and_listed(self, tries: Tries, **context: Any) -> list[dict[str, Any]]:
        """Let a try lose its answer and fail in its search; return what EnergyCAP lists, as it writes it."""
        self.sandbox.fault("POST", IMPORT, drop="after")
        self.sandbox.fault("GET", TASKS, times=None, status=503)
        assert isinstance(tries.run(**{"dag_run": RUN, **context}).error, errors.EciUnknownOutcomeError)
        self.sandbox.clear_faults()
        with self.client() as client:
            return [task.model_dump(mode="json", by_alias=True) for task in client.tasks.list()]

    def bills_once(self) -> bool:
        """Return whether both bills are in EnergyCAP, once each, from one import."""
        bills = self.sandbox.bills()
        return sorted(bill["account"] for bill in bills) == ["A-1", "A-2"] and len(self.sandbox.tasks()) == 1


def retry_of(source: str, *, has_state: bool = True, **arguments: Any) -> Tries:
    """Return the tries of a task that retries the kickouts of an import."""
    given = {"task_guid": source, "poll_interval": 10, **arguments}
    return Tries(lambda: RetryKickoutsOperator(task_id="retry", **given), has_state=has_state)


def use_batch(number: int) -> dict[str, Any]:
    """Return settings that import into an existing batch."""
    return {"batch_mode": "use existing batch", "existing_open_batch_id": number}
