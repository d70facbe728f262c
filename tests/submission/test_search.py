"""What a search finds, with and without notes, and what then."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.submission import search
from tests.support.submissions import MARKER, TASKS, Scene, use_batch
from tests.support.two_bills import IMPORT


def test_without_notes_a_batch_code_of_ours_is_enough(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.sandbox.fault("POST", IMPORT, drop="after")

    end = scene.run(scene.tries(batch_settings={"batch_mode": "new batch"}))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert MARKER.fullmatch(end.result["batch_code"])
    assert scene.bills_once()


def test_without_notes_and_without_a_code_it_fails_closed(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.sandbox.fault("POST", IMPORT, drop="after")
    tries = scene.tries()

    end = scene.run(tries)

    guid = scene.sandbox.tasks()[0]["task_guid"]
    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final
    for words in (guid, "adopt_task_guid", "reattach=False", "bills.csv"):
        assert words in str(end.error)
    assert scene.submits == 1


def test_imports_of_others_do_not_matter_where_notes_are_shown(scene: Scene) -> None:
    scene.import_by_hand()
    other = scene.run(scene.other_task())
    assert other.state == "success"
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert end.result["reattached"] is False


def test_notes_shown_weeks_ago_are_proof(scene: Scene) -> None:
    scene.run(scene.other_task())
    scene.clock.sleep(20 * 86400)
    scene.import_by_hand()
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(scene.tries())

    assert end.state == "success", end.error


@pytest.mark.parametrize("who", ["another user", "another batch", "long before"])
def test_imports_that_cannot_be_ours_are_no_candidates(who: str, scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.import_by_hand(key=scene.sandbox.add_user("colleague") if who == "another user" else None)
    if who == "long before":
        scene.clock.sleep(600)
    settings = {"batch_mode": "new batch", "new_batch_code": "2026-01", "leave_existing_batches_open": True}
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(scene.tries(batch_settings=settings if who == "another batch" else None))

    assert end.state == "success", end.error
    assert end.result["reattached"] is False


def test_a_note_that_shows_only_at_the_end_leaves_doubt_until_then(scene: Scene) -> None:
    scene.run(scene.other_task())
    scene.sandbox.settings.notes_visible = "at_end"
    scene.sandbox.fault("POST", IMPORT, drop="after")
    tries = scene.tries()

    unsure = scene.run(tries)
    assert isinstance(unsure.error, errors.EciUnknownOutcomeError)
    assert not unsure.is_final
    assert "no note yet" in str(unsure.error)
    scene.clock.sleep(60)
    sure = scene.run(tries)

    assert sure.state == "success", sure.error
    assert sure.result["reattached"] is True
    assert scene.submits == 2  # that of the other task, and ours


def test_a_batch_code_is_compared_as_the_server_may_write_it(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, times=None, status=503)
    tries = scene.tries(batch_settings={"batch_mode": "new batch"})
    assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
    scene.sandbox.clear_faults()
    (batch,) = scene.sandbox.batches()
    with scene.client() as client:
        client.batches.edit(batch["batch_id"], batch_code=f" {batch['batch_code'].upper()} ", note=None)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True


def test_several_of_ours_are_named_and_nothing_is_sent(scene: Scene) -> None:
    tries = scene.tries(has_state=False)
    scene.run(tries)
    body = next(request.body for request in scene.sandbox.requests if request.path == IMPORT)
    with scene.client() as client:
        client.bill_imports.submit(scene.path, import_note=body["importNote"])

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final
    assert all(task["task_guid"] in str(end.error) for task in scene.sandbox.tasks())
    assert len(scene.sandbox.tasks()) == 2


def test_as_long_as_an_import_names_no_batch_another_try_may_tell_more(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.sandbox.settings.batch_visible = "at_end"
    scene.sandbox.fault("POST", IMPORT, drop="after")
    tries = scene.tries(batch_settings={"batch_mode": "new batch"})

    unsure = scene.run(tries)
    assert isinstance(unsure.error, errors.EciUnknownOutcomeError)
    assert not unsure.is_final
    scene.clock.sleep(60)
    sure = scene.run(tries)

    assert sure.state == "success", sure.error
    assert sure.result["reattached"] is True
    assert scene.bills_once()


def test_a_server_that_shows_no_notes_is_reported_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.sandbox.settings.echo_notes = False

    scene.run(scene.tries())

    warnings = [record for record in caplog.records if "does not show the note" in record.getMessage()]
    assert [record.levelno for record in warnings] == [logging.WARNING]


def test_a_short_page_without_a_count_is_not_the_last(scene: Scene) -> None:
    for _ in range(3):
        scene.import_by_hand()
    before, tries = scene.submits, scene.tries()
    listed = sorted(scene.lost_and_listed(tries), key=lambda task: bool(MARKER.search(task["taskNote"])))
    pages = [scene.sandbox.fault("GET", TASKS, status=200, body=page) for page in (listed[:2], listed[2:], [])]

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == before + 1
    assert [page.hits for page in pages] == [1, 1, 1]


def test_clocks_may_be_apart_where_no_answer_tells_the_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sandbox.settings.echo_notes = False
    (batch,) = scene.open_batches("B1")
    scene.clock.moment += timedelta(minutes=30)
    monkeypatch.setattr(EciClient, "knows_server_time", False)
    monkeypatch.setattr(EciClient, "server_now", lambda self: scene.clock.moment)
    scene.sandbox.fault("POST", IMPORT, drop="after")

    end = scene.run(scene.tries(batch_settings=use_batch(batch)))

    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert scene.submits == 1


def test_somebody_elses_odd_import_keeps_none_from_being_found(scene: Scene) -> None:
    tries = scene.tries()
    odd = {"taskGUId": "0" * 8, "analyzingCount": "n/a", "batch": {"batchId": "?"}, "beginDate": 7}
    listed = [odd, *scene.lost_and_listed(tries), None]
    scene.sandbox.fault("GET", TASKS, times=None, status=200, body=listed, headers={"TotalPages": "1"})

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert scene.submits == 1


def test_a_page_count_that_contradicts_the_other_headers_hides_no_import(scene: Scene) -> None:
    tries = scene.tries()
    for _ in range(3):
        scene.import_by_hand()
    scene.lost_and_listed(tries)
    assert len(scene.sandbox.tasks()) == 4
    before = scene.submits
    # As behind a gateway that makes pages smaller: PageSize 2, TotalPages 1, TotalNumberOfRecords 4.
    scene.sandbox.settings.largest_page, scene.sandbox.settings.total_pages = 2, "one"
    scene.sandbox.clear_requests()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 0 < before
    pages = [one.query["pageNumber"] for one in scene.sandbox.requests if one.path == TASKS]
    assert pages == ["1", "2"] * 2  # those of the search, and of the look for twins at the end


def test_a_search_reads_no_more_imports_than_it_may(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_IMPORTS", 3)
    tries = scene.tries()
    for _ in range(3):
        scene.import_by_hand()
    scene.sandbox.fault("POST", IMPORT, drop="after")
    before = scene.submits

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert "EnergyCAP lists more than 3 imports since 2026-01-05, too many to search" in str(end.error)
    assert scene.submits == before + 1


@pytest.mark.parametrize("code", ["", "cut \ud83d", "a\x00b", "line\r\nERROR forged", "R" * 300])
@pytest.mark.parametrize("place", ["me", "userCode", "batchCode"])
def test_a_text_that_can_be_no_code_makes_no_import_somebody_elses(place: str, code: str, scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries(batch_settings={"batch_mode": "smart batch", "new_batch_code": "2026-01"})
    listed = scene.lost_and_listed(tries)
    if place == "me":
        scene.sandbox.fault("GET", "/api/v3/me", times=None, status=200, body={"systemUserCode": code})
    elif place == "userCode":
        listed[0]["user"][place] = code
    else:
        listed[0]["batch"] = {place: code}
    scene.sandbox.fault("GET", TASKS, times=None, status=200, body=listed, headers={"TotalPages": "1"})

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert scene.submits == 1
