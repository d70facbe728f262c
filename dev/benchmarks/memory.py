"""Memory of this process, as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path

MEBIBYTE = 1024 * 1024


def resident() -> int:
    """Return the memory of this process, in bytes."""
    return _status("VmRSS")


def peak() -> int:
    """Return the largest memory of this process so far, in bytes."""
    return _status("VmHWM")


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {name}")
    return int(found[1]) * 1024
