"""
Bill files before they are sent: their tables, column mapping, check and split.

Works without Airflow; ``check_file``, ``split_file`` and ``mapping_from_file`` are for notebooks too.
May touch api, storage and core.
"""

from __future__ import annotations

from eci_provider.api.column_mapping import mapping_from_header
from eci_provider.bills.checking import check_file
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.mapping import mapping_from_file
from eci_provider.bills.reading import header_of
from eci_provider.bills.report import CheckReport, Problem
from eci_provider.bills.splitting import join_parts, split_file

__all__ = [
    "CheckReport",
    "EciBillFileError",
    "Problem",
    "check_file",
    "header_of",
    "join_parts",
    "mapping_from_file",
    "mapping_from_header",
    "split_file",
]
