"""What each argument of operators and sensors takes and refuses, by the kind of the argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from eci_provider.api.bill_imports import BatchSettings
from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    ImportBillsOperator,
    KickoutReportOperator,
    OpenBatchOperator,
    PrepareBillFileOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from tests.support import values
from tests.support.values import GUID, LoudText, Scalar

MAPPING: dict[str, Any] = {
    "date_format": "mm/dd/yyyy",
    "account_code_column_index": 1,
    "start_date_column_index": 2,
    "end_date_column_index": 3,
    "observations": [{"column_index": 4, "observation_type_code": "USE", "caption": "Use", "unit_code": "KWH"}],
}

RECIPE: dict[str, Any] = {
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "amounts": {"COST:USD:Gas": "Charges"},
}

#: The arguments that a task needs beside the one that is tested.
NEEDED: dict[type, dict[str, Any]] = {
    OpenBatchOperator: {"batch_code": "January"},
    UpdateBatchStatusOperator: {"batch_id": 7, "batch_status": "Open"},
    CreateImportProfileOperator: {"profile_code": "P", "column_mapping": MAPPING},
    ImportBillsOperator: {"file": "bills.csv"},
    RetryKickoutsOperator: {"task_guid": GUID},
    CheckBillFileOperator: {"file": "bills.csv"},
    PrepareBillFileOperator: {"file": "bills.csv", "to": "prepared.csv", "recipe": RECIPE},
    SplitBillFileOperator: {"file": "bills.csv", "destination": "parts"},
    KickoutReportOperator: {"task_guid": GUID, "path": "report.csv"},
    EciTaskSensor: {"task_guid": GUID},
    EciBatchSensor: {"batch_id": 7, "batch_status": "Open", "wait_for_analysis": True},
}


@dataclass(frozen=True)
class Kind:
    """
    A kind of arguments.

    :param right: values that a DAG's author may write, and what the work takes for each.
    :param wrong: values that are refused, beside those of no kind at all.
    :param rendered: texts that a template may render, and what the work takes for each.
    :param wrong_texts: rendered texts that are refused.
    :param foreign: values of no kind that are refused here, too.
    """

    right: Sequence[tuple[Any, Any]]
    wrong: Sequence[Any] = ()
    rendered: Sequence[tuple[str, Any]] = ()
    wrong_texts: Sequence[str] = ()
    foreign: Sequence[Any] = field(default_factory=lambda: values.FOREIGN)


def _choice(*words: str) -> Kind:
    right: list[tuple[Any, str]] = [(word, word) for word in words]
    return Kind(
        right=[*right, (LoudText(words[0]), words[0])],
        wrong=["other", words[0].upper() + " ", "", 1, True],
        rendered=[(word, word) for word in words],
        wrong_texts=["other", "{{ x }}"],
    )


def _lists(*empty: type) -> list[Any]:
    """Return what is of no kind, without the empty containers that an argument takes."""
    return [value for value in values.FOREIGN if not isinstance(value, empty) and not hasattr(value, "tolist")]


JINJA = ["{{ x }}", "{% x %}", "{# x #}"]
NUMERALS = [("7", 7), (" 7 ", 7)]
TEXT = Kind(
    right=values.TEXTS,
    wrong=[True, 1.5],
    rendered=[("a", "a"), ("7", "7"), ("None of it", "None of it"), *((text, text) for text in JINJA)],
)
DATE = Kind(
    right=values.DATES,
    wrong=["31.01.2026", 7, True, "2026-13-01"],
    rendered=[("2026-03-30", "2026-03-30"), ("2026-03-30 08:00:00+00:00", "2026-03-30T08:00:00+00:00")],
    wrong_texts=["tomorrow", *JINJA],
)
# A text with the name of a file is one for these only.
FILE_NAME = Kind(
    right=[("a.csv", "a.csv"), (LoudText("a.csv"), "a.csv")],
    wrong=[True, 1.5, 7, "a.pdf"],
    rendered=[("a.csv", "a.csv"), ("{{ x }}.csv", "{{ x }}.csv")],
)
CONNECTION = Kind(
    right=[("other", "other"), (LoudText("other"), "other")],
    wrong=["", " ", 7, True, 1.5],
    rendered=[("other", "other"), ("{{ x }}", "{{ x }}")],
    wrong_texts=["", " "],
)
#: A number that is often written as a text.
NUMBER = Kind(
    right=[*values.WHOLE_NUMBERS, ("7", 7)],
    wrong=["seven", True, 1.5, 2.0, "", "7.0"],
    rendered=NUMERALS,
    wrong_texts=["seven", "7.5", *JINJA],
)
YEAR = Kind(
    right=[(2026, 2026), (Decimal(2026), 2026), (Scalar(2026, "i"), 2026), ("2026", 2026)],
    wrong=[1899, 2100, True, 2026.0, "MMXXVI"],
    rendered=[("2026", 2026)],
    wrong_texts=["1899", *JINJA],
)
COUNT = Kind(
    right=values.WHOLE_NUMBERS,
    wrong=["7", 0, -1, True, 1.5, 2.0, ""],
    rendered=NUMERALS,
    wrong_texts=["seven", "0", "-1", "7.5", "True", *JINJA],
)
SWITCH = Kind(
    right=values.SWITCHES,
    wrong=["True", "False", "false", "yes", "", 1, 0, 1.0],
    rendered=[("True", True), ("False", False), ("true", True), ("false", False)],
    wrong_texts=["yes", "1", "0", "no", "", *JINJA],
)
SPAN = Kind(right=values.SPANS, wrong=["30", 0, -1, 1e12, True, timedelta(days=367), timedelta(0)])
IMPORT_GUID = Kind(
    right=[(GUID, GUID), (GUID.upper(), GUID), (UUID(GUID), GUID), (LoudText(GUID), GUID)],
    wrong=["x", 7, True, 1.5, "../../me"],
    rendered=[(GUID, GUID), (GUID.upper(), GUID)],
    wrong_texts=["x", *JINJA],
)
BATCH = Kind(
    right=[*values.WHOLE_NUMBERS, ("7", 7)],
    wrong=[0, -1, 2**31, True, 1.5, 2.0, "seven", ""],
    rendered=NUMERALS,
    wrong_texts=["seven", "0", "True", "", *JINJA],
)
LIMIT = Kind(
    right=[(7, 7), (0, 0), (0.02, 0.02), (Decimal("0.02"), 0.02), (Scalar(0.5, "f"), 0.5), ("7", 7), (".5", 0.5)],
    wrong=[-1, 1.5, 1.0, True, "seven", "1.5", "-1", timedelta(seconds=0.5)],
    rendered=[("7", 7), ("0.02", 0.02)],
    wrong_texts=["seven", "1.5", *JINJA],
)
NAMES = Kind(
    right=[(["a"], ["a"]), (("a",), ["a"]), ([LoudText("a")], ["a"])],
    wrong=["a", [1], [None], ["None"], [""], {"a": 1}, 7, True],
    wrong_texts=["a", "['a']", *JINJA],
    foreign=_lists(list),
)
CODES = Kind(
    right=[
        (["a"], {"a"}),
        (("a", 7), {"a", "7"}),
        ({"a"}, {"a"}),
        ([Decimal(7), Scalar(7, "i")], {"7"}),
        ([], set()),
    ],
    wrong=["a", [1.5], [True], [None], ["None"], 7, True],
    wrong_texts=["a", "['a']", *JINJA],
    foreign=_lists(list, dict),
)
RULES = Kind(
    right=[(["row_duplicate"], {"row_duplicate"}), ("row_duplicate", {"row_duplicate"}), ((), set())],
    wrong=["other", ["other"], [1], [None], 7, True],
    rendered=[("row_duplicate", {"row_duplicate"})],
    wrong_texts=["other", *JINJA],
    foreign=_lists(list, bytes),
)
SETTINGS = Kind(
    right=[
        ({"batch_mode": "new batch"}, {"batchMode": "new batch"}),
        (BatchSettings(batch_mode="new batch"), {"batchMode": "new batch"}),
        (MappingProxyType({"batchMode": "new batch"}), {"batchMode": "new batch"}),
    ],
    wrong=["new batch", 5, True, [1], {"x": 1}, {"batch_mode": "x"}],
    wrong_texts=["new batch", "{'batch_mode': 'new batch'}", *JINJA],
    foreign=_lists(dict),
)
_WIRE = {
    "dateFormat": "mm/dd/yyyy",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "observations": [{"columnIndex": 4, "observationTypeCode": "USE", "caption": "Use", "unitCode": "KWH"}],
}
COLUMNS = Kind(
    right=[(MAPPING, _WIRE), (_WIRE, _WIRE), (MappingProxyType(MAPPING), _WIRE)],
    wrong=["Account", 5, True, [1], {"x": 1}, {}],
    wrong_texts=["Account", *JINJA],
)


def _path(name: str) -> Kind:
    right = [(name, name), (Path(name), name), (LoudText(name), name)]
    # A path that looks like a template is refused, as it most likely is one that was not rendered.
    return Kind(right=right, wrong=[5, True, [name], 1.5], rendered=[(name, name)], wrong_texts=["{{ x }}.csv"])


REPORT = _path("report.csv")
# Of a bill file this is not known: it may have such a name.
FILE = replace(_path("bills.csv"), wrong_texts=[])
RECIPES = Kind(
    right=[
        (RECIPE, RECIPE),
        (MappingProxyType(RECIPE), RECIPE),
        ("recipe.yaml", "recipe.yaml"),
        (Path("recipe.json"), "recipe.json"),
    ],
    wrong=[5, True, [1], 1.5, {"x": 1}, {}, "recipe.txt"],
    rendered=[("recipe.yaml", "recipe.yaml")],
    wrong_texts=["{{ x }}.yaml"],
    foreign=_lists(dict),
)
PATHS = {
    "file": FILE,
    "to": _path("prepared.csv"),
    "destination": _path("parts"),
    "path": REPORT,
    "report": REPORT,
}
#: The kind of each argument by its name.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("batch_code", "control_code", "invoice_number", "note", "profile_code"), TEXT),
    **dict.fromkeys(("import_note", "comment"), TEXT),
    **dict.fromkeys(("statement_date", "due_date", "next_reading"), DATE),
    **dict.fromkeys(("max_rounds", "min_progress", "longest_period", "most_rows", "rows_per_file"), COUNT),
    **dict.fromkeys(("min_rows", "min_bills"), COUNT),
    **dict.fromkeys(("close_existing_batch", "leave_open_batches_as_is", "save_as_resolved", "sort"), SWITCH),
    **dict.fromkeys(("reattach", "wait_for_completion", "wait_for_analysis", "deferrable"), SWITCH),
    **dict.fromkeys(("poll_interval", "poke_interval", "timeout"), SPAN),
    **dict.fromkeys(("task_guid", "adopt_task_guid"), IMPORT_GUID),
    **dict.fromkeys(("success_statuses", "file_names"), NAMES),
    **dict.fromkeys(("accounts", "meters"), CODES),
    **PATHS,
    "suppress_bill_capture_notification": SWITCH,
    "account_period_number": NUMBER,
    "account_period_year": YEAR,
    "batch_id": BATCH,
    "batch_status": _choice("Open", "Pending", "Closed"),
    "batch_settings": SETTINGS,
    "column_mapping": COLUMNS,
    "eci_conn_id": CONNECTION,
    "file_name": FILE_NAME,
    "format": _choice("csv"),
    "if_exists": _choice("fail"),
    "kickout_report": REPORT,
    "max_kickouts": LIMIT,
    "on_kickouts": _choice("fail", "warn", "skip"),
    "on_kill": _choice("detach", "void_batch"),
    "on_problems": _choice("fail", "warn"),
    "recipe": RECIPES,
    "rules_off": RULES,
    "fail_on": RULES,
}
