"""The stored state as plain dicts, for tests and other processes."""

from __future__ import annotations

from typing import Any

from eci_provider.sandbox import batches, kickouts, profiles, tasks
from eci_provider.sandbox.clock import format_time
from eci_provider.sandbox.environment import Environment

Dicts = list[dict[str, Any]]


def stored_accounts(env: Environment) -> Dicts:
    """Return the accounts."""
    rows = env.store.rows("SELECT * FROM accounts ORDER BY account_id")
    return [row | {"active": bool(row["active"]), "vendor_code": row["vendor_code"] or None} for row in rows]


def stored_batches(env: Environment) -> Dicts:
    """Return the batches, with counts and money. Their status is as in requests: Open, Pending or Closed."""
    with env.store.locked():
        shown = {batch["batchId"]: batch for batch in batches.shown_batches(env)}
        rows = env.store.rows("SELECT * FROM batches ORDER BY batch_id")
    return [
        {
            "batch_id": row["batch_id"],
            "batch_code": row["code"],
            "batch_status": row["status"],
            "owner": shown[row["batch_id"]]["createdBy"]["userCode"],
            "note": row["note"],
            "start_date": format_time(row["created_at"]),
            "end_date": format_time(row["closed_at"]),
            "bill_count": shown[row["batch_id"]]["billCount"],
            "running_total": shown[row["batch_id"]]["runningTotal"],
            "flag_count": shown[row["batch_id"]]["flagCount"],
            "analyzing_count": shown[row["batch_id"]]["analyzingCount"],
            "defaults": row["defaults"],
        }
        for row in rows
    ]


def stored_tasks(env: Environment) -> Dicts:
    """Return the tasks. Their outcome is completed, kickouts or failed; None while they run."""
    guid_key = env.settings.guid_key
    with env.store.locked():
        rows = {row["task_id"]: row for row in env.store.rows("SELECT * FROM tasks")}
        every = tasks.shown_tasks(env)
    found = []
    for shown in every:
        row = rows[shown["taskId"]]
        output = shown["output"] or {}
        found.append(
            {
                "task_id": shown["taskId"],
                "task_guid": shown[guid_key],
                "status": shown["status"],
                "outcome": row["outcome"],
                "message": shown["message"],
                "note": row["note"],
                "user": shown["user"]["userCode"],
                "file_name": row["file_name"],
                "profile_code": row["profile_code"],
                "options": row["options"],
                "batch_id": row["batch_id"],
                "begin_date": shown["beginDate"],
                "end_date": shown["endDate"],
                "imported": shown["currentSuccessCount"],
                "kickouts": output.get("rowsKickedOut", 0),
                "unresolved_flags": shown["unresolvedFlagCount"],
                "analyzing": shown["analyzingCount"],
            }
        )
    return found


def stored_bills(env: Environment) -> Dicts:
    """Return the bills, without deleted and replaced ones."""
    rows = env.store.rows(
        "SELECT bills.*, guid AS task_guid FROM bills LEFT JOIN tasks USING (task_id) ORDER BY bill_id"
    )
    booleans = ("voided", "estimated", "flagged")
    return [
        {name: bool(value) if name in booleans else value for name, value in row.items()}
        | {"analyzed_at": format_time(row["analyzed_at"])}
        for row in rows
    ]


def stored_kickouts(env: Environment, task_guid: str | None = None) -> Dicts:
    """Return the rows kicked out: task, kickout file, message, header and cells."""
    # NULL as GUID selects all tasks.
    found = env.store.rows("SELECT * FROM tasks WHERE guid = COALESCE(?, guid) ORDER BY task_id", task_guid)
    return [
        {
            "task_guid": task["guid"],
            "file_name": row["file_name"],
            "message": row["message"],
            "header": row["header"],
            "cells": row["cells"],
        }
        for task in found
        for row in kickouts.stored(env, task, None)
    ]


def stored_profiles(env: Environment) -> Dicts:
    """Return the import profiles."""
    return [
        {
            "profile_id": profile["profileId"],
            "profile_code": profile["profileCode"],
            "column_mapping": profile["columnMapping"],
        }
        for profile in profiles.shown_profiles(env)
    ]


def state(env: Environment) -> dict[str, Dicts]:
    """Return everything, as of one moment."""
    with env.store.locked():
        return {
            "batches": stored_batches(env),
            "tasks": stored_tasks(env),
            "bills": stored_bills(env),
            "kickouts": stored_kickouts(env),
            "profiles": stored_profiles(env),
            "accounts": stored_accounts(env),
        }
