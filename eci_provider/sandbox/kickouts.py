"""Kickout files: rows kicked out, the reasons, and the same rows as a file for a retry."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections import Counter
from typing import Any

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.reader import BillFile
from eci_provider.sandbox.store import Row

PREFIX = "Kickouts_"


def kickout_name(file_name: str) -> str:
    """
    Return the name of an imported file's kickout file.

    Assumption: ``Kickouts_`` and the file's name. A retry does not add it a second time.
    """
    return file_name if file_name.startswith(PREFIX) else PREFIX + file_name


def save(env: Environment, task_id: int, kicked_out: list[tuple[BillFile, str, list[str]]]) -> None:
    """Store the rows that an import kicked out: file, message and cells of each."""
    ids: dict[int, int] = {}
    for file, message, cells in kicked_out:
        if id(file) not in ids:
            ids[id(file)] = env.store.insert(
                "kickout_files", task_id=task_id, file_name=kickout_name(file.name), header=file.header
            )
        env.store.insert("kickout_rows", task_id=task_id, file_id=ids[id(file)], message=message, cells=cells)


def stored(env: Environment, task: Row, file_name: str | None) -> list[Row]:
    """
    Return a task's kickout rows, each with its file's name and header.

    :param file_name: the kickout file; None for all.
    :raises ApiError: 404 if the task has no such kickout file.
    """
    found = env.store.rows(
        "SELECT kickout_rows.*, file_name, header FROM kickout_rows JOIN kickout_files USING (file_id) "
        "WHERE kickout_rows.task_id = ? ORDER BY row_id",
        task["task_id"],
    )
    if file_name is None:
        return found
    named = [row for row in found if row["file_name"] == file_name]
    if not named:
        raise ApiError(404, f"The task has no kickout file '{file_name}'.")
    return named


def summary(env: Environment, task: Row, file_name: str | None) -> dict[str, Any]:
    """
    Return BillImportTaskKickoutSummaryResponse.

    Assumption: each message is listed once, the most frequent first. If no file is named, ``fileName`` is the
    kickout file's name of the imported file.
    """
    counted = Counter(row["message"] for row in stored(env, task, file_name))
    return {
        "fileName": file_name or kickout_name(task["file_name"]),
        "kickoutMessages": [message for message, _ in counted.most_common()],
        "taskGuid": task["guid"],
    }


def detail(env: Environment, task: Row, file_name: str | None, message: str | None) -> dict[str, Any]:
    """
    Return BillImportKickoutDetailsResponse.

    Assumption: the first field is "Message"; the names of the file's header follow. A name that occurs twice is
    two fields. A cell after the last header has the field "Column N".
    """
    rows = stored(env, task, file_name)
    columns: dict[tuple[str, int], int] = {("Message", 0): 0}
    table: list[list[tuple[int, str]]] = []
    for row in rows:
        seen = Counter({"Message": 1})
        cells = [(0, row["message"])]
        for name, value in zip(_names(row["header"], len(row["cells"])), _padded(row), strict=True):
            key = (name, seen[name])
            seen[name] += 1
            cells.append((columns.setdefault(key, len(columns)), value))
        if message is None or row["message"] == message:
            table.append(cells)
    # The documentation says that ids may differ between requests; here they always do.
    first_id = random.randrange(1, 1_000_000)
    return {
        "fields": [{"id": first_id + index, "name": name} for (name, _), index in columns.items()],
        "data": [[{"fieldId": first_id + index, "value": value} for index, value in cells] for cells in table],
    }


def _names(header: list[str], width: int) -> list[str]:
    return header + [f"Column {number}" for number in range(len(header) + 1, width + 1)]


def _padded(row: Row) -> list[str]:
    missing = len(row["header"]) - len(row["cells"])
    return [*row["cells"], *([""] * missing)]


def as_zip(env: Environment, task: Row) -> bytes:
    """Return a ZIP of all kickout files of a task, to import as one new task."""
    writers: dict[str, io.StringIO] = {}
    for row in stored(env, task, None):
        if row["file_name"] not in writers:
            writers[row["file_name"]] = io.StringIO()
            csv.writer(writers[row["file_name"]]).writerow(row["header"])
        csv.writer(writers[row["file_name"]]).writerow(row["cells"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in writers.items():
            archive.writestr(_as_csv_name(name), text.getvalue())
    return packed.getvalue()


def _as_csv_name(name: str) -> str:
    # A workbook's kickouts are written as text, so the file needs a text file's name.
    return name if name.lower().endswith((".csv", ".dat", ".txt")) else name + ".csv"
