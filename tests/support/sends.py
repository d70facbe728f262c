"""Do something around each request that starts an import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.imports.source import BillFile, ImportSource, Kickouts


def around_sends(
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: Callable[[ImportSource], None] = lambda source: None,
    after: Callable[[str], None] = lambda task_guid: None,
) -> None:
    """
    Call functions around each request that starts an import.

    :param before: takes what is about to be sent.
    :param after: takes the GUID that EnergyCAP answered with; what it raises ends the try as a death would.
    """
    for kind in (BillFile, Kickouts):
        monkeypatch.setattr(kind, "send", _wrapped(kind.send, before, after))


def _wrapped(
    send: Callable[..., str], before: Callable[..., None], after: Callable[[str], None]
) -> Callable[..., str]:
    def wrapper(source: ImportSource, *arguments: Any) -> str:
        before(source)
        task_guid = send(source, *arguments)
        after(task_guid)
        return task_guid

    return wrapper
