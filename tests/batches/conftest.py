"""A file of two bills whose import takes a minute, and the tries of its task."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.sandbox import Sandbox
from tests.support.submissions import Scene
from tests.support.turned_clock import TurnedClock


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Return the file and the tries of its task."""
    return Scene(sandbox, turned_clock, tmp_path, delay=60)
