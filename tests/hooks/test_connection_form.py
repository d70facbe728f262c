"""The connection form that Airflow shows, against the code that reads what was filled in."""

from __future__ import annotations

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from eci_provider.get_provider_info import get_provider_info
from eci_provider.hooks.eci import EciHook
from eci_provider.hooks.settings import connection_settings

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
        password="key",
        extra=extra if isinstance(extra, str) else json.dumps(extra),
        extra_dejson={} if isinstance(extra, str) else extra,
    )


def test_every_field_of_the_form_is_read_and_no_other() -> None:
    extra = Watched()
    connection_settings(connection(extra))
    assert extra.asked == set(FORM)


def test_the_forms_defaults_are_those_of_the_code() -> None:
    settings = connection_settings(connection({}))
    defaults = {name: field["schema"]["default"] for name, field in FORM.items()}
    filled_in = connection_settings(connection(defaults))
    assert (filled_in.numbers, filled_in.verify, filled_in.allow_http, filled_in.ui_url_template) == (
        settings.numbers,
        settings.verify,
        settings.allow_http,
        settings.ui_url_template,
    )


@pytest.mark.parametrize("name", [name for name, field in FORM.items() if "minimum" in field["schema"]])
def test_the_forms_least_value_is_that_of_the_code(name: str) -> None:
    least = FORM[name]["schema"]["minimum"]
    assert connection_settings(connection({name: least})).numbers[name] == least
    with pytest.raises(ValueError, match=f"extra {name} is "):
        connection_settings(connection({name: least - 1}))


@pytest.mark.parametrize("extra", ["[1]", "{bad", "text", "5"])
def test_an_extra_that_is_no_object_is_refused(extra: str) -> None:
    """Airflow passes over it with a line in its log, and over a CA bundle named in it too."""
    with pytest.raises(ValueError, match=r"^connection 'c': extra is not a JSON object$"):
        connection_settings(connection(extra))


def test_the_form_belongs_to_the_hook() -> None:
    assert CONNECTION["connection-type"] == EciHook.conn_type
    assert CONNECTION["hook-name"] == EciHook.hook_name
    module, _, name = CONNECTION["hook-class-name"].rpartition(".")
    assert getattr(import_module(module), name) is EciHook


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_named_to_airflow_imports(kind: str) -> None:
    modules = [module for entry in INFO[kind] for module in entry["python-modules"]]
    assert modules
    for module in modules:
        assert import_module(module).__name__ == module


def test_the_key_has_the_forms_password_field_and_unused_fields_are_hidden() -> None:
    behaviour = CONNECTION["ui-field-behaviour"]
    assert behaviour["relabeling"]["password"] == "API key"
    assert set(behaviour["hidden-fields"]).isdisjoint({"host", "password"})
    for field in FORM.values():
        assert field["label"]
        assert field["description"]
