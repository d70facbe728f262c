"""The connection form that Airflow shows, against the code that reads what was filled in."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from eci_provider.get_provider_info import get_provider_info
from eci_provider.hooks.eci import EciHook
from eci_provider.hooks.settings import EXTRAS, read_settings

INFO = get_provider_info()
(CONNECTION,) = INFO["connection-types"]
FORM: dict[str, dict[str, Any]] = CONNECTION["conn-fields"]


class Watched(dict[str, Any]):
    """An extra that remembers which of its fields were asked for."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


def connection(extra: Any) -> Any:
    """A stand-in that a ``Watched`` can be put into, which Airflow's own connection would copy."""
    return SimpleNamespace(
        conn_id="c",
        host="",
        port=None,
        schema=None,
        login=None,
        password="key",
        extra=extra if isinstance(extra, str) else json.dumps(extra),
        extra_dejson={} if isinstance(extra, str) else extra,
    )


def test_every_field_of_the_form_is_read_and_no_other() -> None:
    extra = Watched()
    read_settings(connection(extra))
    assert extra.asked == set(FORM) == set(EXTRAS)


def test_the_forms_defaults_are_those_of_the_code() -> None:
    settings = read_settings(connection({}))
    defaults = {name: field["schema"]["default"] for name, field in FORM.items()}
    filled_in = read_settings(connection(defaults))
    assert replace(filled_in, api_key=settings.api_key) == settings


@pytest.mark.parametrize("name", [name for name, field in FORM.items() if "minimum" in field["schema"]])
def test_the_forms_least_value_is_that_of_the_code(name: str) -> None:
    least = FORM[name]["schema"]["minimum"]
    assert getattr(read_settings(connection({name: least})), name) == least
    with pytest.raises(ValueError, match=f"extra {name} is "):
        read_settings(connection({name: least - 1}))


@pytest.mark.parametrize("extra", ["[1]", "{bad", "text", "5"])
def test_an_extra_that_is_no_object_is_refused(extra: str) -> None:
    """Airflow passes over it with a line in its log, and over a CA bundle named in it too."""
    with pytest.raises(ValueError, match=r"^connection 'c': extra is not a JSON object$"):
        read_settings(connection(extra))


def test_the_form_belongs_to_the_hook() -> None:
    assert CONNECTION["connection-type"] == EciHook.conn_type
    assert CONNECTION["hook-name"] == EciHook.hook_name
    module, _, name = CONNECTION["hook-class-name"].rpartition(".")
    assert getattr(import_module(module), name) is EciHook


def test_the_key_has_the_forms_password_field_and_unused_fields_are_hidden() -> None:
    behaviour = CONNECTION["ui-field-behaviour"]
    assert behaviour["relabeling"]["password"] == "API key"
    assert set(behaviour["hidden-fields"]).isdisjoint({"host", "password"})
    # Without a port that is filled in, Airflow 3.3 tests no connection.
    assert "port" not in behaviour["hidden-fields"]


@pytest.mark.parametrize("name", FORM)
def test_a_field_is_explained_and_not_required(name: str) -> None:
    field = FORM[name]
    assert field["label"]
    assert field["description"]
    assert "null" in field["schema"]["type"]


@pytest.mark.parametrize("verify", [True, False, "true", "false", "/"])
def test_the_form_admits_what_older_connections_have(verify: bool | str) -> None:
    """A path is kept, though the choice does not show it."""
    kinds = {bool: "boolean", str: "string"}
    assert kinds[type(verify)] in FORM["verify"]["schema"]["type"]
    assert read_settings(connection({"verify": verify})).verify == {"true": True, "false": False}.get(
        str(verify).lower(), verify
    )
