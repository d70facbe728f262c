"""The key is in no error, log, repr or pickle, whatever fails and whatever the server echoes."""

from __future__ import annotations

import io
import json
import logging
import pickle
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, MAPPING, BillBytes
from tests.support.raw_server import RawServer, free_port, http
from tests.support.tracebacks import chain, shown

#: With the characters that JSON, HTML and URLs spell in their own ways.
KEY = "kEy-7f3a+b/C=&<d>"
SPELLINGS = [
    KEY,
    KEY.upper(),
    "kEy-7f3a\\u002Bb/C=\\u0026\\u003Cd\\u003E",
    "kEy-7f3a+b/C=&amp;&lt;d&gt;",
    "kEy-7f3a%2Bb%2FC%3D%26%3Cd%3E",
]
#: A part of the key that every spelling of it has.
MARK = "key-7f3a"

CALLS: dict[str, Callable[[EciClient], Any]] = {
    "me": lambda c: c.account.me(),
    "open": lambda c: c.batches.open("A"),
    "list": lambda c: list(c.batches.list()),
    "close": lambda c: c.batches.close(1),
    "delete": lambda c: c.batches.delete(1),
    "import": lambda c: c.bill_imports.submit(BillBytes()),
    "task": lambda c: c.tasks.get(GUID),
    "profile": lambda c: c.import_profiles.create("P", MAPPING),
    "kickouts": lambda c: c.kickouts.summary(GUID),
}


def echoes(spelling: str) -> dict[str, dict[str, Any]]:
    """Return answers that carry the key to places from where it could get into an error or log."""
    headers = {"X-Request-Id": spelling, "ECI-Deprecated": spelling, "Retry-After": spelling}
    text = f"The key {spelling} is not valid."
    return {
        "text": {"status": 401, "headers": headers, "body": text},
        "html": {"status": 403, "body": f"<html><p title='{spelling}'>Key {spelling}</p></html>"},
        "server error": {"status": 500, "headers": headers, "body": text},
        "not json": {"status": 200, "body": text},
        "json": {"status": 400, "body": json.dumps({"message": "x"}).replace("x", text)},
        "a wrong type": {
            "status": 200,
            "body": {"batchId": spelling, "taskGUId": f"{'x' * 50} {spelling}", "permissions": [spelling]},
        },
        "a list of wrong things": {"status": 200, "body": [{"batchId": spelling}, spelling]},
        "a text": {"status": 200, "body": json.dumps(spelling)},
        "far behind": {"status": 404, "body": "x" * 480 + spelling * 5},
        "redirect": {"redirect": f"https://evil.example/?key={spelling}", "body": text},
        "dropped": {"drop": "after"},
    }


@pytest.fixture
def keyed() -> Iterator[Sandbox]:
    with Sandbox(api_key=KEY) as sandbox:
        yield sandbox


def error_of(call: Callable[[EciClient], Any], client: EciClient) -> EciError | None:
    try:
        call(client)
    except EciError as error:
        return error
    return None


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What all loggers write, urllib3's and requests' among them, at their most talkative."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    names = ("urllib3", "requests", "eci_provider")
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", echoes(""))
def test_a_server_that_echoes_the_key_shows_it_to_nobody(
    kind: str,
    spelling: str,
    keyed: Sandbox,
    everything_logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keyed.fault("*", "*", times=None, **echoes(spelling)[kind])
    with EciClient(keyed.url, KEY, max_retries=1, sleep=lambda _: None) as client:
        errors = {name: error for name, call in CALLS.items() if (error := error_of(call, client))}
    assert errors
    assert [name for name, error in errors.items() if MARK in shown(error).lower()] == []
    assert KEY in {record.headers["eci-apikey"] for record in keyed.requests}
    logged = everything_logged.getvalue()
    assert "/api/v3/batch" in logged
    assert MARK not in logged.lower()
    out, err = capfd.readouterr()
    assert MARK not in (out + err).lower()


def test_a_key_that_goes_well_is_not_logged_either(keyed: Sandbox, everything_logged: io.StringIO) -> None:
    with EciClient(keyed.url, KEY) as client:
        client.account.me()
        client.batches.open("A")
        list(client.batches.list())
    logged = everything_logged.getvalue()
    assert "GET /api/v3/me" in logged
    assert MARK not in logged.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "nonexistent.invalid"])
