"""
An EnergyCAP look-alike to run against: batches, bill imports, kickouts, tasks, over HTTP on loopback.

::

    from eci_provider.sandbox import Sandbox

    with Sandbox() as sandbox:
        sandbox.add_account("1001", ["M1"])
        ...  # any client against sandbox.url with sandbox.api_key
        assert sandbox.bills()[0]["cost"] == 120.50

``python -m eci_provider.sandbox`` serves one in the foreground, with a page at ``/``. The fixture
``eci_sandbox`` gives each test its own.

It is written from EnergyCAP's documentation alone. Where that is silent, these are its assumptions (each
stands again, marked, where it is made):

Requests
    Errors are ``{"message": ...}``; a path id that is no integer answers 400; unknown properties are
    ignored; mode and date format literals are case sensitive; an empty batch or profile code in an import
    counts as none; times are ISO 8601 in UTC with milliseconds; field reduction knows top-level names,
    without regard to case, and no exclusion; a page beyond the last is empty; lists are in the order of
    ids; filter text compares without regard to case, a date without a time stands for its day.
Permissions
    Reading profiles asks for View, deleting them for Create; editing, closing and deleting another user's
    batch for Manage; ``/environment`` for a permission of its own; every user sees all tasks.
Batches
    A taken code answers 400, codes compare exactly; statuses are shown in lower case; voided bills still
    count in number and money; a cleared note is null; a deleted batch disappears from its tasks; ``close``
    takes a pending batch too.
Batch settings
    The batch is chosen, and refused with 400, at submission. No settings: the caller's one open batch, else
    a new one. ``use existing batch`` without an id: the caller's one open batch. Anybody's pending batch may
    be used. ``smart batch`` that finds nothing makes a batch. A batch closed or deleted meanwhile fails the
    import. Kickouts under MarkBatchPending leave a self-contained batch pending.
Files
    One header row; English month names; Advanced headers without regard to case, spaces and slashes,
    unknown ones ignored; two fields may share a column; numbers without thousands separators; a line item
    in a currency is money, the bill's cost their sum, or that of the pay amounts; an account without a
    vendor takes any vendor's bills; V/P/R is kept on the bill and has no effect; a bill longer than 45
    days or negative gets one flag once analysed.
Kickouts
    One bad row kicks out its bill, all rows with that message; kickout files are named ``Kickouts_`` and
    the file's name (folders of a ZIP with ``_``); details begin with the field "Message"; summaries list
    each message once, the frequent first; a retry keeps the source's profile; ``output`` lists the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eci_provider.sandbox.faults import Fault
    from eci_provider.sandbox.server import Sandbox

__all__ = ["Fault", "Sandbox"]


def __getattr__(name: str) -> Any:
    # On demand: every pytest run loads this package for its plugin, and few of them need a sandbox.
    if name == "Sandbox":
        from eci_provider.sandbox.server import Sandbox

        return Sandbox
    if name == "Fault":
        from eci_provider.sandbox.faults import Fault

        return Fault
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
