"""Fixtures of the operators' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bill_files import faulty_file


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Return a file of one good bill and two that would be kicked out."""
    return faulty_file(tmp_path)
