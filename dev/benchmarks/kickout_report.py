"""
The cost of kickout reports with many rows, which are read from a server and written in each format.

Run it as ``python -m dev.benchmarks.kickout_report --rows 200000``. It needs Linux, to measure the peak memory.

Each measurement is a process of its own. The server generates rows of fifteen columns while they are read. With
``few`` messages, all rows share twenty; with ``own`` messages, each row has a different one, which is the worst
case for grouping by message. Reading, grouping and writing are measured; imports are not.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

from dev.benchmarks.children import json_from_python
from eci_provider.reports import FORMATS

GUID = "123e4567-e89b-12d3-a456-426614174000"
KEY = "K" * 40
COLUMNS = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", *(f"CHG:USD:Charge {n}" for n in range(1, 11)))
_SCRIPT = """
import json, sys, time
from dev.benchmarks.memory import MEBIBYTE, peak
from eci_provider.api import EciClient
from eci_provider.reports import write_report

url, key, guid, path, *names = sys.argv[1:]
with EciClient(url, key) as client:
    start, began = peak(), time.monotonic()
    done = write_report(client.kickouts.report(guid, names), path)
    print(json.dumps([done["rows"], time.monotonic() - began, (peak() - start) / MEBIBYTE]))
"""


class _Rows(BaseHTTPRequestHandler):
    """Answers about an import with kickouts, without keeping any row in memory."""

    protocol_version = "HTTP/1.1"
    rows: ClassVar[int] = 0
    own: ClassVar[bool] = False

    def do_GET(self) -> None:
        """Answer with the summary or with the rows."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        waiting: list[str] = []
        # Asked for one file, it returns half of the rows.
        last = self.rows if self.path.endswith("/kickout/detail") else self.rows // 2
        for part in self._summary() if self.path.endswith("/summary") else self._detail(last):
            waiting.append(part)
            if len(waiting) == 200:
                self._send("".join(waiting))
                waiting = []
        self._send("".join(waiting))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, text: str) -> None:
        if text:
            data = text.encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _message(self, row: int) -> str:
        return f"Account code '{row if self.own else row % 20}' was not found."

    def _summary(self) -> Iterator[str]:
        yield f'{{"taskGuid": "{GUID}", "fileName": "Kickouts_bills.csv", "kickoutMessages": ['
        for row in range(self.rows if self.own else 20):
            yield f"{', ' if row else ''}{json.dumps(self._message(row))}"
        yield "]}"

    def _detail(self, last: int) -> Iterator[str]:
        names = ("Message", *COLUMNS)
        yield json.dumps({"fields": [{"id": 100 + n, "name": name} for n, name in enumerate(names)]})[:-1]
        yield ', "data": ['
        charges = [f"{number}.25" for number in range(10)]
        # Formatted once, so that the server's time is not what is measured.
        values = ["%s", "A-%07d", "20260101", "20260131", "A", "M-%07d", *charges]
        cells = json.dumps([{"fieldId": 100 + n, "value": value} for n, value in enumerate(values)])
        for row in range(last):
            yield f"{', ' if row else ''}{cells % (self._message(row), row, row)}"
        yield "]}"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def serving(rows: int, *, own: bool) -> Iterator[str]:
    """
    Serve an import's kickouts in a thread.

    :param rows: number of rows.
    :param own: whether each row has its own message; else all share twenty.
    :return: the address.
    """
    handler = type("Rows", (_Rows,), {"rows": rows, "own": own})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def measured(url: str, path: Path, *names: str) -> tuple[int, float, float]:
    """
    Write a report in a process of its own.

    :param url: address of the server.
    :param path: file to write; its extension says the format.
    :param names: names of kickout files to read, instead of all rows.
    :return: rows, seconds, and peak memory above the memory at the start in MiB.
    """
    rows, seconds, memory = json_from_python(["-c", _SCRIPT, url, KEY, GUID, str(path), *names])
    return rows, seconds, memory


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :param arguments: its arguments.
    """
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.kickout_report", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args(arguments)
    print(f"{options.rows:,} kickouts, {len(COLUMNS)} columns, Python {platform.python_version()}")
    print(f"{'format':8}{'messages':10}{'seconds':>8}{'rows/s':>10}{'MiB':>7}{'file MiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for own in (False, True):
            with serving(options.rows, own=own) as url:
                for name in FORMATS:
                    path = Path(folder) / f"report.{name}"
                    rows, seconds, memory = measured(url, path)
                    size = path.stat().st_size / 1024 / 1024
                    kind = "own" if own else "few"
                    print(
                        f"{name:8}{kind:10}{seconds:8.1f}{rows / seconds:10,.0f}{memory:7.1f}{size:10.1f}",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
