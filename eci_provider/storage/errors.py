"""Errors of writing a file."""

from __future__ import annotations

from eci_provider.core.errors import EciError
from eci_provider.core.paths import redact_path


class EciWriteError(EciError):
    """
    A file could not be written; what was at its destination before is still there.

    :param problem: what is wrong and what to do.
    :param path: the destination.
    """

    def __init__(self, problem: str, *, path: object) -> None:
        shown = redact_path(path)
        super().__init__(f"File {shown!r}: {problem}", problem=problem, path=shown)
        self.problem = problem
