"""Trouble on demand: single faults and seeded chaos."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

DROPS = (None, "before", "after", "late")
CHAOS_KINDS = ("drop_before", "drop_after", "garbage", "truncate")


@dataclass
class Fault:
    """
    What goes wrong with matching requests under ``/api/``; one kind, or several combined.

    A request that takes effect under a fault does so before any delay, as on a slow server.

    :param method: HTTP method, or ``*``.
    :param path: exact path, or an fnmatch pattern such as ``/api/v3/task/*``.
    :param times: how many requests it hits; None is all of them.
    :param skip: how many matching requests pass unharmed first.
    :param drop: ``before`` the request takes effect, ``after`` it did, or ``late``: the connection is
        closed at once and the request takes effect ``commit_after`` seconds later (sandbox clock).
    :param status: answer this status instead, with ``headers`` and ``body`` (text, bytes or JSON).
    :param commit: whether the request takes effect all the same. By default not, where ``status``,
        ``redirect`` or ``hang`` stand in for the answer; ``garbage``, ``truncate`` and ``delay`` spoil
        the real one, so there it does.
    :param delay: real seconds before the answer.
    :param truncate: send only this many bytes of the answer, then close.
    :param garbage: 200 with bytes that are no JSON.
    :param hang: do not answer until the fault is cleared or the sandbox stops; then close.
    :param redirect: 307 (or ``status``) with this ``Location``.
    """

    method: str
    path: str
    times: int | None = 1
    skip: int = 0
    drop: str | None = None
    commit_after: float = 0.0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    commit: bool | None = None
    delay: float = 0.0
    truncate: int | None = None
    garbage: bool = False
    hang: bool = False
    redirect: str | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        if self.drop not in DROPS:
            raise ValueError(f"drop must be 'before', 'after' or 'late', not {self.drop!r}")
        if self.commit_after and self.drop != "late":
            raise ValueError("commit_after goes with drop='late'")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status} is no HTTP status")
        if not self.kind:
            raise ValueError("a fault needs a kind: drop, status, delay, truncate, garbage, hang or redirect")

    @property
    def kind(self) -> str:
        """Name the fault for the request log."""
        named = {
            "drop": self.drop,
            "status": self.status,
            "redirect": self.redirect,
            "garbage": self.garbage or None,
            "hang": self.hang or None,
            "truncate": self.truncate,
            "delay": self.delay or None,
        }
        return " ".join(f"{name}={value}" for name, value in named.items() if value is not None)

    @property
    def commits(self) -> bool:
        if self.drop is not None:
            return self.drop == "after"
        if self.commit is not None:
            return self.commit
        return self.status is None and self.redirect is None and not self.hang

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and (self.path == path or fnmatchcase(path, self.path))


class Faults:
    """The faults waiting for their requests. Single faults come first, chaos after them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._chaos: dict[str, Any] = {}
        self._random = random.Random()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def set_chaos(self, seed: int, kinds: dict[str, Any]) -> None:
        """
        Let a share of all requests go wrong, the same ones for the same seed and order of requests.

        :param kinds: probability by kind: ``drop_before``, ``drop_after``, ``garbage``, ``truncate`` or a
            status such as ``"503"``; ``delay`` instead is a range of seconds, drawn for every request.
        :raises ValueError: for an unknown kind, or probabilities that sum to more than 1.
        """
        chances = {kind: value for kind, value in kinds.items() if kind != "delay"}
        unknown = [kind for kind in chances if kind not in CHAOS_KINDS and not kind.isdigit()]
        if unknown:
            raise ValueError(f"unknown chaos {unknown}; there are {CHAOS_KINDS}, statuses and 'delay'")
        if sum(chances.values()) > 1:
            raise ValueError("the probabilities sum to more than 1")
        with self._lock:
            self._chaos = dict(kinds)
            self._random = random.Random(seed)

    def take(self, method: str, path: str) -> Fault | None:
        """
        Find the fault for a request and count it.

        :return: None if the request passes unharmed.
        """
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                elif fault.times is None or fault.hits < fault.times:
                    fault.hits += 1
                    return fault
            return self._drawn(method, path) if self._chaos else None

    def _drawn(self, method: str, path: str) -> Fault | None:
        # Both numbers are drawn for every request, so that one kind's odds do not shift another's draws.
        draw, low_to_high = self._random.random(), self._random.random()
        low, high = self._chaos.get("delay", (0.0, 0.0))
        chosen: dict[str, Any] = {"delay": low + (high - low) * low_to_high}
        for kind, chance in self._chaos.items():
            if kind == "delay":
                continue
            if draw < chance:
                chosen.update(_chaos_fault(kind))
                break
            draw -= chance
        if chosen == {"delay": 0.0}:
            return None
        return Fault(method, path, **chosen)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._chaos = {}


def _chaos_fault(kind: str) -> dict[str, Any]:
    if kind.startswith("drop_"):
        return {"drop": kind.removeprefix("drop_")}
    if kind == "garbage":
        return {"garbage": True}
    if kind == "truncate":
        return {"truncate": 10}
    return {"status": int(kind), "body": {"message": f"Chaos answered {kind}."}}
