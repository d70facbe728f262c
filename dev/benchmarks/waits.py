"""
The cost of waiting: thousands of triggers in Airflow's own trigger runner.

Our trigger, the HTTP provider's HttpEventTrigger and dbt Cloud's trigger poll one fast server over TLS, which dbt
Cloud's trigger requires. Triggers that only sleep show the cost of Airflow itself; memory is measured above
theirs. A few triggers are started first, so that loaded modules and open connections are not counted.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import math
import ssl
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.benchmarks.children import serving
from dev.benchmarks.results import Section, Target, versions
from dev.benchmarks.triggerer import Triggerer
from dev.benchmarks.waiting_triggers import TRIGGERS, connections

#: Number of triggers that start before memory is measured, and of tasks whose end is timed.
FIRST, ENDED = 20, 50
#: Seconds between two polls. Our trigger polls faster at first, and has this interval after four polls.
INTERVAL = 10.0
OURS_AND_NONE = ("sleeping", "ours")
PEERS = ("apache-airflow-providers-http", "apache-airflow-providers-dbt-cloud")


@dataclass(frozen=True)
class Wait:
    """
    Cost of waiting.

    :param kind: kind of the triggers.
    :param count: number of triggers.
    :param requests: requests per interval.
    :param cpu: processor seconds per interval.
    :param late: longest delay of the event loop in seconds, once all triggers run.
    :param late_of_code: the same, without Python's garbage collection.
    :param memory: memory of all but the first triggers, in bytes.
    :param delays: seconds from the end of each task to its event.
    """

    kind: str
    count: int
    requests: float
    cpu: float
    late: float
    late_of_code: float
    memory: float
    delays: Sequence[float]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Create a self-signed certificate for 127.0.0.1. Return its path and the path of its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    made = made.add_extension(address, False).add_extension(x509.BasicConstraints(True, None), True)
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(pem, pkcs8, plain))
    return paths


class Server:
    """
    Client of the server that the triggers poll.

    :param port: its port.
    :param bundle: certificate to verify it with.
    """

    def __init__(self, port: int, bundle: Path) -> None:
        self._url = f"https://127.0.0.1:{port}"
        context = ssl.create_default_context(cafile=str(bundle))
        handlers = urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(*handlers)

    def requests(self) -> int:
        """Return the number of requests from triggers so far."""
        return sum(self._get("/counts").values())

    def end(self, numbers: Sequence[int], over: float) -> dict[int, float]:
        """End tasks one after the other, and return their times by the monotonic clock."""
        moments = self._get(f"/end?over={over}&tasks={','.join(map(str, numbers))}")
        return {int(number): moment for number, moment in moments.items()}

    def _get(self, target: str) -> dict[str, Any]:
        with self._opener.open(self._url + target, timeout=60) as answer:
            return dict(json.load(answer))


def measure_wait(kind: str, count: int, interval: float) -> Wait:
    """
    Let triggers wait, and return the cost.

    :param kind: kind of the triggers.
    :param count: number of triggers.
    :param interval: seconds between two polls.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle, key = certificate(folder)
        # They start spread over an interval, as in production, and so do not poll all at once.
        portion = math.ceil(count / interval)
        arguments = ["--tasks", str(count), "--tls", str(bundle), str(key)]
        with (
            serving("dev.benchmarks.task_server", *arguments) as port,
            Triggerer(folder, connections(port, str(bundle)), portion, SSL_CERT_FILE=str(bundle)) as triggerer,
        ):
            server = Server(port, bundle)
            memory = _start_all(triggerer, server, kind, count, interval)
            time.sleep(interval if kind != "ours" else 5 * interval)
            requests, cpu, began, _ = server.requests(), triggerer.cpu(), time.monotonic(), triggerer.loop_state()
            time.sleep(2 * interval)
            intervals = (time.monotonic() - began) / interval
            requests, cpu = server.requests() - requests, triggerer.cpu() - cpu
            memory = triggerer.memory() - memory
            delays = [] if kind == "sleeping" else _delays(triggerer, server, count, interval)
            state = triggerer.loop_state()
            lateness = state["late"], state["late_of_code"]
            return Wait(kind, count, requests / intervals, cpu / intervals, *lateness, memory, delays)


