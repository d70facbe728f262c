"""What can be wrong with a bill file as a whole."""

from __future__ import annotations

from eci_provider.core.errors import EciError


class EciBillFileError(EciError):
    """
    Tell that a bill file cannot be read, split or sent as it is; the same file will fail again.

    :param problem: a sentence that says what is wrong and what to do.
    :param file: which file, inside a ZIP the one in it.
    :param row: which row of it, counted from 1 as a spreadsheet program does, if one row is at fault.
    """

    retry_helps = False

    def __init__(self, problem: str, *, file: str, row: int | None = None) -> None:
        where = f"{file!r}" if row is None else f"{file!r}, row {row}"
        super().__init__(f"Bill file {where}: {problem}", problem=problem, file=file, row=row)
        self.problem, self.file, self.row = problem, file, row
