"""
Bill files before they are sent: a vendor's file prepared, and tables, column mapping, check and split.

Works without Airflow; ``prepare_file``, ``check_file``, ``split_file`` and ``mapping_from_file`` are for
notebooks, too.
May touch api, storage and core.
"""

from __future__ import annotations

from eci_provider.api.column_mapping import mapping_from_header
from eci_provider.bills.checking import check_file
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.mapping import mapping_from_file
from eci_provider.bills.prepare.preparing import prepare_file
from eci_provider.bills.prepare.result import PreparedFile
from eci_provider.bills.proposal.proposing import propose_recipe
from eci_provider.bills.reading import header_of
from eci_provider.bills.recipe.loading import load_recipe
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.bills.report import CheckReport, Problem
from eci_provider.bills.splitting import join_parts, split_file

__all__ = [
    "BillFileRecipe",
    "CheckReport",
    "EciBillFileError",
    "PreparedFile",
    "Problem",
    "check_file",
    "header_of",
    "join_parts",
    "load_recipe",
    "mapping_from_file",
    "mapping_from_header",
    "prepare_file",
    "propose_recipe",
    "split_file",
]
