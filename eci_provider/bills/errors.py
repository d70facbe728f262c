"""The error for a bill file that cannot be used as it is."""

from __future__ import annotations

from eci_provider.core.errors import EciError


class EciBillFileError(EciError):
    """
    A bill file cannot be read, split or sent as it is; the same file fails again.

    :param problem: a sentence that says what is wrong and what to do.
    :param file: the file's name; inside a ZIP the name there.
    :param row: the row at fault, counted from 1 as in a spreadsheet program; None for the file as a whole.
    """

    retry_helps = False

    def __init__(self, problem: str, *, file: str, row: int | None = None) -> None:
        where = f"{file!r}" if row is None else f"{file!r}, row {row}"
        super().__init__(f"Bill file {where}: {problem}", problem=problem, file=file, row=row)
        self.problem, self.file, self.row = problem, file, row
