"""
Thousands of triggers that wait in Airflow's own trigger runner: what an interval of waiting costs.

Ours, the HTTP provider's HttpEventTrigger and dbt Cloud's trigger ask one fast server, over TLS, which dbt Cloud's
cannot do without. Triggers that only sleep show what Airflow itself takes; memory is what lies above them. A few
are begun first, so that loaded modules and open connections count for none.
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

from dev.benchmarks.children import serving
from dev.benchmarks.results import Section, Target, versions
from dev.benchmarks.triggerer import Triggerer
from dev.benchmarks.waiting_triggers import WAYS, connections

#: How many triggers are there before memory is counted, and how many tasks end while it is watched.
FIRST, ENDED = 20, 50
#: Seconds between two looks; ours begins faster and has settled after four of them.
INTERVAL = 10.0
OURS_AND_NONE = ("sleeping", "ours")
PEERS = ("apache-airflow-providers-http", "apache-airflow-providers-dbt-cloud")


@dataclass(frozen=True)
class Wait:
    """
    Hold what waiting took.

    :param way: whose triggers.
    :param count: how many.
    :param requests: an interval.
    :param cpu: seconds of processor time an interval.
    :param late: by how many seconds the loop was late at most, once all were there.
    :param late_of_code: the same, without Python's garbage collection.
    :param memory: in bytes, of all but the first triggers.
    :param delays: seconds from each end on the server to the event.
    """

    way: str
    count: int
    requests: float
    cpu: float
    late: float
    late_of_code: float
    memory: float
    delays: Sequence[float]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine's own for 127.0.0.1; return its path and that of its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

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
    Ask the server that is measured against.

    :param port: its port.
    :param bundle: what it is checked with.
    """

    def __init__(self, port: int, bundle: Path) -> None:
        self._url = f"https://127.0.0.1:{port}"
        context = ssl.create_default_context(cafile=str(bundle))
        handlers = urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(*handlers)

    def requests(self) -> int:
        """Return how many requests have come from triggers."""
        return sum(self._get("/counts").values())

    def end(self, numbers: Sequence[int], over: float) -> dict[int, float]:
        """Have tasks end one after the other; return the moments by this machine's monotonic clock."""
        moments = self._get(f"/end?over={over}&tasks={','.join(map(str, numbers))}")
        return {int(number): moment for number, moment in moments.items()}

    def _get(self, target: str) -> dict[str, Any]:
        with self._opener.open(self._url + target, timeout=60) as answer:
            return dict(json.load(answer))


