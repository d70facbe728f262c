"""
The cost of sending a bill file: with our client, with EnergyCAP's own client and over a bare socket.

``make bench ONLY=upload`` runs it. It needs Linux, to measure the peak memory of a process.

Each measurement is a process of its own, and the server is another one. The clients take turns, so that a busy
machine slows all of them alike. Only sending is measured, which includes reading and encoding the file; imports
and the creation of the client are done before. There are two bare sockets: ``socket`` reads and encodes the file
too, block by block, and ``socket-ready`` sends the same number of bytes that are already encoded.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # Airflow brings it

from dev.benchmarks.children import json_from_python, serving
from dev.benchmarks.memory import MEBIBYTE, peak, resident
from dev.benchmarks.peers import energycap_sdk
from dev.benchmarks.results import Section, Target, versions

BLOCK = 48 * 1024
GUID = "123e4567-e89b-12d3-a456-426614174000"
KEY = "K" * 40


@dataclass(frozen=True)
class Cost:
    """
    Cost of one upload.

    :param seconds: elapsed seconds.
    :param cpu: processor time of the sender, in seconds.
    :param memory: peak memory above the memory at the start, in bytes.
    """

    seconds: float
    cpu: float
    memory: int


def ours(url: str, file: Path) -> Callable[[], object]:
    """Prepare to send with the provider's client."""
    # Imported here: the memory of the other clients' processes must not include it.
    from eci_provider.api import EciClient

    client = EciClient(url, KEY)
    return lambda: client.bill_imports.submit(file)


def sdk(url: str, file: Path) -> Callable[[], object]:
    """Prepare to send with EnergyCAP's own client, as its documentation says."""
    client = energycap_sdk(url, KEY)
    models = sys.modules["energycap.sdk"].models

    def send() -> object:
        data = base64.b64encode(file.read_bytes()).decode()
        request = models.BillImportRequest(data=data, file_name=file.name)
        return client.bill_import(request).task_gu_id

    return send


def socket_encoding(url: str, file: Path) -> Callable[[], object]:
    """Prepare to send over a bare socket, and to read and encode the file block by block."""

    def encoded() -> Iterator[bytes]:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield base64.b64encode(block)

    return lambda: _send_bare(url, file, encoded())


