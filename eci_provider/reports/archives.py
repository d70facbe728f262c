"""Which files a ZIP holds: EnergyCAP tells kickouts by file, but not which files there are."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from eci_provider.core.paths import openable, redact_path, redact_path_in
from eci_provider.core.text import LONGEST_TEXT, cut

if TYPE_CHECKING:
    from eci_provider.api.upload import BillFile


def names_in_zip(file: BillFile, file_name: str | None = None) -> list[str]:
    """
    Return the names of the files in a ZIP, in their order; none of a file that is no ZIP.

    :param file: a local path, or anything with ``name`` and ``open("rb")``, such as Airflow's ObjectStoragePath.
    :param file_name: the name that says whether it is a ZIP; the file's own without.
    :raises EciBillFileError: when it cannot be read.
    """
    from eci_provider.bills.errors import EciBillFileError

    path = openable(file)
    if PurePosixPath(file_name or path.name).suffix.lower() != ".zip":
        return []
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            return [member.filename for member in archive.infolist() if not member.is_dir()]
    except Exception as error:
        # A store's client raises errors of its own.
        reason = cut(redact_path_in(f"{type(error).__name__}: {error}", file), LONGEST_TEXT)
        raise EciBillFileError(f"its names cannot be read ({reason}).", file=redact_path(file)) from error
