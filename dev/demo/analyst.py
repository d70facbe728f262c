"""The analyst, who does in EnergyCAP what the kickouts ask for. Airflow is not involved."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from dev.demo.bills import NEW_BUILDINGS, NEW_METERS, Bills
from dev.demo.errors import DemoError
from eci_provider.api import EciClient

ADDRESS_FILE = "sandbox-address"
# No proxy, whatever the environment says: the sandbox is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, body: dict[str, Any] | None = None, method: str | None = None, **headers: str) -> Any:
    """
    Ask a JSON API on this machine.

    :param body: JSON to send; GET without one.
    :raises OSError: if nothing, or an error, answers.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 (an address of this machine)
        url, data, {"Content-Type": "application/json", **headers}, method=method
    )
    with _OPENER.open(request, timeout=10) as answer:
        return json.load(answer)


def words() -> str:
    """Say what is corrected."""
    meters = ", ".join(f"meter {meter} of {building}" for building, meter in NEW_METERS.items())
    return f"{', '.join(NEW_BUILDINGS)}, and {meters}"


def correct(url: str) -> dict[str, Any] | None:
    """
    Add what is missing to the account book, then write "corrected" into the note of the newest import that has
    kickouts, which is what the DAG waits for.

    :param url: the sandbox's address.
    :return: that import as the sandbox shows it; None if there is none that waits.
    """
    kicked_out = [task for task in call(f"{url}/sandbox/state")["tasks"] if task["outcome"] == "kickouts"]
    if not kicked_out or "corrected" in (kicked_out[-1]["note"] or ""):
        return None
    for building, meters in Bills.read().corrections().items():
        call(f"{url}/sandbox/accounts", {"code": building, "meters": meters})
    task: dict[str, Any] = kicked_out[-1]
    # Not Airflow's key but one of the analyst's own, as it would be in EnergyCAP.
    user = {"code": f"analyst-{secrets.token_hex(2)}", "full_name": "Analyst"}
    with EciClient(url, call(f"{url}/sandbox/users", user)["api_key"]) as client:
        client.tasks.edit_note(task["task_id"], " ".join(filter(None, [task["note"], "corrected"])))
    return task


def correct_running(home: Path) -> None:
    """
    Correct what a running ``--ui`` has kicked out, and say so.

    :raises DemoError: if none is running, or nothing waits.
    """
    try:
        url = (home / ADDRESS_FILE).read_text().strip()
        done = correct(url)
    except urllib.error.HTTPError as error:
        raise DemoError(f"The sandbox refuses the correction: {error}") from None
    except (FileNotFoundError, urllib.error.URLError):
        raise DemoError("There is no sandbox to correct: `make ui` is not running.") from None
    if done is None:
        raise DemoError(f"No import waits for a correction; {url}/ shows how far it is.")
    print(
        f"Set up: {words()}.\n"
        'The import\'s note says "corrected" now. The DAG sees that at its next look: the longer it has\n'
        "waited, the longer until then (two minutes at most). Clearing the task accounts_corrected makes it\n"
        "look at once."
    )