def _start_all(triggerer: Triggerer, server: Server, kind: str, count: int, interval: float) -> int:
    """Start all triggers, and return the memory with only the first few."""
    described = [(number, TRIGGERS[kind](number, interval)) for number in range(count)]
    triggerer.add(described[:FIRST])
    triggerer.settle(FIRST)
    if kind != "sleeping":
        triggerer.wait_for(lambda: server.requests() > 0, "the first request")
    time.sleep(2)
    memory = triggerer.memory()
    triggerer.add(described[FIRST:])
    triggerer.settle(count)
    return memory


def _delays(triggerer: Triggerer, server: Server, count: int, interval: float) -> list[float]:
    numbers = range(0, count, max(1, count // ENDED))
    ends = server.end(numbers, over=interval)
    triggerer.wait_for(lambda: len(triggerer.events()) >= len(ends), f"{len(ends)} events")
    events = triggerer.events()
    errors = [payload for _, payload in events.values() if "error" in payload]
    if errors or set(events) != set(ends):
        raise RuntimeError(f"{len(events)} events for {len(ends)} tasks that ended; errors: {errors[:1]}")
    return [events[number][0] - ends[number] for number in ends]


def measure(*, quick: bool, interval: float | None = None, rounds: int | None = None) -> Section:
    """
    Measure each kind of trigger, in growing numbers.

    :param quick: whether to use fewer triggers, a short interval and one round.
    :param interval: seconds between two polls.
    :param rounds: number of processes for each.
    """
    interval = interval or (4.0 if quick else INTERVAL)
    counts, most_of_peers = ((100, 1000), 100) if quick else ((100, 1000, 10_000), 1000)
    rounds = rounds or (1 if quick else 3)
    conditions = (
        f"An interval is {interval:g} s. Medians of {rounds} process(es) each, in turns; the last column is the "
        f"longest delay of all. {versions(*PEERS)}."
    )
    columns = (
        "triggers",
        "number",
        "requests per interval",
        "processor s per interval",
        "loop delay, ms",
        "of code, ms",
    )
    section = Section(
        "waits", "Waiting triggers", (*columns, "KiB each", "median delay, s", "longest, s"), conditions
    )
    for count in counts:
        kinds = [kind for kind in TRIGGERS if kind in OURS_AND_NONE or count <= most_of_peers]
        runs: dict[str, list[Wait]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind in kinds:
                runs[kind].append(measure_wait(kind, count, interval))
        found = {kind: _median(each) for kind, each in runs.items()}
        section.rows += [_row(each, found["sleeping"]) for each in found.values()]
    section.targets = _targets(found["ours"], found["sleeping"], interval)
    section.notes.append(f"The triggers of other providers were run {most_of_peers:,} at most.")
    return section


def _median(runs: Sequence[Wait]) -> Wait:
    names = ("requests", "cpu", "late", "late_of_code", "memory")
    medians = {name: statistics.median(getattr(run, name) for run in runs) for name in names}
    return replace(runs[0], **medians, delays=[delay for run in runs for delay in run.delays])


def _row(found: Wait, base: Wait) -> tuple[str, ...]:
    above = (
        "" if found.kind == "sleeping" else f"{(found.memory - base.memory) / (found.count - FIRST) / 1024:.1f}"
    )
    delays = [f"{statistics.median(found.delays):.1f}", f"{max(found.delays):.1f}"] if found.delays else ["", ""]
    numbers = (
        f"{found.requests:.0f}",
        f"{found.cpu:.2f}",
        f"{found.late * 1000:.0f}",
        f"{found.late_of_code * 1000:.0f}",
    )
    return (found.kind, f"{found.count:,}", *numbers, above, *delays)


def _targets(found: Wait, base: Wait, interval: float) -> list[Target]:
    many = f"{found.count:,} waits"
    each = (found.memory - base.memory) / (found.count - FIRST) / 1024
    return [
        Target(f"{many}, requests per interval", found.requests, 20.0, "requests"),
        Target(f"{many}, longest delay of the loop", found.late * 1000, 100.0, "ms"),
        Target(f"{many}, longest delay of the loop by code", found.late_of_code * 1000, 100.0, "ms"),
        Target(f"{many}, memory each above Airflow's own", each, 4.0, "KiB"),
        Target(f"{many}, from the end of a task to its event", max(found.delays), interval + 1.0, "s"),
    ]
