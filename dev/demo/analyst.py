"""The analyst, who corrects in EnergyCAP what the kickouts name. Airflow has no part in this."""

from __future__ import annotations

import secrets
import urllib.error
from pathlib import Path
from typing import Any

from dev.demo.bills import NEW_BUILDINGS, NEW_METERS, Bills
from dev.support.errors import ToolError
from dev.support.rest import call
from eci_provider.api import EciClient

#: File in the Airflow home of ``--ui`` with the sandbox's address.
ADDRESS_FILE = "sandbox-address"


def corrections_text() -> str:
    """Return what the analyst adds, such as "the buildings A and B, and meter 1 of C"."""
    meters = ", ".join(f"meter {meter} of {building}" for building, meter in NEW_METERS.items())
    return f"the buildings {' and '.join(NEW_BUILDINGS)}, and {meters}"


def correct(url: str) -> dict[str, Any] | None:
    """
    Add the missing accounts and meters, and write "corrected" into the note of the newest import with kickouts.

    The DAG waits for that word in the note.

    :param url: the sandbox's address.
    :return: that import, as the sandbox shows it; None if no import waits for a correction.
    """
    kicked_out = [task for task in call(f"{url}/sandbox/state")["tasks"] if task["outcome"] == "kickouts"]
    if not kicked_out or "corrected" in (kicked_out[-1]["note"] or ""):
        return None
    for building, meters in Bills.read().corrections().items():
        call(f"{url}/sandbox/accounts", {"code": building, "meters": meters})
    task: dict[str, Any] = kicked_out[-1]
    # The analyst has an API key of her own, as she would in EnergyCAP.
    user = {"code": f"analyst-{secrets.token_hex(2)}", "full_name": "Analyst"}
    with EciClient(url, call(f"{url}/sandbox/users", user)["api_key"]) as client:
        client.tasks.edit_note(task["task_id"], " ".join(filter(None, [task["note"], "corrected"])))
    return task


def correct_running(home: Path) -> None:
    """
    Correct what the import of a running ``--ui`` kicked out, and print what was done.

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
    if corrected is None:
        raise ToolError(f"No import waits for a correction. {url}/ shows all imports.")
    print(
        f"Added in EnergyCAP: {corrections_text()}.\n"
        'The note of the import now says "corrected". The DAG reads it within two minutes.\n'
        "To let it continue at once, clear the task accounts_corrected."
    )
