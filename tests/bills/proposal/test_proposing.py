"""A recipe is proposed for each vendor's file; what can be read in two ways is left open."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.bills import EciBillFileError, prepare_file
from eci_provider.bills.__main__ import main
from eci_provider.bills.proposal.proposing import propose_recipe

FILES = Path(__file__).parents[2] / "data" / "vendor_files"
CITY = {
    "# start_date: {after": "start_date: {after",
    '# "USE:UNIT:Gas"': '"USE:THERM:Gas"',
    '# "USE:UNIT:Water"': '"USE:KGAL:Water"',
    '# "COST:UNIT:': '"COST:USD:',
    "# meter_code: {constant: \"\"}  # ? which meter is 'Gas'": "meter_code: {constant: G-200417733} #",
    "# meter_code: {constant: \"\"}  # ? which meter is 'Water'": "meter_code: {constant: W-200417733} #",
    '# meter_code: {constant: ""}  # ? which meter is \'Storm': "meter_code: {constant: S-200417733} #",
}
METER = '# meter_code: {constant: ""}'
ACCOUNT = '# account_code: {constant: ""}'
READS = {ACCOUNT: 'account_code: {constant: "0077120"}', METER: "meter_code: {constant: E-9}"}
#: What a person answers, by the file.
ANSWERS = {
    "city_bill_decimal_comma.csv": CITY,
    "city_bill_three_services.csv": CITY,
    "gas_portal_crlf_us_dates.csv": {METER: "meter_code: {constant: G-1}"},
    "gas_portal_preamble.csv": {METER: "meter_code: {constant: G-1}"},
    "meter_reads_lone_cr.csv": {
        **READS,
        '# "USE:UNIT:Usage"': '"USE:KWH:Electricity"',
        "COST:USD:Charge": "COST:USD:Electricity",
    },
    "meter_reads_utf16_tabs.csv": {
        ACCOUNT: 'account_code: {constant: "0077121"}',
        METER: "meter_code: {constant: G-9}",
    },
    "portal_entries.xlsx": {
        ACCOUNT: "account_code: {column: Property Id, lookup: {1508008: ELM-HALL, 1508009: OAK-HOUSE}}",
        "end_date: End Date": "end_date: {column: End Date, inclusive: false}",
    },
    "timestamps.csv": {'# "USE:UNIT:usage"': '"USE:KGAL:Water"', '# "COST:UNIT:cost"': '"COST:USD:Water"'},
}


def _lines(folder: Path, text: str, name: str = "vendor.csv") -> list[str]:
    (folder / name).write_bytes(text.encode())
    return propose_recipe(folder / name).as_yaml().splitlines()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_proposal_whose_questions_are_answered_prepares_the_file_as_the_recipe_does(
    name: str, tmp_path: Path
) -> None:
    text = propose_recipe(FILES / name).as_yaml()
    for question, answer in ANSWERS[name].items():
        assert question in text
        text = text.replace(question, answer)
    (tmp_path / "recipe.yaml").write_text(text)
    wanted = prepare_file(FILES / name, tmp_path / "wanted.csv", (FILES / name).with_suffix(".yaml"))

    prepared = prepare_file(FILES / name, tmp_path / "bills.csv", tmp_path / "recipe.yaml")

    assert prepared.sums == wanted.sums
    assert (prepared.rows_in, prepared.rows_out, prepared.bills) == (wanted.rows_in, wanted.rows_out, wanted.bills)
    rows, wanted_rows = ((tmp_path / file).read_text().splitlines()[1:] for file in ("bills.csv", "wanted.csv"))
    assert sorted("".join(sorted(row)) for row in rows) == sorted("".join(sorted(row)) for row in wanted_rows)


def test_each_guess_has_its_evidence() -> None:
    lines = propose_recipe(FILES / "gas_portal_crlf_us_dates.csv").as_yaml().splitlines()

    assert lines[2:9] == [
        "source:",
        '  delimiter: ","  # 17 rows have 7 cells with it',
        "  header_row: 10  # its cells are names, and values follow in 12 rows below",
        "dates: mm/dd/yyyy  # reads 'START DATE' and 'END DATE'; see '1/17/2024' in row 11",
        "numbers: {thousands: \",\"}  # '1,070.00' in row 18",
        "account_code: {preamble: Account Number}  # a label in row 5",
        '# meter_code: {constant: ""}  # ? no column is named so. Without one, a row is a charge of the account',
    ]
    assert "PAT EXAMPLE" not in "".join(lines)


def test_a_date_that_may_be_day_or_month_first_is_left_open(tmp_path: Path) -> None:
    lines = _lines(tmp_path, "Account,From,To,kWh\nA,01/02/2024,02/03/2024,5\nA,02/03/2024,03/04/2024,6\n")

    (line,) = (line for line in lines if "dates:" in line)
    assert line == (
        "# dates: dd/mm/yyyy  # ? '01/02/2024' in row 2 of 'From' and 'To' is dd/mm/yyyy or mm/dd/yyyy; which?"
    )


def test_one_column_tells_how_the_dates_of_the_other_are_written(tmp_path: Path) -> None:
    lines = _lines(tmp_path, "Account,From,To,kWh\nA,01/02/2024,29/02/2024,5\nA,02/03/2024,31/03/2024,6\n")

    assert "dates: dd/mm/yyyy  # reads 'From' and 'To'; see '29/02/2024' in row 2" in lines


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("1.234,50", """numbers: {decimal: ",", thousands: "."}  # '1.234,50' in row 2"""),
        ("234,50", """numbers: {decimal: ","}  # '234,50' in row 2"""),
        ("1,234", """# numbers: {thousands: ","}  # ? is '1,234' in row 2 a thousand or a decimal?"""),
    ],
)
def test_how_numbers_are_written_is_found_or_left_open(cell: str, line: str, tmp_path: Path) -> None:
    assert line in _lines(tmp_path, f"Account;From;To;kWh\nA;2024-01-01;2024-01-31;{cell}\n")


