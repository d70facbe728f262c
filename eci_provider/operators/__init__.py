"""Operators: open a batch, create an import profile, import bills, retry kickouts, change a batch's status."""

from __future__ import annotations

from eci_provider.operators.batch import OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.operators.bill_import import ImportBillsOperator
from eci_provider.operators.import_profile import CreateImportProfileOperator
from eci_provider.operators.kickouts import RetryKickoutsOperator

__all__ = [
    "CreateImportProfileOperator",
    "ImportBillsOperator",
    "OpenBatchOperator",
    "RetryKickoutsOperator",
    "UpdateBatchStatusOperator",
]
