"""The notifier at tasks that wait for imports: when it sends what, and that it never changes a task's end."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseNotifier, BaseOperator
from airflow.providers.smtp.notifications.smtp import SmtpNotifier

from eci_provider.api.errors import EciKickoutsError, EciValidationError
from eci_provider.notifications import EciKickoutNotifier
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.submission.record import forget_on_success
from tests.support.mail_server import MailServer
from tests.support.run_task import Finished, run
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import KINDS, bill_file, waiting_task

CALLBACKS = ("on_failure_callback", "on_success_callback", "on_skipped_callback")


class Noted(BaseNotifier):
    """A notifier that keeps the texts it would send."""

    template_fields = ("text",)

    def __init__(self, text: str, sent: list[str], *, fails: bool = False) -> None:
        super().__init__()
        self.text, self.sent, self.fails = text, sent, fails

    def notify(self, context: Any) -> None:
        """Keep the rendered text."""
        if self.fails:
            raise ConnectionError("the chat is down")
        self.sent.append(self.text)


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Start a mail server, and connect ``smtp_default`` with it."""
    with MailServer() as server:
        extra = {"disable_ssl": True, "disable_tls": True}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield server


def _at_every_end(notifier: Any) -> dict[str, Any]:
    return dict.fromkeys(CALLBACKS, notifier)


def _run(task: BaseOperator, **context: Any) -> Finished:
    dag = DAG("bills", schedule=None, start_date=datetime(2026, 1, 1))
    return run(task, instance={"dag_id": "bills", "run_id": "manual__1"}, dag=dag, **context)


def _import(folder: Path, *accounts: str, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(bill_file(folder, *accounts)), **arguments)


@pytest.mark.parametrize(
    ("kind", "deferrable", "on_kickouts"),
    [
        *((kind, deferrable, "warn") for kind in KINDS for deferrable in (False, True)),
        ("import", True, "fail"),
        ("import", True, "skip"),
        ("sensor", True, "fail"),
        ("retry", False, "skip"),
    ],
)
def test_each_task_tells_of_its_kickouts_in_every_mode_and_at_every_end(
    kind: str, deferrable: bool, on_kickouts: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sent: list[str] = []
    sandbox.settings.delay = 60
    notifier = EciKickoutNotifier(Noted("{{ kickouts.subject }}", sent))
    task = waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, good=False, on_kickouts=on_kickouts)
    for name, callback in _at_every_end(notifier).items():
        setattr(task, name, callback if kind != "sensor" and name == "on_success_callback" else [callback])

    end = _run(task)

    assert end.state == {"fail": "failed", "warn": "success", "skip": "skipped"}[on_kickouts]
    assert bool(end.deferrals) is deferrable
    (subject,) = sent
    assert subject == f"1 row kicked out, 1 bill imported: {end.xcoms['return_value']['batch_code']}"


