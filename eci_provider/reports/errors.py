"""What can go wrong with a report."""

from __future__ import annotations

from eci_provider.core.errors import EciError
from eci_provider.core.paths import redact_path


class EciReportError(EciError):
    """
    Tell that a report could not be written; what stood at its place before stands there still.

    :param problem: a sentence that says what is wrong and what to do.
    :param path: where it should have been written.
    """

    def __init__(self, problem: str, *, path: str) -> None:
        super().__init__(f"Report {redact_path(path)!r}: {problem}", problem=problem, path=redact_path(path))
        self.problem, self.path = problem, path
