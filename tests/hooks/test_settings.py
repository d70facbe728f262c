"""What a connection says: every extra field, from a file or from the form, and every form of a host."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.hooks.eci import EciHook
from tests.hooks.conftest import KEY
from tests.support.raw_server import RawServer, http

Connect = Callable[..., EciHook]

NUMBERS = {
    "timeout": (60.0, 1, 3600),
    "connect_timeout": (10.0, 1, 300),
    "max_retries": (3.0, 0, 20),
    "settle_time": (15.0, 0, 3600),
}


def problem(hook: EciHook) -> str:
    """Return what the hook says of its connection, which it must refuse."""
    with pytest.raises(EciValidationError) as caught:
        hook.get_conn()
    assert KEY not in str(caught.value)
    return caught.value.message


def test_a_connection_with_a_key_alone_is_enough(connect: Connect) -> None:
    settings = connect().settings
    assert settings.base_url == "https://app.energycap.com"
    assert settings.api_key.reveal() == KEY
    assert {name: getattr(settings, name) for name in NUMBERS} == {
        name: default for name, (default, _, _) in NUMBERS.items()
    }
    assert (settings.verify, settings.allow_http, settings.ui_url_template) == (True, False, None)
    assert settings.report_url_template is None
    assert settings.deployment is None


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_fields_of_the_form_count_as_not_given(empty: Any, connect: Connect) -> None:
    names = (*NUMBERS, "verify", "ca_bundle", "allow_http", "ui_url_template", "report_url_template", "deployment")
    assert dataclasses.replace(
        connect(host=empty, extra=dict.fromkeys(names, empty)).settings, api_key=None
    ) == dataclasses.replace(connect().settings, api_key=None)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_read_from_the_form_as_well(name: str, connect: Connect) -> None:
    _, smallest, largest = NUMBERS[name]
    for value in (smallest, largest, str(smallest), f" {largest} ", float(largest)):
        assert getattr(connect(extra={name: value}).settings, name) == float(value)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_beyond_their_bounds_are_refused(name: str, connect: Connect) -> None:
    _, smallest, largest = NUMBERS[name]
    bound = f"must be a number from {smallest} to {largest}"
    for value in (smallest - 0.5, largest + 1, -1, "soon", "nan", "inf", "1,5", True, [], {}):
        message = problem(connect("my_eci", extra={name: value}))
        assert message == f"connection 'my_eci': extra {name} is {value!r}: {bound}"


def test_repeats_are_whole(connect: Connect) -> None:
    expected = "connection 'eci_default': extra max_retries is '2.5': must be a number from 0 to 20"
    assert problem(connect(extra={"max_retries": "2.5"})) == expected


TRUE = [True, "true", "True", "TRUE", " yes ", "on", "1", 1]
FALSE = [False, "false", "False", "no", "off", "0", 0]


@pytest.mark.parametrize("value", [*TRUE, *FALSE], ids=repr)
def test_flags_are_read_in_every_usual_form(value: Any, connect: Connect) -> None:
    settings = connect(extra={"allow_http": value, "verify": value}).settings
    assert (settings.allow_http, settings.verify) == ((True, True) if value in TRUE else (False, False))


@pytest.mark.parametrize("value", ["maybe", "2", 2, [], "wahr"], ids=repr)
def test_other_flags_are_refused(value: Any, connect: Connect) -> None:
    message = problem(connect("my_eci", extra={"allow_http": value}))
    assert message == f"connection 'my_eci': extra allow_http is {value!r}: must be true or false"


def test_verify_is_the_path_of_a_bundle_that_exists(connect: Connect, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    message = problem(connect(extra={"verify": str(bundle)}))
    assert message == (
        f"connection 'eci_default': extra verify is {str(bundle)!r}: must be true, false, or the path of a CA "
        "bundle that exists"
    )
    bundle.touch()
    assert connect(extra={"verify": str(bundle)}).settings.verify == str(bundle)


@pytest.mark.parametrize("verify", [None, "", True, "true"])
def test_a_ca_bundle_has_a_field_of_its_own(verify: Any, connect: Connect, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    assert connect(extra={"verify": verify, "ca_bundle": f" {bundle} "}).settings.verify == str(bundle)


@pytest.mark.parametrize(
    ("verify", "said"),
    [
        (True, "extra ca_bundle is '/nowhere': must be the path of a file or folder that exists"),
        (False, "extra verify is False, and ca_bundle is '/nowhere': set verify to true, or clear ca_bundle"),
        ("/", "extra verify is '/', and ca_bundle is '/nowhere': set verify to true"),
    ],
)
def test_a_ca_bundle_that_is_not_there_or_not_used_is_refused(verify: Any, said: str, connect: Connect) -> None:
    hook = connect(extra={"verify": verify, "ca_bundle": "/nowhere"})
    assert problem(hook) == f"connection 'eci_default': {said}"


@pytest.mark.parametrize(
    "template",
    [
        "https://h/{batch_id}",
        "http://h/{task_guid}",
        "{host}/app/{batch_code}",
        "{host}/imports/{task_guid} {host}/batches/{batch_id}",
    ],
)
def test_link_templates(template: str, connect: Connect) -> None:
    assert connect(extra={"ui_url_template": template}).settings.ui_url_template == template


@pytest.mark.parametrize(
    "template",
    [
        "javascript:alert(1)",
        "/app/{batch_id}",
        "app.energycap.com/{batch_id}",
        "{host}/{task_id} /{batch_id}",
        " ",
        5,
    ],
)
def test_other_link_templates_are_refused(template: Any, connect: Connect) -> None:
    expected = f"extra ui_url_template is {template!r}: must begin with https://, http:// or {{host}}"
    assert problem(connect(extra={"ui_url_template": template})) == f"connection 'eci_default': {expected}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{host}/{path}", "must begin with https:// or http://"),
        ("file:///{path}", "must begin with https:// or http://"),
        ("https://files.example.com/{key}", "{key} is none of {url}, {bucket}, {path}, {name}"),
        ("https://files.example.com/{path!r}", "{path!r} is none of {url}, {bucket}, {path}, {name}"),
    ],
)
def test_report_templates_are_checked_alike(template: str, said: str, connect: Connect) -> None:
    message = problem(connect(extra={"report_url_template": template}))
    assert f"extra report_url_template is {template!r}: {said}" in message


@pytest.mark.parametrize("value", ["prod", " prod ", "Prod EU-1", "Ä" * 100, "5"])
def test_a_deployment_is_a_text(value: str, connect: Connect) -> None:
    assert connect(extra={"deployment": value}).settings.deployment == value.strip()


@pytest.mark.parametrize("value", [5, True, ["prod"], {}, "  ", "x" * 101, "a\nb", "a\x00b"], ids=repr)
def test_other_deployments_are_refused(value: Any, connect: Connect) -> None:
    expected = f"extra deployment is {value!r}: must be a text of 1 to 100 characters in one line"
    assert problem(connect(extra={"deployment": value})) == f"connection 'eci_default': {expected}"


def test_all_bad_extras_are_named_at_once(connect: Connect) -> None:
    message = problem(connect("my_eci", extra={"timeout": 0, "verify": "/nowhere", "allow_http": "x"}))
    assert message.startswith("connection 'my_eci': 3 problems:")
    assert [line.split()[2] for line in message.splitlines()[1:]] == ["timeout", "allow_http", "verify"]


HOSTS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "https://app.energycap.com"),
    "blank": ({"host": "  "}, "https://app.energycap.com"),
    "a name": ({"host": "app-eu.energycap.com"}, "https://app-eu.energycap.com"),
    "with scheme": ({"host": "https://wce.energycap.com/"}, "https://wce.energycap.com"),
    "with the scheme's own port": ({"host": "https://eci.example/a", "port": 443}, "https://eci.example/a"),
    "the own port alone": ({"port": 443}, "https://app.energycap.com"),
    "no port, as Airflow's page sends it": ({"host": "eci.example", "port": 0}, "https://eci.example"),
    "with port": ({"host": "eci.example", "port": 8443}, "https://eci.example:8443"),
    "port in both": ({"host": "eci.example:8443", "port": 8443}, "https://eci.example:8443"),
    "scheme and port": ({"host": "https://eci.example/", "port": 8443}, "https://eci.example:8443"),
    "a path and a port": (
        {"host": "https://eci.example/energycap", "port": 8443},
        "https://eci.example:8443/energycap",
    ),
    "a port that is part of another": (
        {"host": "eci.example/a:80", "port": 8443},
        "https://eci.example:8443/a:80",
    ),
    "ipv6": ({"host": "[2001:db8::1]", "port": 8443}, "https://[2001:db8::1]:8443"),
    "schema http": ({"host": "127.0.0.1", "port": 8000, "schema": "http"}, "http://127.0.0.1:8000"),
    "schema https": ({"host": "eci.example", "schema": "https"}, "https://eci.example"),
    "scheme in both": ({"host": "https://eci.example", "schema": "https"}, "https://eci.example"),
    "a port alone": ({"port": 8443}, "https://app.energycap.com:8443"),
    "a path in schema, as in a URI": (
        {"host": "https://eci.example", "schema": "energycap/one", "port": 8443},
        "https://eci.example:8443/energycap/one",
    ),
    "plain http allowed": (
        {"host": "http://eci.example", "extra": {"allow_http": "true"}},
        "http://eci.example",
    ),
}


@pytest.mark.parametrize("name", HOSTS)
def test_hosts_are_read_in_every_usual_form(name: str, connect: Connect) -> None:
    fields, url = HOSTS[name]
    assert connect(**fields).settings.base_url == url
    with connect(**fields) as hook:
        assert hook.get_conn().base_url == url


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"host": "http://eci.example"}, "plain http to eci.example would show the API key to the network"),
        ({"host": "eci.example", "schema": "http"}, "plain http to eci.example would show the API key"),
        ({"host": f"https://{KEY}@eci.example"}, "the host has a user name or password"),
        ({"host": "https://eci.example/api/v3"}, "names a path of the API"),
        ({"host": "eci.example", "schema": "ftp"}, "is not an http or https URL"),
        (
            {"host": "eci.example", "schema": "energycap"},
            "schema is 'energycap', and 'energycap://eci.example' is not an http or https URL. Clear schema; if "
            "it is a path of the environment, set host to https://eci.example/energycap",
        ),
        ({"host": "https://eci.example/a", "schema": "b"}, "set host to https://eci.example/a/b"),
        (
            {"host": "https://eci.example", "schema": "http"},
            "schema is 'http', and host begins with https://: clear schema",
        ),
        ({"schema": "http"}, "schema is 'http', and host begins with https://"),
        ({"host": "eci.example:8443", "port": 443}, "port is 443, and host names port 8443: clear port"),
        (
            {"login": f"{KEY}"},
            "login is set: EnergyCAP takes an API key alone. Set it as the password, and clear login",
        ),
        ({"host": "https://", "schema": f"{KEY}@eci.example"}, "schema has an @: in a URI, write each / and @"),
        ({"password": None}, "the API key is missing; set it as the connection's password"),
        ({"password": f"{KEY}\n{KEY}"}, "the API key has a character that no key has"),
    ],
)
def test_what_is_wrong_is_named_with_the_connection(fields: dict[str, Any], said: str, connect: Connect) -> None:
    message = problem(connect("my_eci", **fields))
    assert message.startswith("connection 'my_eci': ")
    assert said in message


@pytest.mark.parametrize(
    ("extra", "meant"),
    [
        ("verfy", "Did you mean verify? "),
        ("time_out", "Did you mean timeout? "),
        ("Timeout", "Did you mean timeout? "),
        ("connectTimeout", "Did you mean connect_timeout? "),
        ("proxies", "Set a proxy in the environment: HTTPS_PROXY. "),
        ("API-Key", "Set the API key as the password. "),
        ("zzz", ""),
    ],
)
@pytest.mark.parametrize("value", ["5", None])
def test_an_unknown_extra_says_what_was_probably_meant(
    extra: str, meant: str, value: str | None, connect: Connect
) -> None:
    shown = extra if extra.isidentifier() else repr(extra)
    assert problem(connect("my_eci", extra={extra: value, "max_retries": 2})) == (
        f"connection 'my_eci': extra {shown} is not a field. {meant}The fields are timeout, connect_timeout, "
        "max_retries, settle_time, verify, ca_bundle, allow_http, ui_url_template, report_url_template, deployment"
    )


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("eci://https://:{key}@proxy.example.com/energycap", "https://proxy.example.com/energycap"),
        ("eci://https://:{key}@proxy.example.com:8443/a/b", "https://proxy.example.com:8443/a/b"),
        ("eci://:{key}@proxy.example.com/https", "https://proxy.example.com"),
        ("eci://:{key}@https%3A%2F%2Fproxy.example.com%2Fenergycap", "https://proxy.example.com/energycap"),
    ],
)
def test_the_path_of_a_uri_is_the_environments(uri: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BY_URI", uri.format(key=KEY))

    assert EciHook("by_uri").settings.base_url == base_url


def test_a_request_goes_to_the_path_of_a_uri_and_never_to_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http("200 OK", b"[]", "Content-Type: application/json")) as server:
        host = server.url.removeprefix("http://")
        monkeypatch.setenv("AIRFLOW_CONN_BY_URI", f"eci://http://:{KEY}@{host}/energycap")
        with EciHook("by_uri") as hook:
            assert hook.get_conn().import_profiles.list() == []

    assert [request.split(b" ")[1].partition(b"?")[0] for request in server.requests] == [
        b"/energycap/api/v3/import/bill/profile"
    ]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("eci://user:{key}@eci.example", "login is set"),
        ("eci://{key}@eci.example", "login is set"),
        ("eci://:{key}@eci.example/energycap", "set host to https://eci.example/energycap"),
        ("eci://https://:{key}@eci.example?verfy=false", "Did you mean verify?"),
    ],
)
def test_what_a_uri_has_beyond_an_environment_is_refused(
    uri: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BY_URI", uri.format(key=KEY))

    assert said in problem(EciHook("by_uri"))


def test_a_connection_can_be_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "eci://:s3cret%2Fkey%2B@127.0.0.1:8080/http?timeout=5&max_retries=2&verify=false&allow_http=true"
    monkeypatch.setenv("AIRFLOW_CONN_BY_URI", uri)
    settings = EciHook("by_uri").settings
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.api_key.reveal() == "s3cret/key+"
    assert (settings.timeout, settings.max_retries) == (5, 2)
    assert (settings.verify, settings.allow_http) == (False, True)


def test_settings_show_no_key(connect: Connect) -> None:
    hook = connect()
    settings = hook.settings
    hook.get_conn()
    shown = [repr(settings), str(settings), str(vars(settings)), repr(hook.get_conn()), repr(vars(hook))]
    assert KEY not in "".join(shown)
    assert "***" in repr(settings)
    hook.close()
