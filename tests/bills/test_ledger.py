"""Repeated things are found among more than fit into memory."""

from __future__ import annotations

import random

import pytest

from eci_provider.bills.ledger import Ledger


def _small_ledger() -> Ledger:
    """A ledger that writes nearly all entries to disk."""
    return Ledger(most_waiting=7, most_waiting_in_share=4)


def test_repeated_things_are_found_in_the_order_of_their_rows() -> None:
    chance = random.Random(7)
    things = [(str(chance.randrange(800)), str(chance.randrange(2))) for _ in range(3000)]
    wanted = [(row, things.index(thing)) for row, thing in enumerate(things) if things.index(thing) != row]

    with _small_ledger() as ledger:
        for row in range(0, 3000, 3):
            ledger.add(things[row : row + 3], range(row, row + 3))
        count, first = ledger.repeated(most=100)

    assert len(wanted) > 1000
    assert (count, first) == (len(wanted), wanted[:100])


@pytest.mark.parametrize("turned", [False, True])
def test_nothing_is_repeated_where_all_differ(turned: bool) -> None:
    things = sorted((str(number),) for number in range(1000))

    with _small_ledger() as ledger:
        ledger.add(things[::-1] if turned else things, range(1000))

        assert ledger.repeated(most=10) == (0, [])


@pytest.mark.parametrize("at_once", [1, 2, 30])
@pytest.mark.parametrize("place", [0, 1, 13, 29])
def test_one_repeated_thing_is_found_in_any_place(place: int, at_once: int) -> None:
    things = [(f"{number:02}",) for number in range(30)]
    things.insert(place + 1, things[place])

    with _small_ledger() as ledger:
        for row in range(0, 31, at_once):
            some = things[row : row + at_once]
            ledger.add(some, range(row, row + len(some)))

        assert ledger.repeated(most=10) == (1, [(place + 1, place)])
