"""What Airflow is told about the package, against what the package contains."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from airflow.providers.common.compat.sdk import (
    BaseHook,
    BaseNotifier,
    BaseOperator,
    BaseOperatorLink,
    BaseSensorOperator,
)
from airflow.triggers.base import BaseTrigger

import eci_provider
from eci_provider import links, notifications
from eci_provider.get_provider_info import get_provider_info

INFO = get_provider_info()


def _modules(package: str) -> Iterator[str]:
    """Return the names of all modules of a package."""
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        yield module.name


def _defined(module: str, base: type) -> set[type]:
    """Return the classes of a kind that a module defines itself."""
    classes = inspect.getmembers(import_module(module), inspect.isclass)
    return {cls for _, cls in classes if cls.__module__ == module and issubclass(cls, base)}


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        ("hooks", BaseHook),
        ("operators", BaseOperator),
        ("sensors", BaseSensorOperator),
        ("triggers", BaseTrigger),
    ],
)
def test_every_module_with_a_class_that_dags_use_is_listed(kind: str, base: type) -> None:
    classes = {cls for module in _modules(f"{eci_provider.__name__}.{kind}") for cls in _defined(module, base)}
    bases = {parent for cls in classes for parent in cls.__mro__[1:]}

    listed = [module for entry in INFO[kind] for module in entry["python-modules"]]

    assert sorted(listed) == sorted({cls.__module__ for cls in classes - bases})


def test_every_notifier_is_listed() -> None:
    defined = {cls for module in _modules(notifications.__name__) for cls in _defined(module, BaseNotifier)}

    assert set(INFO["notifications"]) == {f"{cls.__module__}.{cls.__name__}" for cls in defined}
    assert {cls.__name__ for cls in defined} == set(notifications.__all__)


def test_every_link_is_listed() -> None:
    defined = {f"{cls.__module__}.{cls.__name__}" for cls in _defined(links.__name__, BaseOperatorLink)}

    assert set(INFO["extra-links"]) == defined
