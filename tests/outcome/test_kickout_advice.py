"""What the error of kickouts advises: it depends on what their reasons are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.conftest import TurnedClock
from tests.support.run_task import Finished, run
from tests.support.waiting_tasks import ADVANCED

MODES = pytest.mark.parametrize("deferrable", [False, True])
KNOWN, UNKNOWN_ACCOUNT = "A-1", "A-9"
GOOD, BAD = "100.00", "$5"


def imported(folder: Path, rows: list[tuple[str, str]], *, deferrable: bool) -> Finished:
    """Import a file with these accounts and amounts."""
    file = folder / "bills.csv"
    lines = [
        f"{account},202601{day:02},202601{day + 1:02},A,,{amount}\n"
        for day, (account, amount) in enumerate(rows, 1)
    ]
    file.write_text(ADVANCED + "".join(lines))
    return run(ImportBillsOperator(task_id="import", file=str(file), deferrable=deferrable))


@MODES
def test_a_wrong_cell_is_corrected_in_the_file_and_not_retried(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account(KNOWN)

    end = imported(tmp_path, [(KNOWN, BAD)], deferrable=deferrable)

    assert isinstance(end.error, errors.EciKickoutsError)
    assert "'$5' is not a number" in str(end.error)
    assert "Correct in the bill file what the messages name, then clear the task that imports it" in str(end.error)
    assert "RetryKickoutsOperator" not in str(end.error)


@MODES
def test_missing_master_data_is_corrected_in_energycap_and_retried(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    end = imported(tmp_path, [(UNKNOWN_ACCOUNT, GOOD)], deferrable=deferrable)

    assert isinstance(end.error, errors.EciKickoutsError)
    assert (
        "Correct what the messages name in EnergyCAP, then retry these kickouts with RetryKickoutsOperator; "
        "do not send the file again." in str(end.error)
    )
    assert "bill file" not in str(end.error)


@MODES
def test_of_both_kinds_each_reason_says_where_it_is_corrected(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account(KNOWN)

    end = imported(tmp_path, [(UNKNOWN_ACCOUNT, GOOD), (KNOWN, BAD)], deferrable=deferrable)

    assert isinstance(end.error, errors.EciKickoutsError)
    lines = str(end.error).splitlines()
    assert next(line for line in lines if "was not found" in line).endswith(" (correct in EnergyCAP)")
    assert next(line for line in lines if "is not a number" in line).endswith(" (correct in the file)")
    assert "Correct each reason where it says, then clear the task that imports the file." in str(end.error)


@MODES
@pytest.mark.parametrize("said", ["Rejected.", None])
def test_of_an_unknown_reason_both_ways_are_named(
    said: str | None, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    kickout = "/api/v202401/import/bill/task/*/kickout"
    if said is None:
        sandbox.fault("GET", f"{kickout}/*", times=None, status=403)
    else:
        sandbox.fault("GET", f"{kickout}/summary", times=None, status=200, body={"kickoutMessages": [said]})
        rows = {"fields": [{"id": 1, "name": "Message"}], "data": [[{"fieldId": 1, "value": said}]]}
        sandbox.fault("GET", f"{kickout}/detail", times=None, status=200, body=rows)

    end = imported(tmp_path, [(UNKNOWN_ACCOUNT, GOOD)], deferrable=deferrable)

    assert isinstance(end.error, errors.EciKickoutsError)
    assert "retry these kickouts with RetryKickoutsOperator" in str(end.error)
    assert "correct the bill file and clear the task that imports it" in str(end.error)
