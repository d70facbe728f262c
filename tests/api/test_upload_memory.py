"""The memory that sending a large file takes, by Python's count and by the process's peak."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_data import GUID
from tests.support.raw_server import http

MEBIBYTE = 1024 * 1024
SIZE = 256 * MEBIBYTE
SENT = f"""
import sys, tracemalloc
from pathlib import Path
from eci_provider.api import EciClient

def process(name):
    status = Path("/proc/self/status").read_text()
    return int(status.split(name + ":")[1].split()[0]) * 1024

def python(name):
    return tracemalloc.get_traced_memory()[name == "VmHWM"]

measure, url, file = sys.argv[1:]
if measure == "python":
    tracemalloc.start()
used = {{"python": python, "process": process}}[measure]
with EciClient(url, "K" * 40) as client:
    before = used("VmRSS")
    assert client.bill_imports.submit(file) == "{GUID}"
    print(used("VmHWM") - before)
"""


class Sink:
    """A server that takes one body after the other, keeps nothing of it and answers with a GUID."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.taken: list[int] = []

    def serve(self) -> None:
        """Take bodies until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.taken.append(self._take(connection))
                connection.sendall(http("200 OK", f'{{"taskGUId": "{GUID}"}}'.encode()))

    def close(self) -> None:
        """Let :meth:`serve` end."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @staticmethod
    def _take(connection: socket.socket) -> int:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert found
        length, taken, buffer = int(found[1]), 0, bytearray(MEBIBYTE)
        while taken < length and (more := connection.recv_into(buffer)):
            taken += more
        return taken


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    yield made
    made.close()
    thread.join(5)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("measure", ["python", "process"])
def test_a_large_file_takes_no_more_memory_than_a_small_one(measure: str, sink: Sink, tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    with file.open("wb") as stream:
        stream.truncate(SIZE)
    command = [sys.executable, "-c", SENT, measure, sink.url, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert sink.taken[0] > SIZE * 4 / 3
    # The kernel counts the pages of a process in portions, so a small growth may not show.
    assert 0 <= int(done.stdout) < 8 * MEBIBYTE
    assert measure == "process" or int(done.stdout) > 0
