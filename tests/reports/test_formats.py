"""The format of a report, by its argument or by the extension of its path."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.reports import FORMATS, write_report
from tests.support.report_rows import MIXED, Rows


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_its_module(name: str) -> None:
    assert callable(import_module(f"eci_provider.reports.{name}_report").write)


@pytest.mark.parametrize(
    ("path", "format", "said"),
    [
        ("report", None, "path is 'report': must end in .csv, .xlsx or .md"),
        ("report.pdf", None, "must end in .csv, .xlsx or .md"),
        ("report.csv", "pdf", "format is 'pdf': must be one of 'csv', 'xlsx', 'md'"),
        ("report.csv", "CSV", "format is 'CSV'"),
        ("report.csv", "xlsx", "format is 'xlsx', but path is 'report.csv': let it end in .xlsx"),
        ("", "csv", "must name the file"),
        ("None", "csv", "must name the file"),
        ("folder/", "csv", "must name the file"),
    ],
)
def test_a_path_that_does_not_fit_is_refused(path: str, format: str | None, said: str) -> None:
    with pytest.raises(EciValidationError, match=said):
        write_report(MIXED, path, format)


@pytest.mark.parametrize(("name", "format"), [("r.CSV", "csv"), ("r.markdown", "md"), ("r.xlsx", "xlsx")])
def test_the_extension_tells_the_format(name: str, format: str, tmp_path: Path) -> None:
    assert write_report(Rows(), tmp_path / name)["format"] == format
