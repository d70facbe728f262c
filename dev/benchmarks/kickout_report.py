"""
Time and memory of kickout reports: many kicked-out rows, read from a server on loopback, written in each format.

Run it as ``python -m dev.benchmarks.kickout_report --rows 200000``. It needs Linux, for the peak of a process.

Each measurement is a process of its own, and the server is another one: it makes up rows of fifteen columns while
they are read. ``few`` rows share twenty messages; ``own`` gives each row a message of its own, which is the worst
case for what is grouped by message. Reading, grouping and writing are measured; the imports stand before.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

GUID = "123e4567-e89b-12d3-a456-426614174000"
KEY = "K" * 40
FORMATS = ("csv", "xlsx", "md")
COLUMNS = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", *(f"CHG:USD:Charge {n}" for n in range(1, 11)))
_SCRIPT = """
import json, sys, time
from eci_provider.api import EciClient
from eci_provider.reports import write_report

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

url, key, guid, path, *names = sys.argv[1:]
with EciClient(url, key) as client:
    start, began = peak(), time.monotonic()
    done = write_report(client.kickouts.report(guid, names), path)
    print(json.dumps([done["rows"], time.monotonic() - began, peak() - start]))
"""


class _Rows(BaseHTTPRequestHandler):
    """Answer for an import with kickouts; nothing of it is held in memory."""

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
        # By the name of a file a half of them is told.
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
        # Written out once, so that the server is not what is measured.
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
    Serve an import's kickouts in a thread, and hand out the address.

    :param rows: how many there are.
    :param own: whether each has a message of its own; else twenty share theirs.
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

    :param url: the server.
    :param path: where to; its extension says the format.
    :param names: names of files to tell the rows by; of each the first half is told.
    :return: rows, seconds, and the MiB of the process's peak above what it had before.
    """
    command = [sys.executable, "-c", _SCRIPT, url, KEY, GUID, str(path), *names]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (our own interpreter and script)
    if done.returncode:
        raise RuntimeError(done.stderr)
    rows, seconds, memory = json.loads(done.stdout)
    return rows, seconds, memory


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure and print.

    :param arguments: what stands on the command line.
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
