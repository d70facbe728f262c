"""
An EnergyCAP look-alike for tests and demos: batches, bill imports, kickouts and tasks, over HTTP on loopback.

It is written from EnergyCAP's documentation alone. It imports nothing else of ``eci_provider``, and nothing else
of ``eci_provider`` imports it: a mistake in the client must show against the sandbox, and the other way round.

::

    from eci_provider.sandbox import Sandbox

    with Sandbox() as sandbox:
        sandbox.add_account("1001", ["M1"])
        ...  # use any client with sandbox.url and sandbox.api_key
        assert sandbox.bills()[0]["cost"] == 120.50

``python -m eci_provider.sandbox`` serves a sandbox in the foreground, with pages at ``/``. The pytest fixture
``eci_sandbox`` starts a new one for each test.

Where the documentation says nothing, the sandbox assumes the following. Each assumption is marked "Assumption" in
the code where it applies.

Requests
    Errors are ``{"message": ...}``. An id in a path that is not an integer is answered with 400. Unknown
    properties are ignored. Literals of modes and date formats are case sensitive. An empty batch code or profile
    code in an import counts as not given. Times are ISO 8601 in UTC with milliseconds. Field reduction knows
    top-level names only, ignores case and cannot exclude. A page after the last one is empty. Lists are sorted by
    id. Filters on text ignore case; a date without a time means the whole day.
Permissions
    Reading profiles requires View, deleting them requires Create. Editing, closing and deleting another user's
    batch requires Manage. ``/environment`` requires a permission of its own. Every user sees all tasks.
Batches
    A code that is already in use is answered with 400; codes are case sensitive. Statuses are shown in lower case.
    Voided bills still count in ``billCount`` and ``runningTotal``. A note that was cleared is null. After a batch
    is deleted, its tasks show no batch. ``close`` accepts a pending batch too.
Batch settings
    The batch is chosen, and refused with 400, at submission. Without settings, the caller's only open batch is
    used, else a new one. ``use existing batch`` without an id means the caller's only open batch. A pending batch
    of any user may be used. ``smart batch`` creates a batch if it finds none. If a batch is closed or deleted
    before the import ends, the import fails. Kickouts under MarkBatchPending leave a self-contained batch pending.
Files
    There is one header row. Month names are English. Headers of the Advanced format ignore case, spaces and
    slashes; unknown ones are ignored. Two fields may share a column. Numbers have no thousands separators. A line
    item in a currency is money. A bill's cost is the sum of its money, or of its pay amounts if it has none. An
    account without a vendor accepts bills of any vendor. V/P/R is kept on the bill and has no effect. After
    analysis, a bill of more than 45 days or with a negative cost has one flag.
Kickouts
    One bad row kicks out its whole bill, and all rows of the bill get its message. A kickout file is named
    ``Kickouts_`` and the name of the imported file (a folder inside a ZIP becomes ``_``). Details start with the
    field "Message". Summaries list each message once, the most frequent first. A retry uses the profile of its
    source. ``output`` lists the kickout files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eci_provider.sandbox.faults import Fault
    from eci_provider.sandbox.sandbox import Sandbox

__all__ = ["Fault", "Sandbox"]

_MODULES = {"Fault": "faults", "Sandbox": "sandbox"}


def __getattr__(name: str) -> Any:
    # Loaded on demand: every pytest run imports this package for its plugin, and few of them use a sandbox.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