def test_totals_are_left_out_and_other_rows_without_a_date_are_asked_about(tmp_path: Path) -> None:
    bills = "".join(f"A-{number},2024-01-01,2024-01-31,5\n" for number in range(9))
    lines = _lines(tmp_path, f"Account,From,To,kWh\n{bills}Total,,,45\nA-9,,,6\nPrinted on Friday,,,\n")

    place = lines.index("leave_out:")
    assert lines[place + 1 : place + 3] == [
        "  - {column: Account, equals: Total}  # no date, in 1 row",
        "  # - {column: To, empty: true}"
        "  # ? 2 rows have no date that can be read (such as 12, 13): are they bills?",
    ]


@pytest.mark.parametrize("name", ["vendor.tsv", "vendor.dat", "vendor.txt"])
def test_the_name_of_a_file_does_not_matter(name: str, tmp_path: Path) -> None:
    lines = _lines(tmp_path, "Account\tFrom\tTo\tkWh\nA\t2024-01-01\t2024-01-31\t5\n", name)

    assert '  delimiter: "\\t"  # 2 rows have 4 cells with it' in lines


def test_a_name_that_the_header_has_twice_becomes_a_number(tmp_path: Path) -> None:
    lines = _lines(tmp_path, "Account,Start,End,kWh Usage,kWh Usage\nA,2024-01-01,2024-01-31,5,6\n")

    assert [line.split("  #")[0] for line in lines if "kWh Usage" in line] == [
        '  "USE:KWH:kWh Usage 4": 4',
        '  "USE:KWH:kWh Usage 5": 5',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("just words\nand more\n", "no row has several cells"),
        ("a,b\nc,d\n", "no row looks like the header"),
        ("<html>", "an HTML or XML page"),
    ],
)
def test_a_file_without_a_table_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(EciBillFileError, match=problem):
        _lines(tmp_path, text)


def test_the_command_prints_the_proposal(capsys: pytest.CaptureFixture[str]) -> None:
    file = FILES / "timestamps.csv"

    assert main(["recipe", str(file)]) == 0

    assert capsys.readouterr().out == propose_recipe(file).as_yaml()
