"""A GUID is the same however a user or EnergyCAP writes it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from eci_provider.api import errors
from eci_provider.api.models import plain_guid
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import run
from tests.support.submissions import MODES, TASKS, Scene
from tests.support.two_bills import IMPORT

GUID = "123e4567-e89b-12d3-a456-426614174000"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "in capitals": str.upper,
    "in braces": lambda guid: "{" + guid + "}",
    "in parentheses": lambda guid: f"({guid.upper()})",
    "without dashes": lambda guid: guid.replace("-", ""),
    "without dashes, in braces": lambda guid: "{" + guid.replace("-", "").upper() + "}",
    "as a URN": lambda guid: f"urn:uuid:{guid}",
    "with blanks around it": lambda guid: f" {guid}\n",
}
SPELLED = pytest.mark.parametrize("way", SPELLINGS)


@SPELLED
def test_a_guid_is_read_however_it_is_written(way: str) -> None:
    assert plain_guid(SPELLINGS[way](GUID)) == GUID


@pytest.mark.parametrize("text", ["", "x", GUID[:-1], GUID + "0", "123e4567-e89b12d3-a456-426614174000", "{}"])
def test_another_text_is_no_guid(text: str) -> None:
    assert plain_guid(text) is None


@MODES
@SPELLED
def test_an_import_is_adopted_however_its_guid_is_written(way: str, deferrable: bool, scene: Scene) -> None:
    guid = scene.import_by_hand()

    end = scene.run(scene.tries(adopt_task_guid=SPELLINGS[way](guid), deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid
    assert scene.submits == 1


@MODES
@SPELLED
def test_a_sensor_waits_for_an_import_however_its_guid_is_written(
    way: str, deferrable: bool, scene: Scene
) -> None:
    guid = scene.import_by_hand()

    end = run(EciTaskSensor(task_id="wait", task_guid=SPELLINGS[way](guid), deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid


@MODES
@SPELLED
def test_a_lost_import_is_found_however_energycap_writes_its_guid(
    way: str, deferrable: bool, scene: Scene
) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    lost = scene.run(scene.tries(wait_for_completion=False))
    guid = lost.result["task_guid"]
    with scene.client() as client:
        listed = [task.documented() for task in client.tasks.list()]
    body = json.dumps(
        [
            {
                "taskGUId": SPELLINGS[way](guid),
                "taskNote": task["task_note"],
                "beginDate": task["begin_date"],
                "status": task["status"],
            }
            for task in listed
        ]
    )
    scene.sandbox.fault("GET", TASKS, status=200, body=body)
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(scene.tries(deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid
    assert end.result["reattached"] is True


@SPELLED
def test_an_import_is_waited_for_however_the_answer_writes_its_guid(way: str, scene: Scene) -> None:
    guid = scene.import_by_hand()
    scene.sandbox.fault("POST", IMPORT, status=200, body={"taskGUId": SPELLINGS[way](guid)})

    end = scene.run(scene.tries(wait_for_completion=False))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid


def test_the_guid_of_nothing_is_no_answer(scene: Scene) -> None:
    scene.sandbox.fault(
        "POST", IMPORT, status=200, body={"taskGUId": "00000000-0000-0000-0000-000000000000"}, commit=True
    )

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


def test_what_is_no_guid_is_refused_before_anything_is_sent(scene: Scene) -> None:
    with pytest.raises(errors.EciValidationError, match="adopt_task_guid is 'import 7': must be a UUID"):
        scene.tries(adopt_task_guid="import 7").make()
    assert scene.submits == 0
