"""
The cost of one GET of a task: through the hook, with a bare session, and with EnergyCAP's own client.

Each call sends a request on an open connection, and reads and parses the answer. The clients take turns, call by
call, in one process, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

import requests

from dev.benchmarks.children import json_from_python, serving
from dev.benchmarks.peers import energycap_sdk
from dev.benchmarks.results import Section, Target, versions
from dev.benchmarks.task_server import guid_of
from dev.support.environment import connection_variable
from eci_provider.api.tasks import POLL_FIELDS
from eci_provider.hooks.eci import EciHook

KEY = "K" * 40
WITHOUT_ENVIRONMENT, PLAIN = "requests.Session, environment not read", "requests.Session as it is"
OURS, SDK = "EciHook", "EnergyCapSdk"
NUMBER = 0


def _ours(url: str) -> Callable[[], object]:
    hook, guid = EciHook(), guid_of(NUMBER)
    return lambda: hook.get_conn().tasks.get(guid).task_guid


def _session(url: str, *, read_environment: bool) -> Callable[[], object]:
    session, address = requests.Session(), f"{url}/api/v3/task/{guid_of(NUMBER)}"
    session.trust_env = read_environment
    session.headers.update({"ECI-ApiKey": KEY, "Content-Type": "application/json"})
    query = {"field": ",".join(POLL_FIELDS)}  # the same request as the hook's

    def get() -> object:
        response = session.get(address, params=query, timeout=(10.0, 60.0), allow_redirects=False)
        response.raise_for_status()
        return response.json()["taskGUId"]

    return get


def _sdk(url: str) -> Callable[[], object]:
    client, guid = energycap_sdk(url, KEY), guid_of(NUMBER)
    return lambda: client.get_task(guid).task_gu_id


WAYS: dict[str, Callable[[str], Callable[[], object]]] = {
    OURS: _ours,
    WITHOUT_ENVIRONMENT: lambda url: _session(url, read_environment=False),
    PLAIN: lambda url: _session(url, read_environment=True),
    SDK: _sdk,
}


def calls(url: str, count: int) -> dict[str, list[list[float]]]:
    """
    Call with each client in turns.

    :param count: number of calls with each.
    :return: by client, elapsed and processor seconds of each call.
    """
    ways = {name: prepare(url) for name, prepare in WAYS.items()}
    for call in ways.values():
        for _ in range(20):  # to open connections and fill caches
            if call() != guid_of(NUMBER):
                raise RuntimeError("a client returned the wrong task")
    taken: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(count):
        for name, call in ways.items():
            start, cpu = time.perf_counter(), time.process_time()
            call()
            taken[name].append([time.perf_counter() - start, time.process_time() - cpu])
    return taken


def measure(*, quick: bool) -> Section:
    """
    Call a server in another process, from several processes.

    :param quick: whether to make fewer calls.
    """
    count, rounds = (200, 2) if quick else (1000, 5)
    walls: dict[str, list[float]] = {name: [] for name in WAYS}
    cpus: dict[str, list[float]] = {name: [] for name in WAYS}
    with serving("dev.benchmarks.task_server") as port:
        url = f"http://127.0.0.1:{port}"
        connection = connection_variable(url, KEY)
        for _ in range(rounds):
            arguments = ["-m", "dev.benchmarks.get", url, str(count)]
            for name, taken in json_from_python(arguments, **connection).items():
                walls[name].append(statistics.median(wall for wall, _ in taken))
                cpus[name].append(statistics.fmean(cpu for _, cpu in taken))
    wall = {name: statistics.median(each) * 1000 for name, each in walls.items()}
    cpu = {name: statistics.median(each) * 1000 for name, each in cpus.items()}
    conditions = (
        f"{count} calls each, in turns, in {rounds} processes; medians. {versions('requests', 'EnergyCapSdk')}."
    )
    section = Section("get", "One GET", ("client", "ms", "processor ms", "ours, times this"), conditions)
    section.rows = [
        (name, f"{wall[name]:.3f}", f"{cpu[name]:.3f}", f"{wall[OURS] / wall[name]:.2f}") for name in WAYS
    ]
    section.targets = [
        Target(
            "ours to a bare session that does not read the environment",
            wall[OURS] / wall[WITHOUT_ENVIRONMENT],
            1.25,
        ),
        Target("ours to EnergyCapSdk", wall[OURS] / wall[SDK], 1.0),
    ]
    return section


if __name__ == "__main__":
    print(json.dumps(calls(sys.argv[1], int(sys.argv[2]))))
