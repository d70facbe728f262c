"""
Whether matching a pattern can take more than linear time, found out without matching anything.

Python's engine tries one way after the other. If the number of ways to match a text grows with its length, and the
match fails in the end, it tries them all. A pattern is a small automaton here: a position for each of its
characters, and which position may follow which. Such texts exist if two loops can both read the same characters,
or if a search can begin again inside of what a loop reads.
"""

from __future__ import annotations

import re
import string
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_parse  # re._parser since Python 3.11, which still has this name

#: From how many repetitions on a loop counts as endless.
_ENDLESS = 1000
#: The start of a search, before the first position: it reads anything.
_START = -1
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_Fragment = tuple[bool, "list[int]", "list[int]"]


def growth_of(pattern: str | bytes, method: str, flags: int = 0) -> str | None:
    """
    Return why a pattern takes more than linear time for some texts; None if it does not.

    :param pattern: the pattern.
    :param method: how it is used: ``fullmatch``, ``match``, or a method that searches.
    :param flags: those of :func:`re.compile`.
    """
    return _Automaton(pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern, method, flags).growth()


class _Automaton:
    def __init__(self, pattern: str, method: str, flags: int) -> None:
        parsed = sre_parse.parse(pattern, flags)
        self._flags = parsed.state.flags
        self._alphabet = sorted({*string.printable, *_near(pattern), "\x00", "é", "\ud800", "\uff10"})
        self._read: list[frozenset[str]] = []
        self._follow: Counter[tuple[int, int]] = Counter()
        self._groups: dict[int | None, Any] = {}
        self._may_fail_late = method == "fullmatch"
        _, first, last = self._sequence(parsed)
        self._accepting = set() if self._may_fail_late else set(last)
        if method not in ("fullmatch", "match"):
            self._follow.update((_START, position) for position in (_START, *first))
        self._next: dict[int, list[int]] = {}
        for before, after in self._follow:
            self._next.setdefault(before, []).append(after)

    def growth(self) -> str | None:
        loops = [one for one in self._next if one not in self._accepting and self._reaches((one,), (one,))]
        for p in loops:
            twice = [q for (before, q), ways in self._follow.items() if before == p and ways > 1]
            if any(self._reaches((q,), (p,)) or q == p for q in twice):
                return f"a loop inside of a loop reads {self._shown(p)} in several ways"
            for q in loops:
                if p != q and self._reaches((p, p), (p, q)) and self._reaches((p, q), (p, p)):
                    return f"one loop reads the same in two ways: {self._shown(q)}"
                if p != q and q != _START and self._reaches((p, p, q), (p, q, q)):
                    if p == _START:
                        return f"a search begins again inside of the loop that reads {self._shown(q)}"
                    return f"two loops read the same: {self._shown(p)} and {self._shown(q)}"
        return None

    def _shown(self, position: int) -> str:
        return repr("".join(sorted(self._chars(position)))[:20])

    def _chars(self, position: int) -> frozenset[str]:
        return frozenset(self._alphabet) if position == _START else self._read[position]

    def _reaches(self, begin: tuple[int, ...], end: tuple[int, ...]) -> bool:
        """Return whether one text leads from each of some positions to each of others."""
        seen: set[tuple[int, ...]] = set()
        waiting = [begin]
        while waiting:
            for after in self._steps(waiting.pop()):
                if after == end:
                    return True
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return False

    def _steps(self, positions: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        found: list[tuple[tuple[int, ...], frozenset[str]]] = [((), frozenset(self._alphabet))]
        for position in positions:
            found = [
                ((*way, after), shared)
                for way, chars in found
                for after in self._next.get(position, ())
                if (shared := chars & self._chars(after))
            ]
        return (way for way, _ in found)

    def _sequence(self, nodes: Any) -> _Fragment:
        nullable, first, last = True, list[int](), list[int]()
        for node in nodes:
            one_nullable, one_first, one_last = self._node(*node)
            self._follow.update((before, after) for before in last for after in one_first)
            first = first + one_first if nullable else first
            last = last + one_last if one_nullable else one_last
            nullable = nullable and one_nullable
        return nullable, first, last

    def _node(self, operation: Any, argument: Any) -> _Fragment:
        name = str(operation)
        if name in _REPEATS:
            return self._repeat(*argument)
        if name == "BRANCH":
            branches = [self._sequence(branch) for branch in argument[1]]
            return (
                any(nullable for nullable, _, _ in branches),
                [position for _, first, _ in branches for position in first],
                [position for _, _, last in branches for position in last],
            )
        if name == "SUBPATTERN":
            self._groups[argument[0]] = argument[-1]
            return self._sequence(argument[-1])
        if name == "ATOMIC_GROUP":
            return self._sequence(argument)
        if name in ("AT", "ASSERT", "ASSERT_NOT"):
            self._may_fail_late = self._may_fail_late or not str(argument).startswith("AT_BEGINNING")
            return True, [], []
        if name == "GROUPREF":
            return self._sequence(self._groups[argument])  # what the group may have read
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            self._read.append(frozenset(filter(self._reader(name, argument), self._alphabet)))
            position = len(self._read) - 1
            return False, [position], [position]
        raise NotImplementedError(f"{name} in a pattern: teach it to {__name__}, or do without it")

    def _repeat(self, least: int, most: Any, nodes: Any) -> _Fragment:
        endless = int(most) >= _ENDLESS
        copies = [self._sequence(nodes) for _ in range(max(1, min(least, 3)) if endless else min(int(most), 3))]
        nullable, first, last = True, list[int](), list[int]()
        for at, (one_nullable, one_first, one_last) in enumerate(copies):
            is_needed = at < least and not one_nullable
            self._follow.update((before, after) for before in last for after in one_first)
            first = first + one_first if nullable else first
            last = one_last if is_needed else last + one_last
            nullable = nullable and not is_needed
        if endless:
            _, one_first, one_last = copies[-1]
            self._follow.update((before, after) for before in one_last for after in one_first)
        return nullable, first, last

    def _reader(self, name: str, argument: Any) -> Callable[[str], bool]:
        """Return the function that says whether a position reads a character."""
        if name == "ANY":
            return lambda char: char != "\n" or bool(self._flags & re.DOTALL)
        if name == "IN":
            parts = [(str(kind), value) for kind, value in argument]
            negated = parts[0][0] == "NEGATE"
            return lambda char: negated != any(self._is(kind, value, char) for kind, value in parts)
        return lambda char: (name == "NOT_LITERAL") != self._is("LITERAL", argument, char)

    def _is(self, kind: str, value: Any, char: str) -> bool:
        spellings = {char, char.lower(), char.upper()} if self._flags & re.IGNORECASE else {char}
        if kind == "LITERAL":
            return chr(value) in spellings
        if kind == "RANGE":
            return any(value[0] <= ord(one) <= value[1] for one in spellings if len(one) == 1)
        if kind == "CATEGORY":
            letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[str(value).rpartition("_")[2]]
            spelled = letter.upper() if "_NOT_" in str(value) else letter
            return bool(re.match(f"\\{spelled}", char, self._flags & re.ASCII))
        return False


def _near(pattern: str) -> Iterator[str]:
    for char in pattern:
        yield from (chr(code) for code in (ord(char) - 1, ord(char), ord(char) + 1) if 0 <= code < 0x110000)
