"""The options of a client: one list of names and defaults."""

from __future__ import annotations

import dataclasses
import inspect

from eci_provider.api import EciClient
from eci_provider.api.options import BOUNDS, ClientOptions


def test_the_client_takes_each_option_with_its_default() -> None:
    arguments = inspect.signature(EciClient).parameters
    named = {
        name: argument.default for name, argument in arguments.items() if argument.kind is argument.KEYWORD_ONLY
    }

    assert named.pop("sleep") is None
    assert named == dataclasses.asdict(ClientOptions())


def test_each_default_is_within_its_bounds() -> None:
    options = dataclasses.asdict(ClientOptions())

    assert {name for name, (least, most) in BOUNDS.items() if least <= options[name] <= most} == {
        "timeout",
        "connect_timeout",
        "max_retries",
    }
