"""What happened to imported bills later: replaced, voided, deleted, retried. Only the pages show it."""

from __future__ import annotations

from collections import Counter

from eci_provider.sandbox.environment import Environment


def retried(env: Environment, guid: str, source_id: int) -> None:
    """Record that an import is the retry of another one's kickouts."""
    env.store.execute(
        "INSERT INTO retries (task_id, source_id) SELECT task_id, ? FROM tasks WHERE guid = ?", source_id, guid
    )


def replaced(env: Environment, by_task_id: int, bills: Counter[tuple[int, int]]) -> None:
    """Record how many bills an import has replaced, by the task and the batch that they came from."""
    now = env.clock.time()
    for (task_id, batch_id), number in bills.items():
        env.store.insert(
            "lost_bills", task_id=task_id, batch_id=batch_id, by_task_id=by_task_id, at=now, bills=number
        )


def status_set(env: Environment, batch_id: int, *, voids: bool) -> None:
    """Record since when a batch's bills are void. A batch that was void before stays so since then."""
    if voids:
        env.store.execute(
            "INSERT OR IGNORE INTO void_batches (batch_id, since) VALUES (?, ?)", batch_id, env.clock.time()
        )
    else:
        env.store.execute("DELETE FROM void_batches WHERE batch_id = ?", batch_id)


def deleted(env: Environment, batch_id: int, code: str) -> None:
    """Record that a batch is about to be deleted, and its bills with it."""
    now = env.clock.time()
    env.store.execute(
        "INSERT INTO lost_bills (task_id, batch_id, by_task_id, at, bills) "
        "SELECT task_id, batch_id, NULL, ?, COUNT(*) FROM bills WHERE batch_id = ? GROUP BY task_id",
        now,
        batch_id,
    )
    env.store.execute("DELETE FROM void_batches WHERE batch_id = ?", batch_id)
    env.store.insert("deleted_batches", batch_id=batch_id, code=code, at=now)
