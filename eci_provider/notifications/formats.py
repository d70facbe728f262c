"""A message about kickouts as a line, as plain text, as HTML and in Slack's markup."""

from __future__ import annotations

import html as markup
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from eci_provider.core.text import cut

if TYPE_CHECKING:
    from eci_provider.notifications.facts import KickoutFacts

#: How long a subject is at most; mail programs show less.
_LONGEST_SUBJECT = 200
#: What Slack takes for markup of its own in a text and in an address; a backtick could end a block of code.
_IN_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"})
_IN_SLACK_ADDRESS = str.maketrans({"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C"})


def subject(message: KickoutFacts) -> str:
    """Return how many rows were kicked out and bills imported, and into which batch."""
    counts = []
    if message.has_kickouts:
        counts.append(f"{_count(message.rows, 'row')} kicked out")
    if message.result.outcome == "failed":
        counts.append("the import failed")
    elif message.result.is_removed or message.result.is_void:
        counts.append("no bill counts")
    else:
        counts.append(f"{_count(message.imported, 'bill')} imported")
    place = message.batch_code or message.batch_id or message.task_id
    return cut(f"{', '.join(counts)}: {place}", _LONGEST_SUBJECT)


def text(message: KickoutFacts) -> str:
    """Return the message as plain text."""
    parts = [subject(message), message.result.summary, *_paragraphs(message, _plain_reasons)]
    parts.append("\n".join(f"{label}: {address or place}" for label, place, address in _places(message)))
    return "\n\n".join([*parts, *([message.note] if message.note else [])])


def html(message: KickoutFacts) -> str:
    """Return the message as HTML without styles, which mail programs show in their own."""
    paragraphs = [f"<b>{_escaped(subject(message))}</b>", _escaped(message.result.summary)]
    body = [f"<p>{paragraph}</p>" for paragraph in paragraphs]
    if message.reasons:
        rows = [
            f'<tr><td align="right">{row}</td><td>{_escaped(reason)}</td></tr>'
            for row, reason in _reasons(message)
        ]
        head = '<tr><th align="right">Rows</th><th align="left">Reason</th></tr>'
        body.append(f'<table cellpadding="4">{head}{"".join(rows)}</table>')
    if message.advice:
        body.append(f"<p>{_escaped(message.advice)}</p>")
    items = [
        f'<li>{label}: <a href="{_escaped(address)}">{_escaped(place)}</a></li>'
        if address
        else f"<li>{label}: {_escaped(place)}</li>"
        for label, place, address in _places(message)
    ]
    body.append(f"<ul>{''.join(items)}</ul>")
    if message.note:
        body.append(f"<p>{_escaped(message.note)}</p>".replace("\n", "<br>"))
    return "\n".join(body)


def slack(message: KickoutFacts) -> str:
    """Return the message in Slack's markup; reasons are code, in which nothing is a mention or a link."""
    head = f"*{_in_slack(subject(message))}*\n{_in_slack(message.result.summary)}"
    parts = [head, *_paragraphs(message, _slack_reasons, escape=_in_slack)]
    links = [
        f"{label}: <{address.translate(_IN_SLACK_ADDRESS)}|{_in_slack(place)}>"
        if address
        else f"{label}: {_in_slack(place)}"
        for label, place, address in _places(message)
    ]
    parts.append("\n".join(links))
    return "\n\n".join([*parts, *([message.note] if message.note else [])])


def _paragraphs(
    message: KickoutFacts,
    reasons: Callable[[KickoutFacts], str],
    escape: Callable[[str], str] = str,
) -> Iterator[str]:
    if message.reasons:
        yield reasons(message)
    if message.advice:
        yield escape(message.advice)


def _places(message: KickoutFacts) -> Iterator[tuple[str, str, str | None]]:
    """Return where to look, each as a label, a place, and an address that a browser opens, if there is one."""
    if message.report:
        yield "Kickout report", message.report, message.report_url
    if message.energycap_url:
        yield "EnergyCAP", message.batch_code or message.task_guid, message.energycap_url
    index = f"[{message.map_index}]" if message.map_index >= 0 else ""
    yield "Airflow", f"{message.dag_id}.{message.task_id}{index}, {message.run_id}", message.log_url


def _reasons(message: KickoutFacts) -> Iterator[tuple[str, str]]:
    """Return rows and text of each reason; where it is corrected is said if that differs among them."""
    is_mixed = len({reason.correct_in for reason in message.reasons}) > 1
    for reason in message.reasons:
        place = f" (correct in {reason.correct_in})" if is_mixed else ""
        yield f"{reason.rows:,}", f"{reason.message}{place}"


def _plain_reasons(message: KickoutFacts) -> str:
    return "\n".join(f"{rows:>8} x {reason}" for rows, reason in _reasons(message))


def _slack_reasons(message: KickoutFacts) -> str:
    return f"```\n{_in_slack(_plain_reasons(message))}\n```"


def _count(number: int | None, noun: str) -> str:
    if number is None:
        return f"an unknown number of {noun}s"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _escaped(words: str) -> str:
    return markup.escape(words)


def _in_slack(words: str) -> str:
    return words.translate(_IN_SLACK)
