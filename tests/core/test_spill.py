"""Items are kept on disk in their order; what is rolled back, and the file at the end, are gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eci_provider.core.spill import Spill, spill_file


def _spill(batch_cost: int = 10) -> Spill[str]:
    return Spill(len, batch_cost=batch_cost)


@pytest.mark.parametrize("batch_cost", [1, 10, 1000])
def test_items_come_back_in_order_as_often_as_asked(batch_cost: int) -> None:
    items = [f"item {number}" for number in range(25)]
    with _spill(batch_cost) as spill:
        spill.extend(items)
        assert list(spill) == items
        spill.add("one more")
        assert list(spill) == [*items, "one more"]


@pytest.mark.parametrize("batch_cost", [1, 10, 1000])
def test_a_rollback_removes_what_was_added_since_the_mark(batch_cost: int) -> None:
    with _spill(batch_cost) as spill:
        spill.extend(["lost", "lost too"])
        spill.rollback()
        spill.extend(["a", "b", "c"])
        spill.mark()
        spill.extend(["d" * 20, "e"])
        spill.rollback()
        spill.add("f")
        assert list(spill) == ["a", "b", "c", "f"]


def test_a_batch_is_bounded_by_cost_and_by_number() -> None:
    with Spill(len, batch_cost=10, batch_items=3) as spill:
        held = []
        for item in ["a", "b", "c", "d", "x" * 10, "e"]:
            spill.add(item)
            held.append(len(spill._batch))
    assert held == [1, 2, 0, 1, 0, 1]


def test_a_file_lies_in_tmpdir_and_is_gone_once_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with spill_file(is_named=True) as named, spill_file() as hidden:
        hidden.write(b"hidden")
        named.write(b"named")
        named.flush()
        assert os.listdir(tmp_path) == [Path(named.name).name]
        assert Path(named.name).read_bytes() == b"named"
    assert os.listdir(tmp_path) == []