def socket_ready(url: str, file: Path) -> Callable[[], object]:
    """Prepare to send a block over a bare socket again and again. It is encoded before."""
    piece = base64.b64encode(os.urandom(BLOCK))
    whole, rest = divmod((file.stat().st_size + 2) // 3 * 4, len(piece))

    def ready() -> Iterator[bytes]:
        for _ in range(whole):
            yield piece
        yield piece[:rest]

    return lambda: _send_bare(url, file, ready())


def _send_bare(url: str, file: Path, pieces: Iterator[bytes]) -> str:
    head, tail = b'{"data": "', b'", "fileName": "%s"}' % file.name.encode()
    length = len(head) + (file.stat().st_size + 2) // 3 * 4 + len(tail)
    target = urlsplit(url)
    with socket.create_connection((str(target.hostname), int(target.port or 80))) as connection:
        connection.sendall(b"POST /api/v3/import/bill HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length + head)
        for piece in pieces:
            connection.sendall(piece)
        connection.sendall(tail)
        return str(json.loads(connection.recv(65536).partition(b"\r\n\r\n")[2])["taskGUId"])


SDK = "EnergyCapSdk"
WAYS: dict[str, Callable[[str, Path], Callable[[], object]]] = {
    "ours": ours,
    SDK: sdk,
    "socket": socket_encoding,
    "socket-ready": socket_ready,
}


def measured(way: str, url: str, file: Path) -> Cost:
    """Send a file once and return the cost. A process has one peak of memory, so it can measure once."""
    send = WAYS[way](url, file)
    before, cpu, start = resident(), time.process_time(), time.perf_counter()
    answer = send()
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    if answer != GUID:
        raise RuntimeError(f"{way} returned {answer!r} instead of the server's GUID")
    return Cost(seconds, used, peak() - before)


def sink() -> None:
    """Print a port, and serve there: receive any body and discard it."""
    body = json.dumps({"taskGUId": GUID}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    answer += b"Content-Length: %d\r\n\r\n" % len(body) + body
    buffer = bytearray(MEBIBYTE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                head, _, start = received.partition(b"\r\n\r\n")
                found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                left = int(found[1]) - len(start) if found else 0
                while left > 0 and (taken := connection.recv_into(buffer)):
                    left -= taken
                connection.sendall(answer)


def compare(sizes: Sequence[int], rounds: int, left_out: Callable[[str, int], bool]) -> dict[int, dict[str, Cost]]:
    """
    Send files with each client, several times in turns, and return the medians.

    :param sizes: sizes of the files, in MiB.
    :param rounds: how often each file is sent with each client.
    :param left_out: whether a client does not send files of a size.
    """
    found: dict[int, dict[str, Cost]] = {}
    with serving("dev.benchmarks.upload", "--sink") as port, tempfile.TemporaryDirectory() as folder:
        url, file = f"http://127.0.0.1:{port}", Path(folder) / "bills.csv"
        for size in sizes:
            with file.open("wb") as stream:
                for _ in range(size):
                    stream.write(os.urandom(MEBIBYTE))
            costs: dict[str, list[Cost]] = {way: [] for way in WAYS if not left_out(way, size)}
            for _ in range(rounds):
                for way, each in costs.items():
                    each.append(
                        Cost(**json_from_python(["-m", "dev.benchmarks.upload", "--one", way, url, str(file)]))
                    )
            found[size] = {way: _median(each) for way, each in costs.items()}
    return found


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        int(statistics.median(cost.memory for cost in costs)),
    )


def measure(*, quick: bool) -> Section:
    """
    Send files of several sizes.

    :param quick: whether to send only small files, and less often.
    """
    sizes, rounds = ((1, 64), 3) if quick else ((1, 64, 256, 1024), 5)
    # EnergyCapSdk needs about four times the memory of a file.
    most = psutil.virtual_memory().available / MEBIBYTE / 5
    found = compare(sizes, rounds, lambda way, size: way == SDK and size > most)
    conditions = (
        f"Medians of {rounds} processes each, in turns, to a server in another process. `socket` reads and "
        "encodes the file too; `socket-ready` sends bytes that are already encoded. Memory is the peak of the "
        f"process above its start. {versions('requests', 'EnergyCapSdk')}."
    )
    columns = (
        "client, MiB",
        "seconds",
        "processor s",
        "MiB above start",
        "ours, times this",
        "its processor time",
    )
    section = Section("upload", "Upload", columns, conditions)
    for size, costs in found.items():
        for way, cost in costs.items():
            ratios = costs["ours"].seconds / cost.seconds, costs["ours"].cpu / cost.cpu
            figures = f"{cost.seconds:.3f}", f"{cost.cpu:.3f}", f"{cost.memory / MEBIBYTE:.1f}"
            section.rows.append((f"{way}, {size:,}", *figures, *(f"{ratio:.2f}" for ratio in ratios)))
        if SDK not in costs:
            section.notes.append(
                f"EnergyCapSdk is left out at {size:,} MiB: this machine does not have enough memory."
            )
    section.targets = _targets(found)
    return section


def _targets(found: dict[int, dict[str, Cost]]) -> list[Target]:
    most = max(costs["ours"].memory for costs in found.values()) / MEBIBYTE
    targets = [Target("ours, memory above start at any size", most, 8.0, "MiB")]
    for size in sorted(set(found) & {64, 256}):
        costs = found[size]
        ours = costs["ours"].seconds
        targets.append(Target(f"{size} MiB, ours to the bare socket", ours / costs["socket"].seconds, 1.3))
        if SDK in costs:
            targets.append(Target(f"{size} MiB, ours to EnergyCapSdk", ours / costs[SDK].seconds, 1 / 4))
    return targets


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.upload")
    parser.add_argument("--sink", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "URL", "FILE"))
    arguments = parser.parse_args()
    if arguments.sink:
        sink()
    else:
        way, url, file = arguments.one
        print(json.dumps(vars(measured(way, url, Path(file)))))
