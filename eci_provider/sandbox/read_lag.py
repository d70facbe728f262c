"""Reads that lag: what was just created is answered with 404, and may be missing in lists."""

from __future__ import annotations

from collections.abc import Iterable

from eci_provider.sandbox.environment import Environment

TASK, BATCH = "task", "batch"


def created(env: Environment, kind: str, number: int) -> None:
    """
    Note that something was created.

    :param kind: :data:`TASK` or :data:`BATCH`.
    :param number: its id.
    """
    env.reads_to_miss[kind, number] = env.settings.lagging_reads


def misses(env: Environment, kind: str, number: int, created_at: float) -> bool:
    """
    Return whether a read misses something that was just created, and count the read if so.

    :param kind: as for :func:`created`.
    :param number: its id.
    :param created_at: seconds since 1970 (UTC).
    """
    settings = env.settings
    lag = settings.task_lag if kind == TASK else settings.batch_lag
    if env.reads_to_miss[kind, number] > 0:
        env.reads_to_miss[kind, number] -= 1
        return True
    return env.clock.time() < created_at + lag


def missing_in_lists(env: Environment, kind: str, times: Iterable[tuple[int, float]]) -> set[int]:
    """
    Return the ids that a list leaves out.

    :param kind: as for :func:`created`.
    :param times: ids, and when each was created.
    """
    if not env.settings.lists_lag:
        return set()
    return {number for number, created_at in times if misses(env, kind, number, created_at)}
