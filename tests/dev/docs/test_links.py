"""The check of the built pages finds each link that leads nowhere, without a network; a busy port is named."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dev.docs.__main__ import serve
from dev.docs.links import external_links, external_problems, internal_problems, read_pages


def _site(folder: Path, **pages: str) -> Path:
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html)
    return folder


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="other.html">', None),
        ('<a href="other.html#place">', None),
        ('<a href="other.html#plac%65">', None),
        ('<a href="#here" id="here">', None),
        ('<a href="https://example.com/gone#place">', None),
        ('<a href="mailto:someone@example.com">', None),
        ('<img src="data:image/png;base64,AAAA">', None),
        ('<link rel="search" href="missing.html">', None),
        ('<a href="missing.html">', "page.html: missing.html leads to no file"),
        ('<a href="other.html#nowhere">', "page.html: other.html#nowhere leads to no place on its page"),
        ('<a href="#nowhere">', "page.html: #nowhere leads to no place on its page"),
        ('<img src="missing.png">', "page.html: loads missing.png, which is missing"),
        ('<script src="//cdn.example.com/a.js">', "page.html: loads //cdn.example.com/a.js from another host"),
        (
            '<link rel="stylesheet" href="https://fonts.example.com/a.css">',
            "page.html: loads https://fonts.example.com/a.css from another host",
        ),
    ],
)
def test_what_leads_nowhere_is_found(html: str, problem: str | None, tmp_path: Path) -> None:
    site = _site(tmp_path, page=html, other='<h2 id="place">')

    assert list(internal_problems(read_pages(site))) == ([problem] if problem else [])


def test_only_a_host_that_says_so_makes_a_link_dead(tmp_path: Path) -> None:
    hosts = ("fine", "gone", "missing", "refuses", "down", "silent")
    links = "".join(f'<a href="https://{host}.example.com/#place">' for host in hosts)
    links += '<a href="http://127.0.0.1:8765/">'
    answers = {"fine": 200, "gone": 410, "missing": 404, "refuses": 403, "down": 503, "silent": None}
    found = external_links(read_pages(_site(tmp_path, page=links, other=links)))

    gone, unanswered = external_problems(found, lambda link: answers[link.split("//")[1].split(".")[0]])

    assert gone == ["https://gone.example.com/: 410", "https://missing.example.com/: 404"]
    assert unanswered == ["https://silent.example.com/"]


def test_a_busy_port_is_named_with_another_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        assert serve(tmp_path, port) == 1

    said = capsys.readouterr().err
    assert f"Port {port} cannot be used" in said
    assert f"PORT={port + 1}" in said
