"""Faults on demand: single ones, and a random share of all requests (chaos)."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

DROPS = (None, "before", "after", "late")
DOUBLES = (None, "first", "second")
CHAOS_KINDS = ("drop_before", "drop_after", "garbage", "truncate")


@dataclass
class Fault:
    """
    A fault of matching requests under ``/api/``. It has one kind, or a combination of several.

    If the request takes effect, it does so before any delay, as on a slow server.

    :param method: HTTP method, or ``*``.
    :param path: exact path, or an fnmatch pattern such as ``/api/v3/task/*``.
    :param times: number of requests that it hits; None for all.
    :param skip: number of matching requests that it lets pass first.
    :param drop: close the connection ``before`` the request takes effect, or ``after``. With ``late`` it is closed
        at once, and the request takes effect ``commit_after`` seconds later (sandbox clock).
    :param commit_after: seconds for ``drop="late"``.
    :param status: answer with this status, ``headers`` and ``body`` instead.
    :param headers: headers for ``status`` and ``redirect``.
    :param body: body for ``status`` and ``redirect``: text, bytes or JSON.
    :param commit: whether the request takes effect. By default it does with ``garbage``, ``truncate`` and
        ``delay``, which spoil the real answer, and does not with ``status``, ``redirect`` and ``hang``, which
        replace it.
    :param double: let the request take effect twice, if it does, as behind a proxy that sends it again. The
        answer is the one to the ``first`` or the ``second``, unless another kind replaces it.
    :param delay: real seconds before the answer.
    :param truncate: number of bytes of the body to send; then the connection is closed.
    :param garbage: answer 200 with bytes that are not JSON.
    :param hang: give no answer; close the connection when the fault is cleared or the sandbox stops.
    :param redirect: answer 307 (or ``status``) with this ``Location``.
    :param hits: number of requests that it has hit.
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
    double: str | None = None
    delay: float = 0.0
    truncate: int | None = None
    garbage: bool = False
    hang: bool = False
    redirect: str | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        if self.drop not in DROPS:
            raise ValueError(f"drop must be 'before', 'after' or 'late', not {self.drop!r}")
        if self.double not in DOUBLES:
            raise ValueError(f"double must be 'first' or 'second', not {self.double!r}")
        if self.commit_after and self.drop != "late":
            raise ValueError("commit_after requires drop='late'")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status} is not an HTTP status from 200 to 599")
        if not self.kind:
            raise ValueError(
                "a fault needs a kind: drop, double, status, delay, truncate, garbage, hang or redirect"
            )

    @property
    def kind(self) -> str:
        """Description of the fault for the request log, such as ``status=503``."""
        parts = {
            "drop": self.drop,
            "double": self.double,
            "status": self.status,
            "redirect": self.redirect,
            "garbage": self.garbage or None,
            "hang": self.hang or None,
            "truncate": self.truncate,
            "delay": self.delay or None,
        }
        return " ".join(f"{name}={value}" for name, value in parts.items() if value is not None)

    @property
    def commits(self) -> bool:
        """Whether the request takes effect."""
        if self.drop is not None:
            return self.drop == "after"
        if self.commit is not None:
            return self.commit
        return self.status is None and self.redirect is None and not self.hang

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request is one that the fault hits."""
        return self.method in ("*", method) and (self.path == path or fnmatchcase(path, self.path))


class Faults:
    """The faults of a sandbox. A request that no single fault hits may be hit by chaos."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._chaos: dict[str, Any] = {}
        self._random = random.Random()

    def add(self, fault: Fault) -> Fault:
        """Add a fault and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def set_chaos(self, seed: int, kinds: dict[str, Any]) -> None:
        """
        Let a random share of all requests fail. The same seed and order of requests give the same faults.

        :param seed: seed of the random numbers.
        :param kinds: probability of each kind: ``drop_before``, ``drop_after``, ``garbage``, ``truncate`` or a
            status such as ``"503"``. ``delay`` is not a probability but a range of seconds, from which the delay
            of each request is drawn.
        :raises ValueError: for an unknown kind, or probabilities whose sum is more than 1.
        """
        chances = {kind: value for kind, value in kinds.items() if kind != "delay"}
        unknown = [kind for kind in chances if kind not in CHAOS_KINDS and not kind.isdigit()]
        if unknown:
            raise ValueError(f"unknown kind of chaos: {unknown}; known: {CHAOS_KINDS}, statuses and 'delay'")
        if sum(chances.values()) > 1:
            raise ValueError("the sum of the probabilities is more than 1")
        with self._lock:
            self._chaos = dict(kinds)
            self._random = random.Random(seed)

    def take(self, method: str, path: str) -> Fault | None:
        """
        Return the fault that hits a request, and count the hit.

        :return: None if there is none.
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
            return self._draw(method, path) if self._chaos else None

    def _draw(self, method: str, path: str) -> Fault | None:
        # Both numbers are drawn for every request, so that a change of one probability does not shift later draws.
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
        """Remove all faults and chaos."""
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
