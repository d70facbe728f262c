"""Play many cells from one warm process, on as many lanes as asked for."""

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
from tests.crash.cells import Cell, control_cells, crash_cells
from tests.crash.life import has_task_state
from tests.crash.once_failed import ONCE_FAILED
from tests.crash.play import Play
from tests.crash.server import KEY, Server, ServerProcess
from tests.crash.verdict import complaints, outcome

LONGEST_LINE = 4096


@dataclass
class Verdict:
    """
    Hold what became of one cell.

    :param cell: its name.
    :param complaints: what is wrong; none if it ended as it must.
    :param log: what its processes wrote, where something is wrong.
    """

    cell: str
    complaints: list[str]
    log: str = ""


def possible(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that this Airflow can play: before 3.3 it has no task state."""
    return [cell for cell in cells if has_task_state() or not cell.remembers]


def sample(count: int, seed: int) -> list[Cell]:
    """
    Return so many cells, and those that ever failed.

    :param seed: the same one draws the same cells.
    """
    cells = possible(crash_cells())
    failed = possible([Cell.named(name) for name in ONCE_FAILED])
    others = [cell for cell in cells if cell not in failed]
    return [*failed, *Random(seed).sample(others, min(count, len(others)))]


def play_all(cells: Sequence[Cell], lanes: int) -> Iterator[Verdict]:
    """
    Play cells in forked lanes, each with a sandbox of its own, and yield the verdicts as they come.

    Nothing but the calling thread may run here: a process forked beside others can inherit locks that nobody
    opens any more.
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
                    break  # nobody reads the verdicts any more
                os.write(writer, _line(_judged(cell, server, other_key)))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _line(verdict: Verdict) -> bytes:
    """Return a verdict as one line, no longer than a pipe takes in one piece whatever other lanes write."""
    while len(line := json.dumps(asdict(verdict)).encode() + b"\n") > LONGEST_LINE:
        verdict.complaints = [text[: len(text) // 2] for text in verdict.complaints]
        verdict.log = verdict.log[len(verdict.log) // 2 :]
    return line


def _connect(server: Server) -> None:
    connection = {"conn_type": "eci", "host": server.url, "password": KEY, "extra": {"settle_time": 15}}
    os.environ["AIRFLOW_CONN_ECI_DEFAULT"] = json.dumps(connection)


def _warm_up() -> None:
    """Load what tasks load on demand, so that their processes need not."""
    from eci_provider.hooks.eci import EciHook

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


def _judged(cell: Cell, server: Server, other_key: str) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="eci-crash-") as folder:
        try:
            played = Play(cell, server, Path(folder), other_key).run()
            found, log = complaints(cell, played), played.log
        except Exception as error:
            found, log = [f"the matrix itself failed: {type(error).__name__}: {error}"], traceback.format_exc()
    short = [text[:400] for text in found[:5]]
    return Verdict(str(cell), short, log[-1200:] if short else "")


def table(cells: Sequence[Cell], verdicts: Sequence[Verdict]) -> str:
    """Return how many cells of which operator ended how."""
    failed = {verdict.cell for verdict in verdicts if verdict.complaints}
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
    """Return all cells that this Airflow can play: those with a crash or a clear, and those without."""
    return possible(crash_cells()), possible(control_cells())


def as_json(cells: Sequence[Cell], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return a run as plain JSON."""
    return {"cells": [str(cell) for cell in cells], "verdicts": [asdict(verdict) for verdict in verdicts]}
