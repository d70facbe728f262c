"""The names of the files in a ZIP: EnergyCAP returns kickouts by file, but does not list the files."""

from __future__ import annotations

from pathlib import PurePosixPath

from eci_provider.api.upload import names_in_archive
from eci_provider.bills.errors import EciBillFileError
from eci_provider.core.paths import AnyPath, openable, redact_path, redact_path_in
from eci_provider.core.text import LONGEST_TEXT, shown


def names_in_zip(file: AnyPath, file_name: str | None = None) -> list[str]:
    """
    Return the names of the files in a ZIP, in their order; none if the file is no ZIP.

    :param file: a local path, or anything with ``name`` and ``open("rb")``, such as Airflow's ObjectStoragePath.
    :param file_name: the name that decides whether it is a ZIP; None for the file's own.
    :raises EciBillFileError: when it cannot be read.
    """
    path = openable(file)
    if PurePosixPath(file_name or path.name).suffix.lower() != ".zip":
        return []
    try:
        with path.open("rb") as stream:
            return names_in_archive(stream)
    except Exception as error:
        # A store's client raises errors of its own.
        reason = shown(redact_path_in(f"{type(error).__name__}: {error}", file), LONGEST_TEXT)
        raise EciBillFileError(f"its names cannot be read ({reason}).", file=redact_path(file)) from error
