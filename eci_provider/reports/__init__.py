"""Reports of rows and what is wrong with them: kickouts, and what a check of a bill file found, in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.reports.errors import EciReportError
from eci_provider.reports.formats import FORMATS

if TYPE_CHECKING:
    from eci_provider.reports.writing import write_report as write_report

__all__ = ["FORMATS", "EciReportError", "write_report"]


def __getattr__(name: str) -> Any:
    # Operators need the formats when a DAG is parsed, and what writes them only when a task runs.
    if name == "write_report":
        from eci_provider.reports.writing import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