def test_no_connection_shows_no_key(host: str, everything_logged: io.StringIO) -> None:
    url = f"http://{host}:{free_port()}"
    with EciClient(url, KEY, allow_http=True, max_retries=1, sleep=lambda _: None) as client:
        for call in (CALLS["me"], CALLS["open"]):
            with pytest.raises(EciError) as caught:
                call(client)
            assert MARK not in shown(caught.value).lower()
    assert MARK not in everything_logged.getvalue().lower()


def reset(connection: socket.socket) -> None:
    """Hang up without a word."""
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ["me", "open", "import"])
def test_a_lost_connection_shows_no_key(name: str) -> None:
    with RawServer(reset) as server, EciClient(server.url, KEY, max_retries=0) as client:
        error = error_of(CALLS[name], client)
    assert error is not None
    assert isinstance(error.__cause__ or chain(error)[-1], Exception)
    assert f"ECI-ApiKey: {KEY}".encode() in server.requests[0]
    assert MARK not in shown(error).lower()


def test_what_ends_a_request_while_its_head_is_sent_shows_no_key(
    keyed: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as Airflow's limit for a try, which is raised wherever the worker is at."""

    def limit(_: socket.socket, data: bytes) -> None:
        assert KEY.encode() in data
        raise KeyboardInterrupt

    with EciClient(keyed.url, KEY) as client:
        client.account.me()
        monkeypatch.setattr(socket.socket, "sendall", limit)
        with pytest.raises(KeyboardInterrupt) as caught:
            client.account.me()
        monkeypatch.undo()
    assert MARK not in shown(caught.value).lower()


def whole(head: str, body: bytes = b"") -> bytes:
    """Return an answer with a head of these lines, after which the server hangs up."""
    return "\r\n".join([*head.split("\n"), "", ""]).encode("latin-1") + body


OK = "HTTP/1.1 200 OK"
#: Where in an answer the key can be, beside the values of its headers and a complete body.
PLACES: dict[str, bytes] = {
    "the version": whole(f"{KEY}/1.1 200 OK"),
    "the status": whole(f"HTTP/1.1 {KEY} OK"),
    "a status line of nothing else": whole(KEY),
    "the reason": whole(f"HTTP/1.1 400 {KEY}\nContent-Length: 0"),
    "a header line without a colon": whole(f"{OK}\nDate: x\n{KEY}\nContent-Length: 2", b"{}"),
    "header lines after one without a colon": whole(f"{OK}\nContent-Length: 2\nx\nX-Key: {KEY}", b"{}"),
    "the name of a header": whole(f"{OK}\n{KEY}: x\nContent-Length: 2", b"{}"),
    "a folded header": whole(f"{OK}\nX: y\n {KEY}\nContent-Length: 2", b"{}"),
    "a folded line before all headers": whole(f"{OK}\n {KEY}\nContent-Length: 2", b"{}"),
    "the length": whole(f"{OK}\nContent-Length: {KEY}", b"{}"),
    "several lengths": whole(f"{OK}\nContent-Length: 2, {KEY}", b"{}"),
    "the length of a chunk": whole(f"{OK}\nTransfer-Encoding: chunked", f"{KEY}\r\n{{}}\r\n".encode()),
    "a body that is not gzip": whole(f"{OK}\nContent-Encoding: gzip\nContent-Length: 17", KEY.encode()),
    "a body that breaks off": whole(f"{OK}\nContent-Length: 99", f'{{"note": "{KEY}"'.encode()),
    "rows that break off": whole(
        f"{OK}\nContent-Length: 9999", f'{{"kickoutMessages": ["{KEY}"], "data": [[{{"value": "{KEY}"}}]'.encode()
    ),
    "a chunked body that breaks off": whole(
        f"{OK}\nTransfer-Encoding: chunked", f'99\r\n{{"note": "{KEY}"'.encode()
    ),
    "the target of a redirect": whole(f"HTTP/1.1 302 Found\nLocation: //{KEY}/\nContent-Length: 0"),
    "a cookie": whole(f"{OK}\nSet-Cookie: {KEY}={KEY}; domain={KEY}; expires={KEY}\nContent-Length: 2", b"{}"),
    "a challenge": whole(f'HTTP/1.1 401 No\nWWW-Authenticate: Basic realm="{KEY}"\nContent-Length: 0'),
    "the edge of what is read": whole(
        "HTTP/1.1 500 No\nContent-Length: 65536", b" " * (65536 - 12) + KEY.encode()[:12]
    ),
    "behind the edge of what is read": whole(
        "HTTP/1.1 500 No\nContent-Length: 131072", b" " * (65536 - 12) + KEY.encode() + b" " * 65536
    ),
    "the edge of what is shown": whole("HTTP/1.1 500 No\nContent-Length: 999", b"x" * 490 + KEY.encode() * 40),
    "parted by markup": whole("HTTP/1.1 500 No\nContent-Length: 30", f"<p>{KEY[:7]}<wbr>{KEY[7:]}</p>".encode()),
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_in_an_answer_the_key_is_it_shows_to_nobody(
    place: str, everything_logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(PLACES[place])
        connection.shutdown(socket.SHUT_WR)

    calls = {**CALLS, "rows": lambda c: list(c.kickouts.report(GUID))}
    with RawServer(say) as server, EciClient(server.url, KEY, max_retries=1, sleep=lambda _: None) as client:
        errors = {name: error for name, call in calls.items() if (error := error_of(call, client))}
    assert errors
    assert [name for name, error in errors.items() if leaks(shown(error))] == []
    assert [name for name, error in errors.items() if not carries_only_ours(error)] == []
    out, err = capfd.readouterr()
    assert not leaks(everything_logged.getvalue() + out + err)
    assert "/api/v3/batch" in everything_logged.getvalue()


def leaks(text: str) -> bool:
    """Return whether eight characters of the key in a row are in a text, blanks and letters' case aside."""
    text, key = text.replace(" ", "").lower(), KEY.lower()
    return any(key[at : at + 8] in text for at in range(len(key) - 7))


def carries_only_ours(error: EciError) -> bool:
    """Return whether what an error carries is ours, or the operating system's, which quotes no server."""
    others = [link for link in chain(error) if not isinstance(link, EciError)]
    return all(isinstance(link, OSError) and link.errno and len(link.args) == 2 for link in others)


@pytest.mark.parametrize("key", [KEY, f"{KEY} {KEY}"])
def test_a_client_that_cannot_be_made_shows_no_key(key: str) -> None:
    with pytest.raises(EciError) as caught:
        EciClient("ftp://eci.example", key)
    assert MARK not in shown(caught.value).lower()


def test_the_key_goes_to_no_proxy_that_tunnels(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with RawServer(http("407 Proxy Authentication Required", b"", "Connection: close")) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        with EciClient("https://eci.invalid", KEY, max_retries=0) as client:
            error = error_of(CALLS["open"], client)
    assert error is not None
    assert MARK not in shown(error).lower()
    assert [request.split(b" ")[0] for request in server.requests] == [b"CONNECT"]
    assert MARK.encode() not in server.requests[0].lower()


def test_the_client_and_its_parts_show_no_key(keyed: Sandbox) -> None:
    with EciClient(keyed.url, KEY) as client:
        client.account.me()
        seen: list[str] = []
        parts: list[Any] = [client, *vars(client).values()]
        for part in [*parts, *vars(client._session).values()]:
            seen += [repr(part), str(part)]
            seen += [repr(vars(part))] if hasattr(part, "__dict__") else []
        assert MARK not in "\n".join(seen).lower()
        assert "***" in "\n".join(seen)


def test_neither_the_client_nor_its_session_can_be_pickled(keyed: Sandbox) -> None:
    with EciClient(keyed.url, KEY) as client:
        for part in (client, client._session, client.batches):
            with pytest.raises(TypeError):
                pickle.dumps(part)


@pytest.mark.parametrize(
    "body",
    [
        '{"systemUserCode": "x", "token": "t0k3n-abc", ',
        '{"systemUserCode": "x", "Token" : "t0k3n-abc',
        '{"token":"t0k3n-abc"}',
    ],
)
def test_the_token_of_me_is_in_no_error(body: str, keyed: Sandbox, everything_logged: io.StringIO) -> None:
    """Neither of an answer that breaks off, nor of one that comes with a refusal."""
    with EciClient(keyed.url, KEY, max_retries=1, sleep=lambda _: None) as client:
        for status in (200, 500) if not body.endswith("}") else (500, 400):
            keyed.fault("GET", "/api/v3/me", times=2, status=status, body=body)
            with pytest.raises(EciError) as caught:
                client.account.me()
            assert "t0k3n" not in shown(caught.value)
            assert "token" in str(caught.value).lower()
            keyed.clear_faults()
    assert "t0k3n" not in everything_logged.getvalue()


def test_the_real_token_is_in_no_log(keyed: Sandbox, everything_logged: io.StringIO) -> None:
    with EciClient(keyed.url, KEY) as client:
        me = client.account.me()
    assert keyed.token not in repr(me) + everything_logged.getvalue()
