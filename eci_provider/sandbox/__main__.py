"""Command line that serves a sandbox in the foreground: ``python -m eci_provider.sandbox``."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import Any

from eci_provider.sandbox.ports import PortError
from eci_provider.sandbox.sandbox import Sandbox

DEFAULT_PORT = 8765
# The pages that tasks link to, as the connection takes them: the first one whose placeholders are known.
PAGES = "{host}/imports/{task_guid} {host}/batches/{batch_id}"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Serve until SIGINT or SIGTERM.

    :return: exit code: 0 after a signal, 2 if the port cannot be had, 1 after any other error.
    """
    options = _parser().parse_args(arguments)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    try:
        sandbox = Sandbox(
            path=options.path,
            port=options.port,
            clock="virtual" if options.virtual_clock else "real",
            delay=options.delay,
            analysis=options.analysis,
            api_key=options.api_key,
        )
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(sandbox.stop)
            if options.accounts:
                add_accounts(sandbox, options.accounts)
            sandbox.start()
            _introduce(sandbox)
            while not stopped:  # not an Event: a signal handler that sets one can deadlock on its lock
                time.sleep(0.1)
    except PortError as error:
        wanted = 0 if error.free is None else error.free
        print(
            f"{error} Take another one: --port {wanted}{'' if wanted else ', for any that is free'}",
            file=sys.stderr,
        )
        return 2
    except (OSError, ValueError, sqlite3.Error) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eci_provider.sandbox", description="Serve an EnergyCAP look-alike on 127.0.0.1."
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port; 0 for any free one (default: %(default)s)"
    )
    parser.add_argument("--path", default=":memory:", help="SQLite file that keeps the state (default: memory)")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds that an import takes (default: %(default)s)"
    )
    parser.add_argument(
        "--analysis",
        type=float,
        default=0.0,
        help="seconds that the analysis of bills takes after an import (default: %(default)s)",
    )
    parser.add_argument("--api-key", help="API key of the default user (default: a random one)")
    parser.add_argument(
        "--accounts",
        help="CSV file of accounts, one row per meter: account,meter[,vendor,service_start,service_end,active]",
    )
    parser.add_argument("--virtual-clock", action="store_true", help="time advances only by POST /sandbox/clock")
    return parser


def add_accounts(sandbox: Sandbox, path: str) -> None:
    """
    Add the accounts of a CSV file.

    :raises ValueError: if a required column is missing.
    """
    accounts: dict[tuple[str, str], dict[str, Any]] = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"account", "meter"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path} must have the columns account and meter")
        for row in reader:
            vendor = row.get("vendor") or ""
            account = accounts.setdefault((row["account"], vendor), {"meters": [], "row": row})
            if row["meter"]:
                account["meters"].append(row["meter"])
    for (code, vendor), account in accounts.items():
        row = account["row"]
        sandbox.add_account(
            code,
            account["meters"],
            vendor_code=vendor or None,
            active=(row.get("active") or "true").strip().lower() not in ("false", "0", "no"),
            service_start=row.get("service_start") or None,
            service_end=row.get("service_end") or None,
        )


def _introduce(sandbox: Sandbox) -> None:
    fields = {"conn_type": "eci", "host": sandbox.url, "password": sandbox.api_key}
    connection = json.dumps({**fields, "extra": {"ui_url_template": PAGES}})
    print(f"EnergyCAP sandbox: {sandbox.url}")
    print(f"API key:           {sandbox.api_key}")
    print(f"\nexport AIRFLOW_CONN_ECI_DEFAULT='{connection}'\n")
    print(f"Stop with Ctrl+C, or with: kill {os.getpid()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
