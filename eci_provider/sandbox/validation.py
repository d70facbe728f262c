"""Validation of request bodies against the tables of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from eci_provider.sandbox.errors import ApiError

INT32_MAX = 2_147_483_647
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:?\d{2})?)?")
Presence = Literal["optional", "required", "defined"]


@dataclass(frozen=True)
class Rule:
    """
    What the documentation says about one property.

    :param kind: ``string``, ``boolean``, ``integer``, ``date-time``, ``object`` or ``array``.
    :param presence: ``required``: present and not null; ``defined``: present ("Required (defined)").
    :param low: smallest value of a number.
    :param high: largest value of a number, or length of a string.
    :param choices: allowed strings, case sensitive.
    """

    kind: str
    presence: Presence = "optional"
    low: int = -INT32_MAX - 1
    high: int = INT32_MAX
    choices: tuple[str, ...] = ()


Schema = dict[str, Rule]

PERIOD_YEAR = Rule("integer", low=1900, high=2099)
TEXT_255 = Rule("string", high=255)
COLUMN = Rule("integer", low=1)

BATCH_CREATE: Schema = {
    "batchCode": Rule("string", "required", high=255),
    "closeExistingBatch": Rule("boolean"),
    "statementDate": Rule("date-time"),
    "dueDate": Rule("date-time"),
    "nextReading": Rule("date-time"),
    "controlCode": TEXT_255,
    "invoiceNumber": TEXT_255,
    "note": TEXT_255,
    "accountPeriodNumber": Rule("integer"),
    "accountPeriodYear": PERIOD_YEAR,
}
BATCH_EDIT: Schema = {
    "batchCode": Rule("string", "required", high=255),
    "note": Rule("string", "defined", high=255),
}
BATCH_STATUS: Schema = {
    "batchStatus": Rule("string", "required", choices=("Open", "Pending", "Closed")),
    "leaveOpenBatchesAsIs": Rule("boolean", "defined"),
    "note": Rule("string", "defined", high=255),
}
BATCH_SETTINGS: Schema = {
    "batchMode": Rule("string"),
    "existingOpenBatchId": Rule("integer"),
    "leaveExistingBatchesOpen": Rule("boolean"),
    "newBatchCode": TEXT_255,
    "pendingBatchId": Rule("integer"),
}
KICKOUT_IMPORT: Schema = {
    "batchSettings": Rule("object"),
    "comment": Rule("string"),
    "importNote": Rule("string"),
    "saveAsResolved": Rule("boolean"),
}
BILL_IMPORT: Schema = {
    "data": Rule("string", "required"),
    "fileName": Rule("string", "required"),
    "profileCode": Rule("string"),
    "suppressBillCaptureNotification": Rule("boolean"),
    **KICKOUT_IMPORT,
}
PROFILE: Schema = {
    "profileCode": Rule("string", "required", high=64),
    "columnMapping": Rule("object", "required"),
}
DATE_FORMATS = ("mm/dd/yyyy", "Month dd yyyy", "dd/mm/yyyy", "dd Month yyyy", "yyyymmdd")
REQUIRED_COLUMN = Rule("integer", "required", low=1)
OPTIONAL_COLUMNS = (
    "vendorCode",
    "payAmount",
    "billingPeriod",
    "accountPeriod",
    "statementDate",
    "dueDate",
    "controlCode",
    "invoiceNumber",
    "meterCode",
    "commodity",
    "serviceCharge",
    "aceFlag",
    "vprFlag",
    "rate",
    "serialNumber",
    "billNote",
)
COLUMN_MAPPING: Schema = {
    "dateFormat": Rule("string", "required", choices=DATE_FORMATS),
    "accountCodeColumnIndex": REQUIRED_COLUMN,
    "startDateColumnIndex": REQUIRED_COLUMN,
    "endDateColumnIndex": REQUIRED_COLUMN,
    **{f"{name}ColumnIndex": COLUMN for name in OPTIONAL_COLUMNS},
    "observations": Rule("array", "required"),
}
OBSERVATION: Schema = {
    "columnIndex": REQUIRED_COLUMN,
    "observationTypeCode": Rule("string", "required"),
    "caption": Rule("string", "required", high=32),
    "unitCode": Rule("string", "required"),
}
TASK_EDIT: Schema = {"taskNote": Rule("string", "required")}


def validate(body: Any, schema: Schema, *, where: str = "", lenient: bool = False) -> dict[str, Any]:
    """
    Validate a body, and return its known properties; absent ones are None.

    Assumption: unknown properties are ignored, as most JSON readers do. The request log shows them.

    :param where: prefix of the names in messages, such as ``columnMapping.``.
    :param lenient: whether "Required (defined)" properties may be absent.
    :raises ApiError: 400 with the names of all wrong properties.
    """
    if not isinstance(body, dict):
        raise ApiError(400, f"{where.rstrip('.') or 'The request body'} must be a JSON object.")
    faults = []
    for name, rule in schema.items():
        fault = _presence_fault(name, rule, body, lenient) or _value_fault(rule, body.get(name))
        if fault:
            faults.append(f"{where}{name} {fault}")
    if faults:
        raise ApiError(400, "; ".join(faults) + ".")
    return {name: body.get(name) for name in schema}


def validate_mapping(mapping: Any) -> dict[str, Any]:
    """
    Validate a BillImportProfileColumnMapping.

    Assumption: two fields may share a column.

    :raises ApiError: 400 with the names of all wrong properties.
    """
    known = validate(mapping, COLUMN_MAPPING, where="columnMapping.")
    if not known["observations"]:
        raise ApiError(400, "columnMapping.observations Cannot be Empty.")
    known["observations"] = [
        validate(item, OBSERVATION, where=f"columnMapping.observations[{position}].")
        for position, item in enumerate(known["observations"])
    ]
    return known


def _presence_fault(name: str, rule: Rule, body: dict[str, Any], lenient: bool) -> str | None:
    if rule.presence == "required" and body.get(name) is None:
        return "is required"
    if rule.presence == "defined" and name not in body and not lenient:
        return "is required (defined): the key must be present, null is acceptable"
    return None


def _value_fault(rule: Rule, value: Any) -> str | None:
    if value is None:
        return None
    if rule.kind == "string":
        return _string_fault(rule, value)
    if rule.kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            return f"must be an integer, not {value!r}"
        return None if rule.low <= value <= rule.high else f"must be between {rule.low} and {rule.high}"
    if rule.kind == "date-time":
        fits = isinstance(value, str) and DATE_TIME.fullmatch(value)
        return None if fits else f"must be a date-time, not {value!r}"
    expected = {"boolean": bool, "object": dict, "array": list}[rule.kind]
    return None if isinstance(value, expected) else f"must be of type {rule.kind}"


def _string_fault(rule: Rule, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be a string, not {value!r}"
    if rule.choices and value not in rule.choices:
        return f"must be one of {', '.join(rule.choices)} (case sensitive), not {value!r}"
    if len(value) > rule.high:
        return f"must be between 0 and {rule.high} characters"
    return None
