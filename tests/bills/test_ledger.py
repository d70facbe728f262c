"""Repeated things are found among more than fit into memory."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from eci_provider.bills.ledger import Ledger


def _small_ledger() -> Ledger:
    """A ledger that writes nearly all entries to disk."""
    return Ledger(most_waiting=7, most_waiting_in_share=4)


def _judged(before: list[int], details: list[int]) -> str:
    return f"{','.join(map(str, before))} then {','.join(map(str, details))}"


def test_repeated_things_are_found_in_the_order_of_their_rows() -> None:
    chance = random.Random(7)
    things = [(str(chance.randrange(800)), str(chance.randrange(2))) for _ in range(3000)]
    details = [chance.randrange(9) for _ in things]
    wanted = []
    for row, thing in enumerate(things):
        before = [other for other in range(row) if things[other] == thing]
        if before:
            wanted.append((row, before[0], _judged([details[other] for other in before], [details[row]])))

    with _small_ledger() as ledger:
        for row in range(0, 3000, 3):
            ledger.add(things[row : row + 3], range(row, row + 3), details[row : row + 3])
        counts, first = ledger.repeated(100, _judged)

    assert len(wanted) > 1000
    assert counts == Counter(kind for *_, kind in wanted)
    assert first == wanted[:100]


def test_further_details_of_a_thing_are_no_repetition() -> None:
    with _small_ledger() as ledger:
        ledger.add([("b",), ("c",)], [1, 3], [5, 6], [(("b",), 1, 7)])
        ledger.add([("a",), ("b",)], [4, 5], [1, 2], [(("b",), 5, 3)])

        assert ledger.repeated(10, _judged) == ({"5,7 then 2,3": 1}, [(5, 1, "5,7 then 2,3")])


@pytest.mark.parametrize("turned", [False, True])
def test_nothing_is_repeated_where_all_differ(turned: bool) -> None:
    things = sorted((str(number),) for number in range(1000))

    with _small_ledger() as ledger:
        ledger.add(things[::-1] if turned else things, range(1000), [0] * 1000)

        assert ledger.repeated(10, _judged) == ({}, [])


@pytest.mark.parametrize("at_once", [1, 2, 30])
@pytest.mark.parametrize("place", [0, 1, 13, 29])
def test_one_repeated_thing_is_found_in_any_place(place: int, at_once: int) -> None:
    things = [(f"{number:02}",) for number in range(30)]
    things.insert(place + 1, things[place])

    with _small_ledger() as ledger:
        for row in range(0, 31, at_once):
            some = things[row : row + at_once]
            ledger.add(some, range(row, row + len(some)), [0] * len(some))

        assert ledger.repeated(10, _judged) == ({"0 then 0": 1}, [(place + 1, place, "0 then 0")])
