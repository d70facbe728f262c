"""What comes twice is found among more than fits into memory."""

from __future__ import annotations

import random

import pytest

from eci_provider.bills import ledger
from eci_provider.bills.ledger import Ledger


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nearly all entries go to the files."""
    monkeypatch.setattr(ledger, "_WAITING", 7)
    monkeypatch.setattr(ledger, "_WAITING_IN_SHARE", 4)


def test_repeated_things_are_found_in_the_order_of_their_rows() -> None:
    chance = random.Random(7)
    things = [(str(chance.randrange(800)), str(chance.randrange(2))) for _ in range(3000)]
    wanted = [(row, things.index(thing)) for row, thing in enumerate(things) if things.index(thing) != row]

    with Ledger() as noted:
        for row in range(0, 3000, 3):
            noted.add(things[row : row + 3], range(row, row + 3))
        count, first = noted.repeated(most=100)

    assert len(wanted) > 1000
    assert (count, first) == (len(wanted), wanted[:100])


@pytest.mark.parametrize("turned", [False, True])
def test_nothing_is_repeated_where_all_differ(turned: bool) -> None:
    things = sorted((str(number),) for number in range(1000))

    with Ledger() as noted:
        noted.add(things[::-1] if turned else things, range(1000))

        assert noted.repeated(most=10) == (0, [])


@pytest.mark.parametrize("at_once", [1, 2, 30])
@pytest.mark.parametrize("place", [0, 1, 13, 29])
def test_one_thing_twice_is_found_wherever_it_stands(place: int, at_once: int) -> None:
    things = [(f"{number:02}",) for number in range(30)]
    things.insert(place + 1, things[place])

    with Ledger() as noted:
        for row in range(0, 31, at_once):
            some = things[row : row + at_once]
            noted.add(some, range(row, row + len(some)))

        assert noted.repeated(most=10) == (1, [(place + 1, place)])
