"""Many cells, run in several lanes: forked processes with a sandbox each, in which all modules are loaded."""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import eci_provider
from eci_provider.hooks.eci import EciHook
from tests.crash.cell_run import CellRun
from tests.crash.cells import Cell, control_cells, crash_cells
from tests.crash.process import has_task_state
from tests.crash.regressions import REGRESSIONS
from tests.crash.server import KEY, Server, ServerProcess
from tests.crash.verdict import outcome, problems

LONGEST_LINE = 4096


@dataclass
class Verdict:
    """
    Verdict on one cell.

    :param cell: its name.
    :param problems: differences from its expected end.
    :param log: output of its processes, if there are differences.
    """

    cell: str
    problems: list[str]
    log: str = ""


def possible(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that this Airflow can run: before 3.3 there is no task state."""
    return [cell for cell in cells if has_task_state() or not cell.remembers]


def sample(count: int, seed: int) -> list[Cell]:
    """
    Return a random sample of cells, and all cells that failed once.

    :param count: size of the sample.
    :param seed: the same seed gives the same cells.
    """
    cells = possible(crash_cells())
    failed = possible([Cell.named(name) for name in REGRESSIONS])
    others = [cell for cell in cells if cell not in failed]
    return [*failed, *Random(seed).sample(others, min(count, len(others)))]


def run_all(cells: Sequence[Cell], lanes: int) -> Iterator[Verdict]:
    """
    Run cells in forked lanes, each with a sandbox of its own, and yield each verdict when it is ready.

    No other thread may run in this process: a forked process could inherit a lock that nobody releases.
    """
    _require_one_thread()
    reader, writer = os.pipe()
    children = [_lane(cells[number::lanes], reader, writer) for number in range(lanes)]
    os.close(writer)
    with os.fdopen(reader) as lines:
        for line in lines:
            yield Verdict(**json.loads(line))
    for child in children:
        os.waitpid(child, 0)


def _lane(cells: Sequence[Cell], reader: int, writer: int) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.close(reader)
        with ServerProcess() as server:
            _connect(server)
            _warm_up()
            other_key = server.control("POST", "users", code="other")["api_key"]
            for cell in cells:
                if os.getppid() != parent:
                    break  # the reader of the verdicts has ended
                os.write(writer, _line(_verdict(cell, server, other_key)))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _line(verdict: Verdict) -> bytes:
    """Return a verdict as one line, short enough that a pipe takes it in one piece while other lanes write too."""
    while len(line := json.dumps(asdict(verdict)).encode() + b"\n") > LONGEST_LINE:
        verdict.problems = [text[: len(text) // 2] for text in verdict.problems]
        verdict.log = verdict.log[len(verdict.log) // 2 :]
    return line


def _connect(server: Server) -> None:
    connection = {"conn_type": "eci", "host": server.url, "password": KEY, "extra": {"settle_time": 15}}
    os.environ["AIRFLOW_CONN_ECI_DEFAULT"] = json.dumps(connection)


def _warm_up() -> None:
    """Import all modules of the provider, so that the processes of tasks need not."""
    for module in pkgutil.walk_packages(eci_provider.__path__, "eci_provider."):
        if not module.name.startswith("eci_provider.sandbox"):
            importlib.import_module(module.name)
    EciHook.get_connection("eci_default")
    gc.collect()
    gc.freeze()
    _require_one_thread()


def _require_one_thread() -> None:
    if threading.active_count() != 1:
        raise RuntimeError(f"other threads are running: {threading.enumerate()}")


def _verdict(cell: Cell, server: Server, other_key: str) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="eci-crash-") as folder:
        try:
            run = CellRun(cell, server, Path(folder), other_key).run()
            found, log = problems(cell, run), run.log
        except Exception as error:
            found, log = [f"the matrix itself failed: {type(error).__name__}: {error}"], traceback.format_exc()
    short = [text[:400] for text in found[:5]]
    return Verdict(str(cell), short, log[-1200:] if short else "")


def table(cells: Sequence[Cell], verdicts: Sequence[Verdict]) -> str:
    """Return a table of the number of cells by operator and end."""
    failed = {verdict.cell for verdict in verdicts if verdict.problems}
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        counts[cell.operator, "WRONG" if str(cell) in failed else outcome(cell)] += 1
    columns = sorted({column for _, column in counts})
    width = max(len(column) for column in columns) + 2
    lines = ["operator".ljust(10) + "".join(column.rjust(width) for column in columns)]
    for operator in dict.fromkeys(cell.operator for cell in cells):
        numbers = "".join(str(counts[operator, column]).rjust(width) for column in columns)
        lines.append(operator.ljust(10) + numbers)
    return "\n".join(lines)


def every_cell() -> tuple[list[Cell], list[Cell]]:
    """Return all cells that this Airflow can run: those with a crash or a clear, and those without."""
    return possible(crash_cells()), possible(control_cells())


def as_json(cells: Sequence[Cell], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return cells and verdicts as plain JSON."""
    return {"cells": [str(cell) for cell in cells], "verdicts": [asdict(verdict) for verdict in verdicts]}