def waited(way: str, count: int, interval: float) -> Wait:
    """
    Have triggers wait.

    :param way: whose.
    :param count: how many.
    :param interval: seconds between two looks.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle, key = certificate(folder)
        # They come evenly over an interval, as they would in life: no crowd asks in step.
        portion = math.ceil(count / interval)
        arguments = ["--tasks", str(count), "--tls", str(bundle), str(key)]
        with (
            serving("dev.benchmarks.task_server", *arguments) as port,
            Triggerer(folder, connections(port, str(bundle)), portion, SSL_CERT_FILE=str(bundle)) as triggerer,
        ):
            server = Server(port, bundle)
            described = [(number, WAYS[way](number, interval)) for number in range(count)]
            triggerer.add(described[:FIRST])
            triggerer.settle(FIRST)
            if way != "sleeping":
                triggerer.wait_for(lambda: server.requests() > 0, "the first request")
            time.sleep(2)
            memory = triggerer.memory()
            triggerer.add(described[FIRST:])
            triggerer.settle(count)
            time.sleep(interval if way != "ours" else 5 * interval)
            asked, cpu, began, _ = server.requests(), triggerer.cpu(), time.monotonic(), triggerer.note()
            time.sleep(2 * interval)
            intervals = (time.monotonic() - began) / interval
            asked, cpu = server.requests() - asked, triggerer.cpu() - cpu
            memory = triggerer.memory() - memory
            delays = [] if way == "sleeping" else _delays(triggerer, server, count, interval)
            late = triggerer.note()
            lateness = late["late"], late["late_of_code"]
            return Wait(way, count, asked / intervals, cpu / intervals, *lateness, memory, delays)


def _delays(triggerer: Triggerer, server: Server, count: int, interval: float) -> list[float]:
    numbers = range(0, count, max(1, count // ENDED))
    ends = server.end(numbers, over=interval)
    triggerer.wait_for(lambda: len(triggerer.events()) >= len(ends), f"{len(ends)} events")
    events = triggerer.events()
    wrong = [said for _, said in events.values() if "error" in said]
    if wrong or set(events) != set(ends):
        raise RuntimeError(f"{len(events)} events came for {len(ends)} ends; of errors: {wrong[:1]}")
    return [events[number][0] - ends[number] for number in ends]


def measure(*, quick: bool, interval: float | None = None, rounds: int | None = None) -> Section:
    """
    Wait with each kind of trigger, in growing numbers.

    :param quick: fewer triggers, a short interval and one round.
    :param interval: seconds between two looks.
    :param rounds: how many processes each.
    """
    interval = interval or (4.0 if quick else INTERVAL)
    counts, most_of_peers = ((100, 1000), 100) if quick else ((100, 1000, 10_000), 1000)
    rounds = rounds or (1 if quick else 3)
    conditions = (
        f"An interval is {interval:g} s. Medians of {rounds} process(es) each, in turns; the last column is the "
        f"longest of all. {versions(*PEERS)}."
    )
    columns = (
        "triggers",
        "number",
        "requests an interval",
        "processor s an interval",
        "loop late by, ms",
        "by code, ms",
    )
    section = Section(
        "waits", "Waiting triggers", (*columns, "KiB each", "median delay, s", "longest, s"), conditions
    )
    for count in counts:
        ways = [way for way in WAYS if way in OURS_AND_NONE or count <= most_of_peers]
        runs: dict[str, list[Wait]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                runs[way].append(waited(way, count, interval))
        found = {way: _median(each) for way, each in runs.items()}
        section.rows += [_row(each, found["sleeping"]) for each in found.values()]
    section.targets = _targets(found["ours"], found["sleeping"], interval)
    section.notes.append(f"The peers were not run with more than {most_of_peers:,} triggers.")
    return section


def _median(runs: Sequence[Wait]) -> Wait:
    names = ("requests", "cpu", "late", "late_of_code", "memory")
    medians = {name: statistics.median(getattr(run, name) for run in runs) for name in names}
    return replace(runs[0], **medians, delays=[delay for run in runs for delay in run.delays])


def _row(found: Wait, base: Wait) -> tuple[str, ...]:
    above = "" if found.way == "sleeping" else f"{(found.memory - base.memory) / (found.count - FIRST) / 1024:.1f}"
    delays = [f"{statistics.median(found.delays):.1f}", f"{max(found.delays):.1f}"] if found.delays else ["", ""]
    numbers = (
        f"{found.requests:.0f}",
        f"{found.cpu:.2f}",
        f"{found.late * 1000:.0f}",
        f"{found.late_of_code * 1000:.0f}",
    )
    return (found.way, f"{found.count:,}", *numbers, above, *delays)


def _targets(found: Wait, base: Wait, interval: float) -> list[Target]:
    many = f"{found.count:,} waits"
    each = (found.memory - base.memory) / (found.count - FIRST) / 1024
    return [
        Target(f"{many}, requests an interval", found.requests, 20.0, "requests"),
        Target(f"{many}, longest block of the loop", found.late * 1000, 100.0, "ms"),
        Target(f"{many}, longest block of the loop by code", found.late_of_code * 1000, 100.0, "ms"),
        Target(f"{many}, memory each above Airflow's own", each, 4.0, "KiB"),
        Target(f"{many}, from the end to the event", max(found.delays), interval + 1.0, "s"),
    ]
