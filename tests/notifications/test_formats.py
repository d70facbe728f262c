"""How a message looks: as a line, as text, as HTML and in Slack; whatever EnergyCAP and the bill file say."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from eci_provider.notifications.message import KickoutMessage
from eci_provider.outcome.result import ImportResult, ReportStatus

GUID = "123e4567-e89b-12d3-a456-426614174000"
NASTY = "<!channel> *x* ```@here``` <a href='http://evil'>&\"</a>"


def _result(**facts: Any) -> ImportResult:
    known = {
        "task_guid": GUID,
        "status": "Completed with kickouts",
        "outcome": "completed_with_kickouts",
        "batch_id": 7,
        "batch_code": "January",
        "imported": 31,
        "voided": 0,
        "kickouts": 9,
        "kickout_messages": [
            {"message": "Account code 'B-1' was not found.", "rows": 6},
            {"message": "COST: 'x' is not a number.", "rows": 3},
        ],
        "reattached": False,
    }
    return ImportResult.from_xcom({**known, **facts})


def _message(**facts: Any) -> KickoutMessage:
    return KickoutMessage(_result(**facts), dag_id="bills", task_id="import_bills", run_id="manual__1")


@pytest.mark.parametrize(
    ("facts", "subject"),
    [
        ({}, "9 rows kicked out, 31 bills imported: January"),
        ({"kickouts": 1, "imported": 1}, "1 row kicked out, 1 bill imported: January"),
        ({"kickouts": 12345, "imported": 0}, "12,345 rows kicked out, 0 bills imported: January"),
        ({"kickouts": None}, "an unknown number of rows kicked out, 31 bills imported: January"),
        ({"imported": None}, "9 rows kicked out, an unknown number of bills imported: January"),
        ({"imported": 0, "voided": 31, "batch_status": "Pending"}, "9 rows kicked out, no bill counts: January"),
        ({"imported": 0, "batch_status": "deleted"}, "9 rows kicked out, no bill counts: January"),
        ({"batch_code": None}, "9 rows kicked out, 31 bills imported: 7"),
        ({"batch_code": None, "batch_id": None}, "9 rows kicked out, 31 bills imported: import_bills"),
        ({"outcome": "completed", "kickouts": 0}, "31 bills imported: January"),
        ({"outcome": "failed", "kickouts": None}, "the import failed: January"),
    ],
)
def test_the_subject_says_what_matters(facts: dict[str, Any], subject: str) -> None:
    assert _message(**facts).subject == subject


def test_the_subject_is_a_short_line_whatever_the_batch_is_called() -> None:
    subject = _message(batch_code="x" * 5000).subject

    assert len(subject) <= 200
    assert subject.startswith("9 rows kicked out, 31 bills imported: xxx")


def test_the_text_is_for_a_reader_who_has_never_seen_the_dag() -> None:
    message = replace(
        _message(kickout_report="s3://user:secret@bucket/k.xlsx?sig=secret"),
        report_url="https://console/k.xlsx",
        energycap_url="https://app.energycap.com/batch/7",
        log_url="https://airflow/log",
        note="Ask Ada.",
    )

    assert message.text.splitlines() == [
        "9 rows kicked out, 31 bills imported: January",
        "",
        message.result.summary,
        "",
        "       6 x Account code 'B-1' was not found. (correct in EnergyCAP)",
        "       3 x COST: 'x' is not a number. (correct in the file)",
        "",
        "Correct each reason where it says, then clear the task that imports the file.",
        "",
        "Kickout report: https://console/k.xlsx",
        "EnergyCAP: https://app.energycap.com/batch/7",
        "Airflow: https://airflow/log",
        "",
        "Ask Ada.",
    ]
    assert str(message) == message.text


def test_without_addresses_it_says_where_things_are() -> None:
    message = replace(_message(kickout_report="s3://user:secret@bucket/k.xlsx?sig=secret"), map_index=3)

    assert message.text.splitlines()[-2:] == [
        "Kickout report: s3://user:***@bucket/k.xlsx?sig=***",
        "Airflow: bills.import_bills[3], manual__1",
    ]
    assert "secret" not in message.html + message.slack


def test_another_reason_for_the_failure_is_what_it_advises() -> None:
    message = replace(_message(), problem="Batch 'January' is Pending, so its bills are void.")

    for text in (message.text, message.html.replace("&#x27;", "'"), message.slack):
        assert "Batch 'January' is Pending, so its bills are void." in text
        assert "Correct each reason" not in text


def test_in_html_a_text_of_others_is_text() -> None:
    message = replace(
        _message(batch_code=NASTY, kickout_messages=[{"message": NASTY, "rows": 9}], kickout_report=NASTY),
        report_url='https://console/"><b>',
        note=NASTY,
    )
    seen: list[tuple[str, dict[str, str | None]]] = []
    texts: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attributes)))

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Parser().feed(message.html)

    assert {tag for tag, _ in seen} == {"p", "b", "table", "tr", "th", "td", "ul", "li", "a"}
    assert [attributes["href"] for tag, attributes in seen if tag == "a"] == ['https://console/"><b>']
    assert len([tag for tag, _ in seen if tag == "b"]) == 1
    assert "".join(texts).count(NASTY) == 5  # twice the batch, the reason, the report, the note


def test_in_slack_a_text_of_others_mentions_nobody_and_ends_no_block() -> None:
    message = replace(
        _message(batch_code=NASTY, kickout_messages=[{"message": NASTY, "rows": 9}], kickout_report=NASTY),
        report_url="https://console/<!channel>|x",
        note="<@U123> decides",
    )

    slack = message.slack

    assert "<!channel" not in slack
    assert slack.count("`") == 6
    assert "<https://console/%3C!channel%3E%7Cx|&lt;!channel&gt; " in slack
    assert "'''@here'''" in slack
    assert slack.endswith("<@U123> decides")  # the DAG's author may mention whom he wants


def test_the_class_and_its_texts_work_for_an_import_that_says_nothing() -> None:
    message = _message(
        kickout_messages=[], kickouts=None, imported=None, status=None, batch_id=None, batch_code=None
    )

    assert message.reasons == []
    assert "RetryKickoutsOperator" in message.text
    for text in (message.text, message.html, message.slack):
        assert "None" not in text.replace("ended as None", "")


def test_a_report_that_was_not_written_is_not_named() -> None:
    message = _message(kickout_report=None, kickout_report_error="no room on disk")

    assert message.result.report == ReportStatus(None, "no room on disk")
    assert message.report is None
    assert "Kickout report" not in message.text
