"""
Run the blocks of pages in the environment of a wheel: ``page_runner.main("job.json")``.

This file and ``page_world`` are copied beside the job, so that nothing of the checkout can be imported. Each page
has a sandbox, a folder and an object store of its own. Scripts, shell lines, tests and complete DAGs run one by
one; the parts of DAGs of all pages become one DAG, which ``dag.test()`` runs. What a part uses and the page does
not define, such as ``bills``, is in ``page_world``.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import socket
import subprocess
import sys
import time
import traceback
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from page_world import Frame, World

import eci_provider
from eci_provider.operators import RetryKickoutsOperator

try:
    from airflow.sdk import DAG, TaskGroup
    from airflow.sdk.execution_time import supervisor
except ImportError:
    supervisor = None
    from airflow import DAG
    from airflow.utils.task_group import TaskGroup

DAG_ID = "pages"


class Run:
    """
    The blocks of all pages.

    :param job: the blocks, and where to work.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self.blocks: list[dict[str, Any]] = job["blocks"]
        self.folder = Path(job["folder"])
        self.dags = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
        pages = dict.fromkeys(block["page"] for block in self.blocks)
        self.worlds = {page: World(page, self.folder) for page in pages}
        self.names: dict[str, dict[str, Any]] = {page: {"__name__": "page"} for page in pages}
        self.problems: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.results: dict[str, list[Any]] = {page: [] for page in pages}

    def all(self) -> dict[str, str]:
        """Run all blocks, and return what went wrong, by the name of the block."""
        for block in self.blocks:
            if run := getattr(self, f"_run_{block['kind']}", None):
                self.worlds[block["page"]].enter()
                try:
                    run(block, self.worlds[block["page"]].adapted(block["code"]))
                except BaseException:
                    self._fail(block, traceback.format_exc())
        self.of_scripts = self.names
        self.names = {}
        self._run_the_parts()
        for block in self.blocks:
            if block["kind"] == "result" and not self._is_result(block):
                self._fail(block, f"no task of this page returns such a thing, only {self.results[block['page']]}")
        return self.problems

    def _fail(self, block: dict[str, Any], problem: str) -> None:
        self.problems[block["name"]] = problem

    # One by one

    def _run_script(self, block: dict[str, Any], code: str) -> None:
        self._execute(block, code)

    def _run_shell(self, block: dict[str, Any], code: str) -> None:
        """Run the lines in a shell that knows what earlier blocks of the page have exported."""
        names, port = self.names[block["page"]], free_port()
        script = code.replace("python -m eci_provider.sandbox", f"python -m eci_provider.sandbox --port {port}")
        environ = names.get("environ", os.environ)
        serves = script != code and not script.rstrip().endswith("&")
        after = f"\n{sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))' > environ.json"
        shell = subprocess.Popen(
            ["bash", "-ec", f"exec {script}" if serves else script + after],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if serves:
            self._see_it_serve(shell, port)
            return
        printed, _ = shell.communicate(timeout=60)
        print(printed)
        assert shell.returncode == 0, printed
        names["environ"] = json.loads(Path("environ.json").read_text())

    def _see_it_serve(self, shell: subprocess.Popen[str], port: int) -> None:
        try:
            while shell.poll() is None:
                try:
                    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).ok
                    return
                except requests.ConnectionError:
                    time.sleep(0.1)
            raise AssertionError(shell.communicate()[0])
        finally:
            shell.terminate()
            shell.wait()

    def _run_test(self, block: dict[str, Any], code: str) -> None:
        path = Path(f"test_line_{block['line']}.py")
        path.write_text(code)
        status = pytest.main(["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", str(path)])
        assert status == pytest.ExitCode.OK, status

    def _run_dag(self, block: dict[str, Any], code: str) -> None:
        from airflow.models import DagBag

        world = self.worlds[block["page"]]
        path = self.dags / f"line_{block['line']}_{world.folder.name}.py"
        path.write_text(code)
        bag = DagBag(str(path))
        assert bag.dags, bag.import_errors
        for found in bag.dags.values():
            run = found.test(
                run_conf={"import_guid": world.first_bills} if "import_guid" in found.params else None
            )
            assert run.state == "success", run
        self._execute(block, code)  # later blocks of the page may use its names

    # Together

    def _run_the_parts(self) -> None:
        from airflow.models import DagBag

        parts = [block for block in self.blocks if block["kind"] == "tasks"]
        (self.dags / "pages.py").write_text(
            "# of Airflow\nimport page_runner\n\ndag = page_runner.RUN.dag_of_parts()\n"
        )
        bag = DagBag(str(self.dags / "pages.py"))
        assert bag.dags, bag.import_errors
        run = bag.dags[DAG_ID].test()
        for block in parts:
            self._note_failures(block, run)

    def _note_failures(self, block: dict[str, Any], run: Any) -> None:
        """Note which tasks of a block have not succeeded."""
        group = f"{group_of(block)}."
        states = {task.task_id: task.state for task in run.get_task_instances() if task.task_id.startswith(group)}
        failed = [name for name, state in states.items() if state != "success"]
        if failed:
            self._fail(block, "\n".join(f"{name} is {states[name]}: {self.errors.get(name)}" for name in failed))

    def dag_of_parts(self) -> DAG:
        """Return a DAG of all parts of DAGs. A page's blocks follow each other; pages do not depend on another."""
        given = {
            "month": "2026-01",
            "import_again": False,
            "max_kickouts": 5,
            "batch_id": self.worlds["docs/sensors/batch.md"].closed_batch,
            "task_guid": self.worlds["docs/sensors/task.md"].other_import,
            "adopt_task_guid": None,
        }
        with DAG(
            DAG_ID,
            schedule=None,
            start_date=datetime(2026, 1, 1),
            params=given,
            default_args={
                "pre_execute": enter_world,
                "post_execute": keep_result,
                "on_failure_callback": note_error,
                "retries": 0,
            },
        ) as made:
            for page in self.worlds:
                self._add_page(made, page)
        return made

    def _add_page(self, made: DAG, page: str) -> None:
        self.names[page] = {**self.of_scripts[page]}
        before: list[Any] = []
        for block in self.blocks:
            if block["page"] == page and block["kind"] == "tasks":
                known = set(made.task_dict)
                with TaskGroup(group_of(block), prefix_group_id=True):
                    self._define(block)
                added = [made.task_dict[name] for name in made.task_dict if name not in known]
                for new in added:
                    if not new.upstream_task_ids - {known.task_id for known in before}:
                        new.set_upstream(before)
                before = [new for new in added if not new.downstream_task_ids] or before

    def _define(self, block: dict[str, Any]) -> None:
        """Define the tasks of a block; one that fails spoils no other."""
        try:
            self._execute(block, self.worlds[block["page"]].adapted(block["code"]))
        except Exception:
            self._fail(block, traceback.format_exc())

    def world_of(self, operator: Any) -> World:
        """Return the world of the page to which a task belongs."""
        group = operator.task_id.partition(".")[0]
        (block,) = [block for block in self.blocks if block["kind"] == "tasks" and group_of(block) == group]
        return self.worlds[block["page"]]

    def _execute(self, block: dict[str, Any], code: str) -> None:
        """Execute a block with the names of its page, and with what the frame provides; keep its line numbers."""
        names, frame = self.names[block["page"]], Frame(self.worlds[block["page"]])
        for name in free_names(code):
            if name not in names:
                names[name] = frame.provided(name)
        exec(compile("\n" * (block["line"] - 1) + code, block["page"], "exec"), names)  # noqa: S102 - the pages' own

    def _is_result(self, block: dict[str, Any]) -> bool:
        shown = ast.literal_eval(block["code"])
        return any(
            type(result) is type(shown) and (not isinstance(shown, dict) or shown.keys() <= result.keys())
            for result in self.results[block["page"]]
        )