@pytest.mark.parametrize("when", ["kickouts", "always"])
def test_without_kickouts_nothing_is_sent_unless_that_is_wanted(
    when: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    sent: list[str] = []
    sandbox.add_account("A-1")
    notifier = EciKickoutNotifier(Noted("{{ kickouts.subject }}", sent), when=when)

    end = _run(_import(tmp_path, "A-1", **_at_every_end(notifier)))

    assert end.state == "success"
    assert sent == ([] if when == "kickouts" else [f"1 bill imported: {end.result['batch_code']}"])


def test_a_function_decides_when_a_message_is_due(sandbox: Sandbox, tmp_path: Path) -> None:
    sent: list[str] = []
    asked: list[int | None] = []
    sandbox.add_account("A-1")

    def is_due(kickouts: Any) -> bool:
        asked.append(kickouts.rows)
        return bool(kickouts.rows > 1)

    notifier = EciKickoutNotifier(Noted("{{ kickouts.rows }}", sent), when=is_due)
    for accounts in (("A-1",), ("A-1", "B-1"), ("B-1", "B-2")):
        _run(_import(tmp_path, *accounts, on_kickouts="warn", reattach=False, **_at_every_end(notifier)))

    assert asked == [1, 2]
    assert sent == ["2"]


@pytest.mark.parametrize("when", ["kickouts", "always"])
def test_a_task_that_fails_before_its_import_ended_sends_nothing(
    when: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    sent: list[str] = []
    sandbox.fault("POST", "/api/v3/import/*", status=400)
    task = _import(tmp_path, "B-1", **_at_every_end(EciKickoutNotifier(Noted("{{ kickouts }}", sent), when=when)))

    end = _run(task)

    assert end.state == "failed"
    assert not isinstance(end.error, EciKickoutsError)
    assert sent == []


def test_an_import_that_is_not_waited_for_sends_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    sent: list[str] = []
    notifier = EciKickoutNotifier(Noted("{{ kickouts }}", sent), when="always")

    end = _run(_import(tmp_path, "B-1", wait_for_completion=False, **_at_every_end(notifier)))

    assert (end.state, end.result["outcome"], sent) == ("success", None, [])


@pytest.mark.parametrize("result", [None, "a text", 7, {"rows": 3}, {"outcome": "completed_with_kickouts"}])
def test_tasks_of_others_send_nothing(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Other(BaseOperator):
        def execute(self, context: Any) -> Any:
            return result

    sent: list[str] = []
    notifier = EciKickoutNotifier(Noted("{{ kickouts }}", sent), when="always")

    end = _run(Other(task_id="other", **_at_every_end([notifier])))

    assert (end.state, sent) == ("success", [])
    assert "No message" not in caplog.text


def test_what_is_no_task_sends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The callbacks of a whole DAG know no result of a task."""
    sent: list[str] = []
    dag = DAG("bills", schedule=None, start_date=datetime(2026, 1, 1))

    EciKickoutNotifier(Noted("{{ kickouts }}", sent))({"dag": dag, "reason": "task_failure"})

    assert sent == []
    assert "No message" not in caplog.text


def test_a_task_without_xcom_says_that_it_cannot_tell(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    notifier = EciKickoutNotifier(Noted("{{ kickouts.rows }}", sent))
    failing = _import(tmp_path, "B-1", do_xcom_push=False, **_at_every_end(notifier))
    warned = _import(
        tmp_path, "B-1", do_xcom_push=False, on_kickouts="warn", reattach=False, **_at_every_end(notifier)
    )
    monkeypatch.setattr("tests.support.run_task.TaskInstanceDouble.xcom_pull", lambda *_, **__: None)

    _run(failing)
    assert sent == ["1"]  # the error has the result
    _run(warned)

    assert sent == ["1"]
    assert "with do_xcom_push=False the result is not known here" in caplog.text


def test_an_email_by_a_real_mail_server(sandbox: Sandbox, mails: MailServer, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    notifier = EciKickoutNotifier(
        send=SmtpNotifier(
            from_email="airflow@example.com",
            to="{{ params.analyst }}",
            subject="{{ kickouts.subject }}",
            html_content="{{ kickouts.html }}",
        ),
        note="Ask {{ params.analyst }} about <meters>.\nUrgent.",
    )
    report = tmp_path / "kickouts.md"
    task = _import(tmp_path, "A-1", "B<1>", "B<1>", kickout_report=report, **_at_every_end(notifier))

    end = _run(task, params={"analyst": "ada@example.com"})

    assert isinstance(end.error, EciKickoutsError)
    (mail,) = mails.messages
    html = mail.get_body().get_content()  # type: ignore[union-attr]
    assert (mail["To"], mail["From"]) == ("ada@example.com", "airflow@example.com")
    assert mail["Subject"] == f"2 rows kicked out, 1 bill imported: {end.xcoms['return_value']['batch_code']}"
    assert end.xcoms["return_value"]["task_guid"] in html
    assert '<td align="right">2</td><td>' in html
    assert "B&lt;1&gt;" in html
    assert "B<1>" not in html
    assert "Correct" in html
    assert f"<li>Kickout report: {report}</li>" in html
    assert "bills.import_bills, manual__1" in html
    assert "<p>Ask ada@example.com about &lt;meters&gt;.<br>Urgent.</p>" in html


def test_a_failing_message_changes_nothing_and_does_not_stop_the_next(
    sandbox: Sandbox, mails: MailServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    mails.refuses = True
    mail = SmtpNotifier(
        from_email="a@example.com", to="b@example.com", subject="x", html_content="{{ kickouts.html }}"
    )
    senders = [
        mail,
        Noted("", sent, fails=True),
        Noted("{{ kickouts.nosuch.name }}", sent),
        Noted("{{ 1 }}", sent),
    ]
    task = _import(tmp_path, "B-1", **_at_every_end(EciKickoutNotifier(senders)))

    with caplog.at_level(logging.INFO):
        end = _run(task)

    assert isinstance(end.error, EciKickoutsError)
    assert end.state == "failed"
    assert sent == ["1"]
    assert mails.messages == []
    # Before Airflow 3.1 notifiers log their failures themselves.
    for problem in ("SMTPDataError|554", "the chat is down", "has no attribute 'nosuch'"):
        assert re.search(
            rf"(could not send the message about import \S+:|Failed to send notification).*({problem})",
            caplog.text,
        )
    assert "handed to Noted: 1 row kicked out" in caplog.text


def test_a_note_or_a_function_that_fails_changes_nothing(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    broken = [
        EciKickoutNotifier(Noted("{{ kickouts }}", sent), note="{{ nosuch.name }}"),
        EciKickoutNotifier(Noted("{{ kickouts }}", sent), when=lambda kickouts: kickouts.nosuch),
    ]

    end = _run(_import(tmp_path, "B-1", on_kickouts="warn", on_success_callback=broken))

    assert (end.state, sent) == ("success", [])
    assert "No message about kickouts: UndefinedError: 'nosuch' is undefined" in caplog.text
    assert "'KickoutMessage' object has no attribute 'nosuch'" in caplog.text


def test_one_notifier_serves_many_tasks(sandbox: Sandbox, tmp_path: Path) -> None:
    """``dag test`` runs all tasks in one process, and Airflow renders a notifier in place."""
    sent: list[str] = []
    notifier = EciKickoutNotifier(Noted("{{ kickouts.rows }} {{ kickouts.note }}", sent), note="{{ params.who }}")
    before: list[list[str]] = []
    after: list[list[str]] = []
    callbacks = [
        lambda context: before.append(sorted(context)),
        notifier,
        lambda context: after.append(sorted(context)),
    ]

    for who, accounts in {"Ada": ("B-1",), "Grace": ("B-1", "B-2")}.items():
        task = _import(tmp_path, *accounts, reattach=False, on_failure_callback=callbacks)
        _run(task, params={"who": who})

    assert sent == ["1 Ada", "2 Grace"]
    assert before == after  # each renders into the context what it sends
    assert "kickouts" not in before[1]


def test_an_attempt_is_told_of_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """Airflow 2 calls ``on_success_callback`` after ``on_skipped_callback``, too."""
    sent: list[str] = []
    notifier = EciKickoutNotifier(Noted("{{ ti.try_number }}", sent))
    dag = DAG("bills", schedule=None, start_date=datetime(2026, 1, 1))
    contexts: list[Any] = []
    task = _import(tmp_path, "B-1", on_kickouts="skip", on_skipped_callback=[contexts.append, notifier])
    run(task, dag=dag)

    notifier(contexts[0])
    run(task, dag=dag, instance={"try_number": 2})

    assert sent == ["1", "2"]


def test_a_function_sends_and_finds_the_message_in_the_context(sandbox: Sandbox, tmp_path: Path) -> None:
    seen: list[Any] = []
    notifier = EciKickoutNotifier(lambda context: seen.append(context["kickouts"]))

    end = _run(_import(tmp_path, "B-1", "B-1", **_at_every_end(notifier)))

    (message,) = seen
    assert message.result.to_xcom() == end.xcoms["return_value"]
    assert (message.rows, message.imported, message.batch_id) == (2, 0, end.xcoms["return_value"]["batch_id"])
    assert [(reason.rows, reason.correct_in) for reason in message.reasons] == [(2, "EnergyCAP")]


def test_the_import_stays_the_first_to_learn_of_its_success(sandbox: Sandbox, tmp_path: Path) -> None:
    notifier = EciKickoutNotifier(Noted("{{ kickouts }}", []))

    task = _import(tmp_path, "B-1", on_success_callback=notifier)

    assert list(task.on_success_callback) == [forget_on_success, notifier]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_key_is_in_no_message_and_no_log(
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    mails: MailServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An account that is named like the key is what a server that echoes the key would show."""
    caplog.set_level(logging.DEBUG)
    sent: list[str] = []
    sandbox.settings.delay = 60
    connect(monkeypatch, sandbox.url, sandbox.api_key, ui_url_template="{host}/batch/{batch_id}?k={batch_code}")
    mail = SmtpNotifier(
        from_email="a@example.com", to="b@example.com", subject="x", html_content="{{ kickouts.html }}"
    )
    everything = "{{ kickouts }} {{ kickouts.slack }} {{ kickouts.subject }} {{ kickouts.result }}"
    senders = [mail, Noted(everything, sent), Noted("", sent, fails=True)]
    task = _import(tmp_path, sandbox.api_key, deferrable=deferrable, **_at_every_end(EciKickoutNotifier(senders)))

    end = _run(task)

    assert isinstance(end.error, EciKickoutsError)
    assert len(sent) == len(mails.messages) == 1
    written = [*sent, *map(str, mails.messages), *(record.getMessage() for record in caplog.records)]
    assert [text for text in written if sandbox.api_key in text] == []
    assert f"EnergyCAP: {sandbox.url}/batch/1?k=" in sent[0]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"send": []}, "send is empty"),
        ({"send": "#bills"}, "send has '#', which is neither"),
        ({"send": SmtpNotifier}, "send has <class"),
        ({"send": None}, "send has None"),
        ({"send": print, "when": "failed"}, "when is 'failed'. Use 'kickouts', 'always' or a function"),
        ({"send": print, "note": 7}, "note is 7"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match="EciKickoutNotifier") as caught:
        EciKickoutNotifier(**arguments)

    assert problem in str(caught.value)
