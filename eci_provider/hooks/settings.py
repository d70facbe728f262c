"""Read and check an Airflow connection of type ``eci``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.api.options import BOUNDS, ClientOptions
from eci_provider.api.transport.addresses import checked_base_url
from eci_provider.api.transport.api_key import ApiKey, checked_key
from eci_provider.core.text import did_you_mean
from eci_provider.hooks.link_template import PLACEHOLDERS, REPORT_PLACEHOLDERS, template_problems

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

DEFAULT_HOST = "https://app.energycap.com"

#: Extra fields that hold a number: default, smallest and largest value.
_NUMBERS = {
    **{name: (float(getattr(ClientOptions, name)), *bounds) for name, bounds in BOUNDS.items()},
    "settle_time": (15.0, 0.0, 3600.0),
}
#: Extra fields that are templates of URLs, and their placeholders.
_TEMPLATES = {"ui_url_template": PLACEHOLDERS, "report_url_template": REPORT_PLACEHOLDERS}
#: All extra fields.
EXTRAS = (*_NUMBERS, "verify", "ca_bundle", "allow_http", *_TEMPLATES, "deployment")
#: How many characters the name of a deployment has at most.
_LONGEST_NAME = 100
#: Where to set what others may look for in the extra fields.
_ELSEWHERE = {
    **dict.fromkeys(("api_key", "key", "token"), "Set the API key as the password. "),
    **dict.fromkeys(("proxy", "proxies"), "Set a proxy in the environment: HTTPS_PROXY. "),
}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings(ClientOptions):
    """
    The settings of an Airflow connection to EnergyCAP, checked: the options of its client, and more.

    :param base_url: the environment's address.
    :param api_key: the API key; no ``repr`` shows it.
    :param settle_time: seconds until a request whose answer was lost, or the end of an import, has taken effect.
    :param ui_url_template: one or several URLs of "Open in EnergyCAP", with placeholders; None for no link.
    :param report_url_template: the same for "Kickout report"; None for the consoles of known stores.
    :param deployment: what tells the imports of this Airflow deployment from those of another one that has the
        same DAGs; None if there is no other.
    """

    base_url: str
    api_key: ApiKey
    settle_time: float
    ui_url_template: str | None
    report_url_template: str | None = None
    deployment: str | None = None


def read_settings(connection: Connection) -> ConnectionSettings:
    """
    Return the settings of a connection.

    :param connection: host is the environment's URL, password the API key, extra a JSON object.
    :raises EciValidationError: if something is wrong; the message names the connection and each field.
    """
    source = f"connection {connection.conn_id!r}"
    problems: list[str] = []
    extra = _extra(connection, problems)
    numbers = {name: _number(extra, name, problems) for name in _NUMBERS}
    allow_http = _flag(extra, "allow_http", ClientOptions.allow_http, problems)
    verify = _verify(extra, problems)
    templates = {name: _template(extra, name, known, problems) for name, known in _TEMPLATES.items()}
    deployment = _deployment(extra, problems)
    host, key = _host(connection, problems), ApiKey.of(connection.password)
    if (connection.login or "").strip():
        # Not shown, because it may be the key.
        problems.append("login is set: EnergyCAP takes an API key alone. Set it as the password, and clear login")
    del connection  # it shows its password, and so would a traceback that shows locals
    if problems:
        raise EciValidationError(problems, source=source)
    try:
        base_url = checked_base_url(host, allow_http=allow_http)
        key = checked_key(key)
    except EciValidationError as error:
        raise error.copy(source=source) from None
    return ConnectionSettings(
        base_url=base_url,
        api_key=key,
        timeout=numbers["timeout"],
        connect_timeout=numbers["connect_timeout"],
        max_retries=int(numbers["max_retries"]),
        settle_time=numbers["settle_time"],
        verify=verify,
        allow_http=allow_http,
        **templates,
        deployment=deployment,
    )


def _extra(connection: Connection, problems: list[str]) -> Mapping[str, Any]:
    """
    Return the extra fields.

    An extra that is unreadable or has unknown fields is refused: Airflow ignores it, and a CA bundle in it.
    """
    try:
        readable = isinstance(json.loads(connection.extra or "{}"), dict)
    except ValueError:
        readable = False
    if not readable:
        problems.append("extra is not a JSON object")
        return {}
    extra = connection.extra_dejson
    problems += [_unknown_problem(name) for name in extra if name not in EXTRAS]
    return extra


def _unknown_problem(name: str) -> str:
    """Return that an extra field is unknown, and what was probably meant."""
    meant = _ELSEWHERE.get(name.casefold().replace("-", "_")) or did_you_mean(name, EXTRAS)
    shown = name if name.isidentifier() and len(name) <= 60 else repr(name[:60])
    return f"extra {shown} is not a field. {meant}The fields are {', '.join(EXTRAS)}"


def _host(connection: Connection, problems: list[str]) -> str:
    """Return the URL of the environment, from all fields that may have a part of it."""
    host = (connection.host or "").strip() or DEFAULT_HOST
    schema = (connection.schema or "").strip().strip("/")
    if "://" not in host:
        host = f"https://{host}"
        if schema.lower() in _DEFAULT_PORTS:
            host, schema = f"{schema}{host.removeprefix('https')}", ""
        elif schema:
            problems.append(_schema_problem(schema, host))
            return host
    scheme, _, rest = host.partition("://")
    authority, slash, path = rest.partition("/")
    if connection.port:
        authority = _with_port(scheme, authority, connection.port, problems)
    if schema.lower() in _DEFAULT_PORTS:
        if schema.lower() != scheme.lower():
            problems.append(f"schema is {schema!r}, and host begins with {scheme}://: clear schema")
    elif schema and (path or "@" in schema):
        problems.append(_schema_problem(schema, host))
    elif schema:
        # Airflow's parser of URIs puts the path of eci://https://:KEY@host/path there.
        slash, path = "/", schema
    return f"{scheme}://{authority}{slash}{path}"


def _schema_problem(schema: str, host: str) -> str:
    """Return what to do about a schema that is neither http nor https."""
    if "@" in schema:
        # Not shown, because it may be a part of a key that was not encoded.
        return "schema has an @: in a URI, write each / and @ of the key as %2F and %40"
    url = f"{schema}://{host.partition('://')[2]}"
    return (
        f"schema is {schema!r}, and {url!r} is not an http or https URL. Clear schema; if it is a path of the "
        f"environment, set host to {host.rstrip('/')}/{schema}"
    )


def _with_port(scheme: str, authority: str, port: int, problems: list[str]) -> str:
    """Return a host's name with the port, if it is not the scheme's own."""
    named = re.search(r":(\d+)$", authority)
    if named is None:
        return authority if int(port) == _DEFAULT_PORTS.get(scheme.lower()) else f"{authority}:{port}"
    if int(named[1]) != int(port):
        problems.append(f"port is {port}, and host names port {named[1]}: clear port")
    return authority


def _number(extra: Mapping[str, Any], name: str, problems: list[str]) -> float:
    default, smallest, largest = _NUMBERS[name]
    value = extra.get(name)
    if value is None or value == "":
        return default
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not smallest <= number <= largest or (name == "max_retries" and number != int(number)):
        problems.append(f"extra {name} is {value!r}: must be a number from {smallest:g} to {largest:g}")
        return default
    return number


def _flag(extra: Mapping[str, Any], name: str, default: bool, problems: list[str]) -> bool:
    value = extra.get(name)
    if value is None or value == "":
        return default
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        problems.append(f"extra {name} is {value!r}: must be true or false")
    return text in _TRUE


def _verify(extra: Mapping[str, Any], problems: list[str]) -> bool | str:
    """Return whether the certificate is checked, and with which CA certificates, if not with the usual ones."""
    value, bundle = extra.get("verify"), extra.get("ca_bundle")
    text, path = str(value).strip(), "" if bundle is None else str(bundle).strip()
    is_on = value is None or text == "" or text.lower() in _TRUE
    if not is_on and text.lower() not in _FALSE:
        # A path, from before there was a field for it.
        if not Path(text).exists():
            problems.append(
                f"extra verify is {value!r}: must be true, false, or the path of a CA bundle that exists"
            )
        if path:
            problems.append(f"extra verify is {value!r}, and ca_bundle is {bundle!r}: set verify to true")
        return text
    if not path:
        return is_on
    if not is_on:
        problems.append(
            f"extra verify is {value!r}, and ca_bundle is {bundle!r}: set verify to true, or clear ca_bundle"
        )
    elif not Path(path).exists():
        problems.append(f"extra ca_bundle is {bundle!r}: must be the path of a file or folder that exists")
    return path


def _template(extra: Mapping[str, Any], name: str, known: Sequence[str], problems: list[str]) -> str | None:
    value = extra.get(name)
    if not value:
        return None
    problems += [f"extra {name} is {value!r}: {problem}" for problem in template_problems(value, known)]
    return str(value)


def _deployment(extra: Mapping[str, Any], problems: list[str]) -> str | None:
    value = extra.get("deployment")
    if value is None or value == "":
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not (1 <= len(text) <= _LONGEST_NAME and text.isprintable()):
        problems.append(
            f"extra deployment is {value!r}: must be a text of 1 to {_LONGEST_NAME} characters in one line"
        )
    return text
