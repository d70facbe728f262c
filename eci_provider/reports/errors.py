"""Errors of writing a report."""

from __future__ import annotations

from eci_provider.core.errors import EciError
from eci_provider.core.paths import redact_path


class EciReportError(EciError):
    """
    A report could not be written; what was at its path before is still there.

    :param problem: what is wrong and what to do.
    :param path: where it should have been written.
    """

    def __init__(self, problem: str, *, path: object) -> None:
        super().__init__(f"Report {redact_path(path)!r}: {problem}", problem=problem, path=redact_path(path))
        self.problem, self.path = problem, str(path)
