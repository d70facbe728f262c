"""
Operators: prepare, check, split and import bill files, report and retry kickouts, batches and import profiles.

May touch every room below; importing an operator loads neither the models nor the HTTP library.
"""

from __future__ import annotations

from eci_provider.operators.batch import OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.operators.bill_file import CheckBillFileOperator, SplitBillFileOperator
from eci_provider.operators.bill_import import ImportBillsOperator
from eci_provider.operators.bill_preparation import PrepareBillFileOperator
from eci_provider.operators.import_profile import CreateImportProfileOperator
from eci_provider.operators.kickout_report import KickoutReportOperator
from eci_provider.operators.kickouts import RetryKickoutsOperator

__all__ = [
    "CheckBillFileOperator",
    "CreateImportProfileOperator",
    "ImportBillsOperator",
    "KickoutReportOperator",
    "OpenBatchOperator",
    "PrepareBillFileOperator",
    "RetryKickoutsOperator",
    "SplitBillFileOperator",
    "UpdateBatchStatusOperator",
]