# Airflow copies the arguments of tasks, so these are functions: a run cannot be copied.


def enter_world(context: Any) -> None:
    """Enter the world of a task that is about to run. Before a retry, correct what kicked rows out."""
    world = RUN.world_of(context["task"])
    world.enter()
    if isinstance(context["task"], RetryKickoutsOperator):
        world.sandbox.add_account("1003", meters=["M-3"])


def keep_result(context: Any, result: Any = None) -> None:
    """Keep what a task has returned."""
    RUN.results[RUN.world_of(context["task"]).page].append(result)


def note_error(context: Any) -> None:
    """Note why a task failed."""
    RUN.errors[context["task"].task_id] = repr(context.get("exception"))


def group_of(block: dict[str, Any]) -> str:
    """Return the name of the task group of a block."""
    return f"{block['page'].removesuffix('.md').replace('/', '_')}_line_{block['line']}"


def free_names(code: str) -> list[str]:
    """Return the names that a block uses, and that neither it nor Python defines, in their order."""
    tree = ast.parse(code)
    bound = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        for alias in getattr(node, "names", [])
        if isinstance(alias, ast.alias)
    }
    used: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name):
            (bound.add if isinstance(node.ctx, ast.Store) else used.append)(node.id)
    return [name for name in dict.fromkeys(used) if name not in bound and not hasattr(builtins, name)]


def free_port() -> int:
    """Return a port that is free."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def share_api_server() -> None:
    """Share one API server among the tasks of ``dag.test()``. Airflow 3 starts one for each, in a second."""
    if supervisor is not None:
        supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


def main(job: str) -> None:
    """
    Run a job, and write what went wrong into ``problems.json`` in its folder.

    :param job: the path of a JSON file.
    """
    global RUN
    from airflow.utils.db import initdb

    initdb()
    share_api_server()
    RUN = Run(json.loads(Path(job).read_text()))
    problems = RUN.all()
    report = {"package": eci_provider.__file__, "problems": problems}
    (RUN.folder / "report.json").write_text(json.dumps(report))


RUN: Run
