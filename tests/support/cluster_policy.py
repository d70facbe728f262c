"""DAG files that Airflow loads as it does in production: a cluster policy sees every task before it is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow import settings

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # older versions of Airflow
    from airflow.models.dagbag import DagBag


@contextmanager
def task_policy(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> Iterator[Any]:
    """
    Let ``airflow_local_settings.py`` define a cluster policy.

    :param folder: where to write it.
    :param code: the module, with a function ``task_policy``.
    :return: the module.
    """
    (folder / "airflow_local_settings.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "airflow_local_settings", raising=False)
    manager = _manager()
    before = set(manager.get_plugins())
    settings.import_local_settings()
    try:
        yield sys.modules["airflow_local_settings"]
    finally:
        for plugin in set(manager.get_plugins()) - before:
            manager.unregister(plugin)
        sys.modules.pop("airflow_local_settings", None)


def _manager() -> Any:
    try:
        return settings.get_policy_plugin_manager()
    except AttributeError:  # older versions of Airflow
        return settings.POLICY_PLUGIN_MANAGER


def loaded_task(file: Path, task_id: str) -> Any:
    """
    Return a task of a DAG file, after the cluster policies.

    :param file: the DAG file, with one DAG.
    :param task_id: the task.
    """
    bag = DagBag(str(file))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag.get_task(task_id)
