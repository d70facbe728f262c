"""
Reports for the analyst: kickouts, and the problems that a check of a bill file found, as csv, xlsx or md.

May touch outcome, waiting, runtime, bills, storage, api and core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.reports.errors import EciReportError
from eci_provider.reports.formats import FORMATS

if TYPE_CHECKING:
    from eci_provider.reports.writing import write_report as write_report

__all__ = ["FORMATS", "EciReportError", "write_report"]


def __getattr__(name: str) -> Any:
    # Parsing a DAG needs the formats, but not the module that writes them.
    if name == "write_report":
        from eci_provider.reports.writing import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
