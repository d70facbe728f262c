"""A proxy on loopback that hands requests to the sandbox and damages the answers that a plan names."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from tests.fuzz.mutations import damaged
from tests.support.gateway import Gateway, Reply

#: What a plan says: the number of an answer, counted from 0, and which damage it gets.
Plan = Mapping[int, tuple[str, int]]


class MutatingProxy(Gateway):
    """
    A proxy whose answers are damaged by a plan.

    :param url: the sandbox's.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.plan: Plan = {}
        self.answers = 0
        self.applied: list[str] = []
        self._lock = threading.Lock()

    def follow(self, plan: Plan) -> None:
        """Begin a flow: count answers from 0 again, and damage them by a plan."""
        with self._lock:
            self.plan, self.answers, self.applied = plan, 0, []

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the sandbox's answer, damaged if it is its turn."""
        reply = self.forward(method, path, headers, body)
        with self._lock:
            number, self.answers = self.answers, self.answers + 1
            mutation = self.plan.get(number)
            if mutation is not None and reply.status < 300 and reply.body:
                self.applied.append(f"{method} {path.partition('?')[0]}: {mutation[0]}")
                reply.body = damaged(reply.body, *mutation)
        return reply
