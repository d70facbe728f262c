"""The analyst, who corrects in EnergyCAP what the kickouts name. Airflow has no part in this."""

from __future__ import annotations

import secrets
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.demo.bills import AccountBook
from dev.demo.story import plural
from dev.support.errors import ToolError
from dev.support.rest import call
from eci_provider.api import EciClient

#: File in the Airflow home of ``--ui`` with the sandbox's address.
ADDRESS_FILE = "sandbox-address"


@dataclass(frozen=True)
class Correction:
    """
    What the kickouts of imports name, if nobody has corrected it yet.

    :param imports: the imports, as the sandbox shows them.
    :param accounts: the accounts to add or to replace, each with all its meters.
    :param names: what they add, such as "building A" and "meter 1 of building C".
    """

    imports: list[dict[str, Any]]
    accounts: AccountBook
    names: list[str]

    def __str__(self) -> str:
        return ", ".join(self.names) or "nothing, EnergyCAP has it all by now"


def needed(url: str) -> Correction:
    """
    Return what imports with kickouts wait for.

    :param url: the sandbox's address.
    """
    state = call(f"{url}/sandbox/state")
    imports = [
        task
        for task in state["tasks"]
        if task["outcome"] == "kickouts" and "corrected" not in (task["note"] or "")
    ]
    waiting = {task["task_guid"] for task in imports}
    known: AccountBook = {
        account["code"]: [meter["code"] for meter in account["meters"]] for account in state["accounts"]
    }
    accounts: AccountBook = {}
    names: list[str] = []
    for kickout in state["kickouts"]:
        row = dict(zip(kickout["header"], kickout["cells"], strict=False))
        building, meter = row.get("Building ID"), row.get("Meter Number")
        if kickout["task_guid"] not in waiting or not building or not meter:
            continue
        if building not in known and building not in accounts:
            names.append(f"building {building}")
        meters = accounts.get(building, known.get(building, []))
        if meter not in meters:
            if building in known:
                names.append(f"meter {meter} of building {building}")
            accounts[building] = [*meters, meter]
    return Correction(imports, accounts, names)


def correct(url: str) -> Correction:
    """
    Add the missing accounts and meters, and write "corrected" into the note of each import with kickouts.

    The DAGs wait for that word in the note.

    :param url: the sandbox's address.
    :return: what was corrected.
    """
    correction = needed(url)
    for building, meters in correction.accounts.items():
        call(f"{url}/sandbox/accounts", {"code": building, "meters": meters})
    if correction.imports:
        # The analyst has an API key of her own, as she would in EnergyCAP.
        user = {"code": f"analyst-{secrets.token_hex(2)}", "full_name": "Analyst"}
        with EciClient(url, call(f"{url}/sandbox/users", user)["api_key"]) as client:
            for task in correction.imports:
                client.tasks.edit_note(task["task_id"], " ".join(filter(None, [task["note"], "corrected"])))
    return correction


def correct_running(home: Path) -> None:
    """
    Correct what the imports of a running ``--ui`` kicked out, and print what was done.

    :param home: the Airflow home of that ``--ui``.
    :raises ToolError: if there is none, or if no import waits for a correction.
    """
    try:
        url = (home / ADDRESS_FILE).read_text().strip()
        corrected = correct(url)
    except urllib.error.HTTPError as error:
        raise ToolError(f"The sandbox refused the correction: {error}") from None
    except (FileNotFoundError, urllib.error.URLError):
        raise ToolError("There is no sandbox to correct: `make ui` is not running.") from None
    if not corrected.imports:
        raise ToolError(f"No import waits for a correction. {url}/ shows all imports.")
    print(
        f"Added in EnergyCAP: {corrected}.\n"
        f'The note of {plural(len(corrected.imports), "import")} now says "corrected". A task that waits for this '
        "reads it within two minutes;\n"
        "to let it continue at once, clear it in Airflow (accounts_corrected of eci_bill_import).\n"
        'If a run of eci_kickout_review asks you: answer "Retry the kickouts" now.'
    )
