"""How vendors write files: each way is read, and what is ambiguous is an error that says what to set."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import EciBillFileError, PreparedFile, prepare_file

PLAIN: dict[str, Any] = {
    "account_code": "Account",
    "meter_code": "Meter",
    "start_date": "From",
    "end_date": "To",
    "amounts": {"COST:USD:Gas": "Charges"},
}
HEADER = ["Account", "Meter", "From", "To", "Charges"]
ROW = ["A-1", "M-1", "2026-01-01", "2026-01-31", "12.50"]
ROWS = "A-1,M-1,2026-01-01,2026-01-31,12.50\n"
TABLE = "Account,Meter,From,To,Charges\n" + ROWS
WRITTEN = [["A-1", "20260101", "20260131", "A", "M-1", "12.50"]]


def _prepare(folder: Path, content: str | bytes, name: str = "vendor.csv", **recipe: Any) -> PreparedFile:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return prepare_file(file, folder / "bills.csv", {**PLAIN, **recipe})


def _written(prepared: PreparedFile) -> list[list[str]]:
    with open(prepared.target, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def _book(folder: Path, rows: list[list[Any]], *, sheets: int = 1) -> Path:
    book = Workbook()
    for number in range(1, sheets):
        book.create_sheet(f"Sheet{number + 1}")
    for row in rows:
        book.worksheets[-1].append(row)
    path = folder / "vendor.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("content", "recipe"),
    [
        (TABLE, {}),
        (TABLE.encode("utf-8-sig"), {}),
        (TABLE.encode("utf-16"), {}),
        (TABLE.encode("utf-32"), {}),
        (TABLE.encode("utf-16-le"), {"source": {"encoding": "utf-16-le"}}),
        (TABLE.replace("A-1", "Zürich").encode("cp1252"), {"source": {"encoding": "cp1252"}}),
        (TABLE.replace(",", ";"), {}),
        (TABLE.replace(",", "\t"), {}),
        (TABLE.replace(",", "|"), {}),
        (TABLE.replace(",", "~"), {"source": {"delimiter": "~"}}),
        (TABLE.replace("\n", "\r\n"), {}),
        (TABLE.replace("\n", "\r"), {}),
        (TABLE.replace("A-1", '"A-1"').replace("Charges", '"Charges"'), {}),
        (gzip.compress(TABLE.encode(), mtime=0), {}),
        ("Title\n\nAddress,\"1, Main St\"\n\n" + TABLE, {}),
        (TABLE + "\n,,,,\n\x1a", {}),
        (TABLE.replace("From", '"service \n from"'), {"start_date": "Service From"}),
        (TABLE.replace("Meter", "From"), {"start_date": 3, "meter_code": 2}),
        (ROWS, {"source": {"header_row": 0, "delimiter": ","}, "account_code": 1, "meter_code": 2,
                "start_date": 3, "end_date": 4, "amounts": {"COST:USD:Gas": 5}}),
        (",,Service,,\n" + TABLE, {"source": {"header_rows": 2}, "start_date": "Service From",
                                  "end_date": "Service To", "amounts": {"COST:USD:Gas": "Service Charges"}}),
    ],
)  # fmt: skip
def test_each_way_to_write_a_file_is_read(content: str | bytes, recipe: dict[str, Any], tmp_path: Path) -> None:
    prepared = _prepare(tmp_path, content, **recipe)

    rows = [[cell.replace("Zürich", "A-1") for cell in row] for row in _written(prepared)]
    assert rows == WRITTEN
    assert (prepared.rows_in, prepared.rows_out, prepared.rows_left_out) == (1, 1, 0)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2026-01-31", "yyyy-mm-dd"),
        ("2026-01-31 23:59:59", "yyyy-mm-dd"),
        ("2026-01-31T00:00:00Z", "yyyy-mm-dd"),
        ("1/31/2026", "mm/dd/yyyy"),
        ("1/31/2026 4:05 PM", "m/d/yyyy hh:mm am/pm"),
        ("01/31/26", "mm/dd/yy"),
        ("31.01.2026", "dd.mm.yyyy"),
        ("31-Jan-26", "d-mon-yy"),
        ("January 31, 2026", "month d, yyyy"),
        ("31 January 2026", "%d %B %Y"),
        ("20260131", "yyyymmdd"),
        ("46053", "excel"),
        ("46053.75", "excel"),
    ],
)
def test_dates_are_read_in_any_named_pattern(text: str, pattern: str, tmp_path: Path) -> None:
    content = TABLE.replace("2026-01-31", f'"{text}"')
    prepared = _prepare(tmp_path, content, end_date={"column": "To", "date": pattern})

    assert _written(prepared) == WRITTEN


@pytest.mark.parametrize(
    ("text", "numbers", "value"),
    [
        ("$1,070.00", {"thousands": ","}, "1070.00"),
        ("1.070,00 €", {"decimal": ",", "thousands": "."}, "1070.00"),
        ("1 070,5", {"decimal": ",", "thousands": " "}, "1070.5"),
        ("1\u202f070,5", {"decimal": ",", "thousands": " "}, "1070.5"),
        ("1'070.5", {"thousands": "'"}, "1070.5"),
        ("(12.50)", {}, "-12.50"),
        ("($12.50)", {}, "-12.50"),
        ("12.50-", {}, "-12.50"),
        ("-$12.50", {}, "-12.50"),
        ("\u221212.50", {}, "-12.50"),
        ("USD 12.50", {}, "12.50"),
        ("+12.50", {}, "12.50"),
        ("12.5%", {"percent": "number"}, "12.5"),
        ("12%", {"percent": "fraction"}, "0.12"),
        ("1.25E+2", {}, "125.00"),
        ("3.149999999999999", {}, "3.15"),
        (".5", {}, "0.5"),
    ],
)
def test_numbers_are_read_as_vendors_write_them(
    text: str, numbers: dict[str, Any], value: str, tmp_path: Path
) -> None:
    prepared = _prepare(tmp_path, TABLE.replace("12.50", f'"{text}"'), numbers=numbers)

    assert Decimal(_written(prepared)[0][-1]) == Decimal(value)


@pytest.mark.parametrize(
    ("content", "recipe", "problem"),
    [
        (TABLE.replace("2026-01-31", "01/02/2026"), {"dates": ["mm/dd/yyyy", "dd/mm/yyyy", "yyyy-mm-dd"]},
         "is 2026-01-02 and 2026-02-01, by different patterns"),
        (TABLE.replace("2026-01-31", "46053"), {}, "add the pattern 'excel'"),
        (TABLE.replace("12.50", '"1,070"'), {}, "Set numbers.decimal and numbers.thousands"),
        (TABLE.replace("12.50", '"1,07"'), {"numbers": {"thousands": ","}}, "Set numbers.decimal"),
        (TABLE.replace("12.50", "5%"), {}, "Set numbers.percent"),
        (TABLE.replace("12.50", "(5)-"), {}, "more than one sign"),
        (TABLE.replace("12.50", "NaN"), {}, "is not a number"),
        (TABLE.replace("12.50", "1,070.00"), {}, "more cells than the header has columns"),
        (TABLE.replace(",12.50", ""), {}, "ends after 4 cells"),
        (TABLE.replace("A-1", ""), {}, "no account code"),
        (TABLE.replace("A-1", "3.10448E+09"), {}, "whose digits are lost"),
        (TABLE.replace("2026-01-01", "2026-02-01"), {}, "before it starts"),
        (TABLE, {"ace_flag": {"constant": "X"}}, "no A/C/E flag"),
        (TABLE, {"meter_code": {"column": "Meter", "lookup": {"M-2": "ours"}}}, "not in the look-up table"),
        (TABLE, {"meter_code": {"column": "Meter", "pattern": r"No (\d+)"}}, "does not match"),
        (TABLE.replace("Meter", "From"), {"meter_code": "Account"}, "Name the column by its number: 2 or 3"),
        (TABLE.replace("Charges", "Charge"), {}, "Row 1 comes closest and lacks 'Charges'"),
        (TABLE, {"account_code": {"preamble": "Account Number"}}, "is not there, or has no value"),
        ("Account: 1\nAccount: 2\n" + TABLE, {"account_code": {"preamble": "Account"}}, "2 different values"),
        (TABLE.replace("A-1", "Zürich").encode("cp1252"), {}, "it is not utf-8"),
        (TABLE.encode("utf-16-le"), {}, "perhaps to 'utf-16-le'"),
        (TABLE.encode("utf-8-sig"), {"source": {"encoding": "cp1252"}}, "byte order mark says"),
        (TABLE.replace("A-1", 'A"1').replace("A", '"A', 1), {}, "quote that is out of place"),
        (TABLE + TABLE.split("\n", 1)[1], {}, "rows 2 and 3. Set same_period"),
        (TABLE.split("\n", 1)[0] + "\n", {}, "no row with a bill"),
        ("", {}, "it is empty"),
        ("<!DOCTYPE html><html></html>", {}, "an HTML or XML page"),
        (b"%PDF-1.7", {}, "it is a PDF"),
        (b"PK\x03\x04 no workbook", {}, "cannot be read as a workbook"),
        (TABLE, {"start_date": {"after_last_end": True}}, "Set start_date.first"),
        ("Account;Meter,From,To,Charges\n", {}, "lacks 'Account', 'Meter'"),
    ],
)  # fmt: skip
def test_what_is_ambiguous_or_unreadable_is_an_error_and_nothing_is_written(
    content: str | bytes, recipe: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(EciBillFileError) as caught:
        _prepare(tmp_path, content, **recipe)

    assert problem in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["vendor.csv"]


def test_a_workbooks_typed_cells_need_no_pattern(tmp_path: Path) -> None:
    row = ["A-1", 7030, date(2026, 1, 1), date(2026, 1, 31), 12.5]
    file = _book(tmp_path, [["Portal"], [], HEADER, row], sheets=2)

    prepared = prepare_file(file, tmp_path / "bills.csv", {**PLAIN, "source": {"sheet": 2}})

    assert _written(prepared) == [["A-1", "20260101", "20260131", "A", "7030", "12.5"]]
    assert (prepared.sheet, prepared.header_row) == ("Sheet2", 3)


@pytest.mark.parametrize(
    ("cells", "recipe", "problem"),
    [
        ([1234567890123456789, "M", date(2026, 1, 1), date(2026, 1, 31), 1], {}, "of which Excel keeps 15"),
        ([date(2026, 3, 1), "M", date(2026, 1, 1), date(2026, 1, 31), 1], {}, "is a date, and a code is expected"),
        (["A", "M", date(2026, 1, 1), 46053, 1], {}, "add the pattern 'excel'"),
        (["A", "M", date(2026, 1, 1), date(2026, 1, 31), True], {}, "is not a number"),
        (
            ["A", "M", date(2026, 1, 1), date(2026, 1, 31), 1],
            {"source": {"sheet": "Bills"}},
            "has no sheet 'Bills'",
        ),
        (["A", "M", date(2026, 1, 1), date(2026, 1, 31), 1], {"source": {"sheet": 4}}, "has no sheet 4"),
    ],
)
def test_what_a_spreadsheet_program_changed_is_an_error(
    cells: list[Any], recipe: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    file = _book(tmp_path, [HEADER, cells])

    with pytest.raises(EciBillFileError, match=problem):
        prepare_file(file, tmp_path / "bills.csv", {**PLAIN, **recipe})


@pytest.mark.parametrize("name", ["typed.xls", "typed.ods"])
def test_older_and_open_workbooks_are_read_alike(name: str, tmp_path: Path) -> None:
    prepared = prepare_file(Path(__file__).parents[2] / "data" / name, tmp_path / "bills.csv", PLAIN)

    assert _written(prepared) == [
        ["A-1", "20260101", "20260128", "A", "7030", "12.5"],
        ["A-1", "20260201", "20260228", "A", "7030", "13.5"],
    ]
    assert (prepared.header_row, prepared.sheet) == (3, "Bills")


def test_a_formula_needs_a_stored_result(tmp_path: Path) -> None:
    good, bad = (
        ["A", number, date(2026, 1, 1), date(2026, 1, 31), value] for number, value in ((1, 2.5), (2, "=1+1"))
    )
    file = _book(tmp_path, [HEADER, [], good, bad])

    with pytest.raises(EciBillFileError, match="row 4, column 'Charges': its formula was never calculated"):
        prepare_file(file, tmp_path / "bills.csv", PLAIN)


def test_a_large_workbook_is_streamed_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ["A-1", 7030, date(2026, 1, 1), date(2026, 1, 31), 12.5]
    file = _book(tmp_path, [["Portal"], [], HEADER, row, [], [*row[:1], 7031, *row[2:]]])
    found = _written(prepare_file(file, tmp_path / "bills.csv", PLAIN))
    monkeypatch.setattr("eci_provider.bills.prepare.workbooks._LARGE", 0)

    assert _written(prepare_file(file, tmp_path / "bills.csv", PLAIN)) == found
    assert [row[4] for row in found] == ["7030", "7031"]


def test_a_workbook_of_several_sheets_needs_the_name_of_one(tmp_path: Path) -> None:
    with pytest.raises(EciBillFileError, match=r"it has 2 sheets: 'Sheet', 'Sheet2'. Set source.sheet"):
        prepare_file(_book(tmp_path, [HEADER, ROW], sheets=2), tmp_path / "bills.csv", PLAIN)


def _rows(*rows: list[str]) -> str:
    return "".join(",".join(row) + "\n" for row in (HEADER, *rows))


def test_values_are_joined_matched_looked_up_and_completed(tmp_path: Path) -> None:
    content = _rows(["A-1", "No. 17 (gas)", "2026-01-01", "2026-01-31", "12.50"])
    recipe = {
        "account_code": {"join": ["Account", {"constant": "X"}], "separator": "/"},
        "meter_code": {"column": "Meter", "pattern": r"No\. (\d+)", "lookup": {17: "G-17"}},
        "vendor_code": {"constant": "", "default": "CITY"},
    }

    assert _written(_prepare(tmp_path, content, **recipe)) == [
        ["A-1/X", "20260101", "20260131", "A", "G-17", "CITY", "12.50"]
    ]


def test_a_lookup_table_lies_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "meters.csv").write_text("M-1,G-1\n")
    (tmp_path / "vendor.csv").write_text(TABLE)
    (tmp_path / "recipe.yaml").write_text(
        "account_code: Account\nmeter_code: {column: Meter, lookup: meters.csv}\nstart_date: From\nend_date: To\n"
        "amounts: {'COST:USD:Gas': Charges}\n"
    )

    prepared = prepare_file(tmp_path / "vendor.csv", tmp_path / "bills.csv", tmp_path / "recipe.yaml")

    assert _written(prepared)[0][4] == "G-1"


@pytest.mark.parametrize(
    ("recipe", "periods"),
    [
        ({"end_date": {"column": "To", "inclusive": False}}, [("20260101", "20260130")]),
        ({"start_date": {"column": "From", "inclusive": False}}, [("20260102", "20260131")]),
        ({"start_date": {"days_before_end": "Charges"}}, [("20260101", "20260131")]),
        ({"start_date": {"days_before_end": "Charges", "inclusive": False}}, [("20260102", "20260131")]),
        ({"start_date": {"after_last_end": True, "first": "2025-12-31"}}, [("20251231", "20260131")]),
        ({"start_date": {"after_last_end": True, "first": {"M-1": "2026-01-02"}}}, [("20260102", "20260131")]),
    ],
)
def test_starts_and_ends_may_follow_from_others(
    recipe: dict[str, Any], periods: list[tuple[str, str]], tmp_path: Path
) -> None:
    prepared = _prepare(tmp_path, TABLE.replace("12.50", "30"), **recipe)

    assert [(row[1], row[2]) for row in _written(prepared)] == periods


def test_a_start_follows_the_last_end_of_the_same_meter_whatever_the_order(tmp_path: Path) -> None:
    rows = [["A", meter, "", f"2026-{month:02}-15", "1"] for month in (3, 1, 2) for meter in ("M-2", "M-1")]
    start = {"after_last_end": True, "first": "2025-12-16"}

    written = _written(_prepare(tmp_path, _rows(*rows), start_date=start))

    assert [(row[1], row[2], row[4]) for row in written] == [
        (start, end, meter)
        for start, end in [("20251216", "20260115"), ("20260116", "20260215"), ("20260216", "20260315")]
        for meter in ("M-1", "M-2")
    ]


def test_rows_of_one_meter_and_period_are_summed_or_kept(tmp_path: Path) -> None:
    content = _rows(ROW, [*ROW[:4], "-2.25"])

    assert _written(_prepare(tmp_path, content, same_period="sum"))[0][-1] == "10.25"
    kept = _prepare(tmp_path, content, same_period="keep")
    assert [row[-1] for row in _written(kept)] == ["12.50", "-2.25"]
    assert (kept.rows_out, kept.rows_written, kept.bills) == (2, 2, 1)


def test_every_row_that_is_left_out_has_its_reason(tmp_path: Path) -> None:
    content = _rows(
        ROW,
        HEADER,
        ["Total", "", "", "", "12.50"],
        [*ROW[:4], "Not Available"],
        ["A-2", "M", "soon", "2026-01-31", "3.00"],
        ["Notes", "", "", "", ""],
        ["all of it", "", "", "", ""],
    )
    prepared = _prepare(
        tmp_path,
        content,
        missing="not available",
        leave_out={"column": "Account", "equals": "TOTAL", "reason": "the sum"},
        ends_at={"column": "Account", "matches": "Notes.*"},
        unreadable_rows="leave_out",
    )

    assert [(row.row, row.code) for row in prepared.left_out] == [
        (3, "repeated_header"),
        (4, "left_out"),
        (5, "no_amount"),
        (6, "date_unreadable"),
        (7, "below_table"),
        (8, "below_table"),
    ]
    assert (prepared.rows_in, prepared.rows_out, prepared.rows_left_out) == (7, 1, 6)
    assert str(prepared.sums["COST:USD:Gas"].left_out) == "15.50"


def test_the_columns_of_a_profile_are_written_with_its_dates(tmp_path: Path) -> None:
    mapping = {
        "dateFormat": "mm/dd/yyyy",
        "accountCodeColumnIndex": 2,
        "startDateColumnIndex": 3,
        "endDateColumnIndex": 4,
        "meterCodeColumnIndex": 6,
        "observations": [{"columnIndex": 5, "observationTypeCode": "COST", "caption": "Gas", "unitCode": "USD"}],
    }

    prepared = _prepare(tmp_path, TABLE, output={"column_mapping": mapping})

    assert _written(prepared) == [["", "A-1", "01/01/2026", "01/31/2026", "12.50", "M-1"]]
    del mapping["meterCodeColumnIndex"]
    with pytest.raises(EciValidationError, match="meter_code has no column"):
        _prepare(tmp_path, TABLE, output={"column_mapping": mapping})


CODES = st.text(st.characters(codec="cp1252", exclude_categories=["C", "Z"]), min_size=1, max_size=6).filter(
    lambda text: text == text.strip() and "+" not in text
)
BILLS = st.lists(
    st.tuples(
        CODES,
        CODES,
        st.dates(date(2000, 1, 1), date(2078, 1, 1)),
        st.integers(0, 60),
        st.decimals("-99999.99", "99999.99", places=2),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda bill: (bill[0], bill[1], bill[2]),
)
WAYS = st.tuples(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([("yyyy-mm-dd", "%Y-%m-%d"), ("dd.mm.yyyy", "%d.%m.%Y"), ("mm/dd/yy", "%m/%d/%y")]),
    st.sampled_from([(".", ","), (",", "."), (".", " "), (",", None)]),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bills=BILLS, way=WAYS)
def test_any_table_written_in_any_way_is_prepared_back_to_itself(bills: Any, way: Any, tmp_path: Path) -> None:
    encoding, delimiter, end, (pattern, directive), (decimal, thousands), above = way

    def number(value: Decimal) -> str:
        text = f"{value:,.2f}".replace(",", "_").replace(".", decimal)
        return text.replace("_", thousands or "")

    with open(tmp_path / "vendor.csv", "w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
        writer.writerows([["Title", "of", "it"], [], ["x"]][:above])
        writer.writerow(HEADER)
        for account, meter, start, days, value in bills:
            last = date.fromordinal(start.toordinal() + days)
            days_written = [day.strftime(directive) for day in (start, last)]
            writer.writerow([account, meter, *days_written, number(value)])
    source = {"delimiter": delimiter} if encoding != "cp1252" else {"encoding": encoding, "delimiter": delimiter}
    numbers = {"decimal": decimal, "thousands": thousands}
    prepared = prepare_file(
        tmp_path / "vendor.csv",
        tmp_path / "bills.csv",
        {**PLAIN, "source": source, "dates": pattern, "numbers": numbers},
    )

    def written(bill: Any) -> tuple[str, ...]:
        account, meter, start, days, value = bill
        last = date.fromordinal(start.toordinal() + days)
        return account, f"{start:%Y%m%d}", f"{last:%Y%m%d}", meter, value

    found = [(row[0], row[1], row[2], row[4], Decimal(row[5])) for row in _written(prepared)]
    assert sorted(found) == sorted(map(written, bills))
    assert prepared.money_in == prepared.money_out == sum(bill[-1] for bill in bills)
    assert [row[:3] for row in found] == sorted(row[:3] for row in found)


CELLS = st.one_of(
    st.sampled_from(["", "A", "M", "2026-01-01", "2026-01-31", "1.50", "-2", "Total", "x", "1,5", *HEADER]),
    st.text('a1.,-$"\n ', max_size=4),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.one_of(st.just(ROW), st.lists(CELLS, max_size=6)), max_size=12),
    same=st.sampled_from(["sum", "keep"]),
)
def test_rows_and_sums_are_kept_whatever_is_in_the_rows(rows: list[list[str]], same: str, tmp_path: Path) -> None:
    with open(tmp_path / "vendor.csv", "w", newline="") as file:
        csv.writer(file).writerows([HEADER, ROW, *rows])
    leave_out = {"column": "Account", "equals": "Total"}
    prepared = prepare_file(
        tmp_path / "vendor.csv",
        tmp_path / "bills.csv",
        {**PLAIN, "same_period": same, "unreadable_rows": "leave_out", "leave_out": leave_out},
    )

    filled = [number for number, row in enumerate([ROW, *rows], start=2) if any(cell.strip() for cell in row)]
    assert prepared.rows_in == len(filled) == prepared.rows_out + prepared.rows_left_out
    assert {row.row for row in prepared.left_out} <= set(filled)
    assert len(prepared.left_out) == prepared.rows_left_out == sum(prepared.reasons.values())
    assert prepared.money_out == sum(Decimal(row[-1] or 0) for row in _written(prepared))
    assert prepared.money_in == prepared.money_out + prepared.sums["COST:USD:Gas"].rounding
