"""A recipe proposed for a file: which column is what, with the evidence, and what is left open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from eci_provider.bills.prepare.cells import cell_text
from eci_provider.bills.proposal.columns import Column, columns_of
from eci_provider.bills.proposal.lines import Proposal, scalar
from eci_provider.bills.proposal.table import FoundTable, find_table
from eci_provider.bills.proposal.units import service_of, unit_of, usual_label
from eci_provider.core.checks import checked_path
from eci_provider.core.paths import AnyPath, redact_path
from eci_provider.storage.object_store import open_path

_START = re.compile(r"start|begin|\bfrom\b|previous|prior")
_END = re.compile(r"\bend|\bto\b|through|thru|read|bill|statement|^date$")
_ACCOUNT = re.compile(r"account|acct")
_METER = re.compile(r"^meter$|meter ?(?:id|no\b|num|code|#)|serial|service point|^pod$|^esi")
_DAYS = re.compile(r"\bdays\b|days in|number of days")
_NO_AMOUNT = re.compile(
    r"per day|average|avg|temp|balance|days|year|month|\bid\b|account|meter|number|total|degree"
)
_COST = re.compile(r"charge|cost|amount|\$|usd|eur\b|price|billed")
_USE = re.compile(r"usage|\buse\b|used|consumption|quantity|kwh|therm|volume|ccf|gallon|\bgal\b")
_ESTIMATED = re.compile(r"estimat|read(?:ing)? type|actual")
_THOUSANDS_COMMA, _THOUSANDS_POINT = re.compile(r"\d,\d{3}\.\d"), re.compile(r"\d\.\d{3},\d")
_DECIMAL_COMMA, _EITHER = re.compile(r"\d,\d{1,2}(?!\d)"), re.compile(r"\d{1,3}[.,]\d{3}")
_FLAGS = {"yes": "E", "y": "E", "estimated": "E", "e": "E", "no": "A", "n": "A", "actual": "A", "a": "A"}
_LONGEST_LABEL = 32
_TOTAL = re.compile(r"(?:grand |sub)?-?totals?\b|sum\b|summe\b")
_SOURCE = "propose_recipe"


def propose_recipe(file: AnyPath) -> Proposal:
    """
    Look at a vendor's file, and propose a recipe to start from.

    Up to a thousand rows are looked at. What can be read in two ways is left open, with the question.

    :param file: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path.
    :return: the proposal; :meth:`~eci_provider.bills.proposal.lines.Proposal.as_yaml` is its text.
    :raises EciBillFileError: when the file cannot be read, or has no table.
    :raises EciValidationError: when it names no file.
    """
    checked_path(file, name="file", description="the vendor's file", source=_SOURCE)
    path = open_path(file)
    proposal = Proposal(redact_path(path.name))
    table = find_table(path, proposal.file, proposal)
    _Proposer(table, proposal).propose()
    return proposal


class _Proposer:
    def __init__(self, table: FoundTable, proposal: Proposal) -> None:
        self._table, self._proposal = table, proposal
        self._columns = columns_of(table.names, table.rows)
        names = Counter(column.name.lower() for column in self._columns)
        self._double = {name for name, number in names.items() if number > 1}
        dates = [column for column in self._columns if column.is_date]
        self._start = _first(dates, _START)
        rest = [column for column in dates if column is not self._start]
        self._end = _first(rest, _END) or (rest[0] if len(rest) == 1 else None)
        self._pattern: str | None = None

    def propose(self) -> None:
        self._propose_dates()
        self._propose_missing()
        self._propose_numbers()
        self._propose_footers()
        self._propose_codes()
        self._propose_period()
        self._propose_flag()
        self._propose_amounts()

    def _propose_dates(self) -> None:
        used = [column for column in (self._start, self._end) if column and column.patterns]
        if not used:
            return
        names = " and ".join(repr(column.name) for column in used)
        common = set.intersection(*(column.patterns for column in used))
        if len(common) == 1:
            self._pattern = common.pop()
            row, cell = self._decisive(used)
            self._proposal.add(f"dates: {self._pattern}", f"reads {names}; see {cell!r} in row {row}")
        elif common:
            row, cell = used[0].cells[0]
            choices = " or ".join(sorted(common))
            self._proposal.ask(
                f"dates: {sorted(common)[0]}", f"{cell_text(cell)!r} in row {row} of {names} is {choices}; which?"
            )
        else:
            for column in used:
                self._proposal.ask(f"dates: {sorted(column.patterns)[0]}", f"{column.name!r} alone is written so")

    def _decisive(self, used: list[Column]) -> tuple[int, str]:
        """Return a cell that only this pattern reads, where there is one."""
        from_all = [(row, cell_text(cell)) for column in used for row, cell in column.cells]
        for row, text in from_all:
            if any(int(digits) > 12 for digits in re.findall(r"(?<!\d)\d\d?(?!\d)", text)):
                return row, text
        return from_all[0]

    def _propose_missing(self) -> None:
        missing: Counter[str] = Counter()
        for column in self._columns:
            missing.update(column.missing)
        if missing:
            words = ", ".join(scalar(word) for word in sorted(missing))
            counts = ", ".join(f"{word!r} in {number} cells" for word, number in missing.most_common(5))
            self._proposal.add(f"missing: [{words}]", counts)

    def _propose_numbers(self) -> None:
        cells = [
            (row, cell)
            for column in self._columns
            if column.is_number and not _NO_AMOUNT.search(column.name.lower())
            for row, cell in column.cells
            if isinstance(cell, str)
        ]
        groups, points, commas, either = (
            next(((row, cell) for row, cell in cells if shape.search(cell)), None)
            for shape in (_THOUSANDS_COMMA, _THOUSANDS_POINT, _DECIMAL_COMMA, _EITHER)
        )
        if groups and not points:
            self._proposal.add('numbers: {thousands: ","}', f"{groups[1]!r} in row {groups[0]}")
        elif points and not groups:
            self._proposal.add('numbers: {decimal: ",", thousands: "."}', f"{points[1]!r} in row {points[0]}")
        elif commas and not groups:
            self._proposal.add('numbers: {decimal: ","}', f"{commas[1]!r} in row {commas[0]}")
        elif either and "," in either[1]:
            question = f"is {either[1]!r} in row {either[0]} a thousand or a decimal?"
            self._proposal.ask('numbers: {thousands: ","}', question)

    def _propose_footers(self) -> None:
        end = self._end
        if end is None or not (self._pattern or end.is_typed_date):
            return
        totals: Counter[tuple[int, str]] = Counter()
        others: list[int] = []
        for row, cells in self._table.rows:
            cell = cells[end.number - 1] if len(cells) >= end.number else ""
            texts = [cell_text(found) for found in cells]
            if end.day(cell, self._pattern) is not None or set(texts) <= {*self._table.names, ""}:
                continue
            at, text = next((at, text) for at, text in enumerate(texts) if text)
            if _TOTAL.match(text.lower()) and at < len(self._table.names) and self._table.names[at]:
                totals[at, text] += 1
            else:
                others.append(row)
        if totals:
            self._proposal.add("leave_out:")
        for (at, text), number in totals.most_common(5):
            name = next(self._ref(column) for column in self._columns if column.number == at + 1)
            rows = "row" if number == 1 else "rows"
            self._proposal.add(f"  - {{column: {name}, equals: {scalar(text)}}}", f"no date, in {number} {rows}")
        if others:
            listed = ", ".join(map(str, others[:5]))
            line = f"leave_out: {{column: {self._ref(end)}, empty: true}}"
            question = f"{len(others)} rows have no date that can be read (such as {listed}): are they bills?"
            self._proposal.ask(f"  - {line.removeprefix('leave_out: ')}" if totals else line, question)

    def _propose_codes(self) -> None:
        account = _first([column for column in self._columns if not column.is_date], _ACCOUNT)
        if account is not None:
            self._proposal.add(f"account_code: {self._ref(account)}", _sample(account))
        elif (label := self._label(_ACCOUNT)) is not None:
            self._proposal.add(f"account_code: {{preamble: {scalar(label[1])}}}", f"a label in row {label[0]}")
        else:
            self._proposal.ask('account_code: {constant: ""}', f"no column is named so. {self._codes()}")
        meter = _first([column for column in self._columns if not column.is_date], _METER)
        if meter is not None:
            self._proposal.add(f"meter_code: {self._ref(meter)}", _sample(meter))
        elif len(self._costs()) < 2:
            self._proposal.ask(
                'meter_code: {constant: ""}',
                "no column is named so. Without one, a row is a charge of the account",
            )

    def _codes(self) -> str:
        likely = [
            repr(column.name)
            for column in self._columns
            if re.search(r"\bid\b|code|site|number|property", column.name.lower())
            and not _DAYS.search(column.name.lower())
        ]
        return (
            f"Perhaps {' or '.join(likely[:4])}, or a constant?"
            if likely
            else "Name a column, or give the code itself"
        )

    def _label(self, wanted: re.Pattern[str]) -> tuple[int, str] | None:
        for row, cells in self._table.above:
            for index, cell in enumerate(cells):
                label = cell_text(cell).partition(":")[0].strip()
                follows = any(map(cell_text, cells[index + 1 :])) or cell_text(cell).partition(":")[2].strip()
                if label and len(label) < 40 and follows and wanted.search(label.lower()):
                    return row, label
        return None

    def _propose_period(self) -> None:
        start, end = self._start, self._end
        if end is None:
            self._proposal.ask("end_date: ", "no column holds dates, or several may be the end; which?")
        else:
            self._proposal.add(f"end_date: {self._ref(end)}", _sample(end))
        if start is not None:
            self._proposal.add(f"start_date: {self._ref(start)}", f"{_sample(start)}{self._shared_days()}")
            return
        days = _first([column for column in self._columns if column.is_number], _DAYS)
        if days is not None and end is not None:
            evidence = f"no start; {self._matching_days(days, end)}"
            self._proposal.add(f"start_date: {{days_before_end: {self._ref(days)}}}", evidence)
        else:
            self._proposal.ask(
                "start_date: {after_last_end: true, first: 2024-01-01}",
                "no column is the start. Is it the day after the last end, and when does the first bill start?",
            )

    def _shared_days(self) -> str:
        """Return a remark where each bill starts on the day on which the one before ends."""
        start, end = self._start, self._end
        if start is None or end is None:
            return ""
        starts = {start.day(cell, self._pattern) for _, cell in start.cells}
        ends = {end.day(cell, self._pattern) for _, cell in end.cells}
        shared = len((starts & ends) - {None})
        if shared < max(1, len(starts) // 2):
            return ""
        return (
            f"; {shared} starts are also ends: if that day belongs to the next bill, give the end inclusive: false"
        )

    def _matching_days(self, days: Column, end: Column) -> str:
        by_row = dict(days.cells)
        ends = {day for _, cell in end.cells if (day := end.day(cell, self._pattern))}
        found = 0
        for row, cell in end.cells:
            day, number = end.day(cell, self._pattern), cell_text(by_row.get(row, ""))
            if day and number.isdigit() and day - timedelta(days=int(number)) in ends:
                found += 1
        return f"the end less {days.name!r} is the end of another row in {found} of {len(end.cells)} rows"

    def _propose_flag(self) -> None:
        flag = _first([column for column in self._columns if not column.is_date], _ESTIMATED)
        if flag is not None and flag.values and all(value.lower() in _FLAGS for value in flag.values):
            table = ", ".join(f"{json_key(value)}: {_FLAGS[value.lower()]}" for value in sorted(flag.values))
            counts = ", ".join(f"{value!r} in {number} rows" for value, number in flag.values.most_common())
            self._proposal.add("ace_flag:")
            self._proposal.add(f"  column: {self._ref(flag)}")
            self._proposal.add(f"  lookup: {{{table}}}", counts)

    def _amounts(self, wanted: re.Pattern[str]) -> list[Column]:
        return [
            column
            for column in self._columns
            if column.is_number
            and wanted.search(column.name.lower())
            and not _NO_AMOUNT.search(column.name.lower())
        ]

    def _costs(self) -> list[Column]:
        return self._amounts(_COST)

    def _propose_amounts(self) -> None:
        costs = self._costs()
        uses = [column for column in self._amounts(_USE) if column not in costs]
        services: dict[str, list[Column]] = {}
        for column in (*uses, *costs):
            services.setdefault(service_of(column), []).append(column)
        if not services:
            self._proposal.ask("amounts: {}", "no column of numbers is named like a use or a cost")
            return
        if len(costs) < 2 or len(services) < 2:
            self._proposal.add("amounts:")
            for column in (*uses, *costs):
                self._propose_amount(column, "  ", "USE" if column in uses else "COST", "")
            return
        self._proposal.add("rows:", f"{len(services)} services in one row: one row a meter")
        for service, columns in services.items():
            self._proposal.add("  - amounts:")
            for column in columns:
                self._propose_amount(column, "      ", "USE" if column in uses else "COST", service)
            self._proposal.ask('    meter_code: {constant: ""}', f"which meter is {service!r}?")

    def _propose_amount(self, column: Column, indent: str, kind: str, service: str) -> None:
        unit, evidence = unit_of(column, kind, self._columns)
        # Two columns of one name need two labels.
        if column.name.lower() in self._double:
            label = f"{column.name} {column.number}"
        else:
            label = service or usual_label(self._amounts(_USE), self._columns) or column.name
        label = label[:_LONGEST_LABEL]
        name = json_key(f"{kind}:{unit or 'UNIT'}:{label}")
        line = f"{indent}{name}: {self._ref(column)}"
        if unit:
            self._proposal.add(line, evidence)
        else:
            self._proposal.ask(line, "in which unit? Write EnergyCAP's code of it instead of UNIT")

    def _ref(self, column: Column) -> str:
        """Return how a recipe names a column."""
        return str(column.number) if column.name.lower() in self._double else scalar(column.name)


def json_key(text: str) -> str:
    """
    Return a key of a YAML mapping, in quotes where it needs them.

    :param text: the key.
    """
    return scalar(text) if ":" not in text else f'"{text}"'


def _first(columns: Iterable[Column], wanted: re.Pattern[str]) -> Column | None:
    matches: Callable[[Column], bool] = lambda column: wanted.search(column.name.lower()) is not None  # noqa: E731
    return next(filter(matches, columns), None)


def _sample(column: Column) -> str:
    if not column.cells:
        return "it is empty"
    row, cell = column.cells[0]
    return f"{cell_text(cell)[:40]!r} in row {row}"
