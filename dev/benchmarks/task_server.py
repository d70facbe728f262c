"""
A fast server that only has tasks, so that the cost of a client is not hidden by a slow server.

``python -m dev.benchmarks.task_server [--tls CERTIFICATE KEY] [--tasks N]`` prints its port. It answers GET only:

- ``/api/v3/task/GUID`` and ``/api/v3/task`` as EnergyCAP does, with pages; it ignores filters and field reduction,
so
  that no answer is shorter than in the worst case.
- ``/api/v2/accounts/A/runs/N/`` as dbt Cloud does, for the same tasks by number.
- ``/counts``, for the benchmark: the number of requests so far.
- ``/end?tasks=N,N,...&over=SECONDS``, for the benchmark: let tasks end one after the other, spread evenly over the
  seconds. The answer has their times by the monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import time
from urllib.parse import parse_qs

ALL_FIELDS = {
    "status": "Running",
    "message": None,
    "beginDate": "2026-03-30T10:00:00.000Z",
    "endDate": None,
    "taskNote": "af:0123456789abcdef 2026-03",
    "analyzingCount": 0,
    "unresolvedFlagCount": 0,
    "currentSuccessCount": 1200,
    "batch": {"batchId": 77, "batchCode": "2026-03"},
    "user": {"userId": 3, "userCode": "airflow", "fullName": "Airflow"},
}
DBT_RUNNING, DBT_SUCCESS = 3, 10


def guid_of(number: int) -> str:
    """Return the GUID of the task with a number."""
    return f"{number:08x}-0000-4000-8000-000000000000"


class Tasks:
    """
    The tasks, kept as the bytes of their answers.

    :param count: number of tasks; at first, all of them run.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.ended: set[int] = set()
        self.requests = {"task": 0, "list": 0, "dbt": 0}
        self.shown = [self._shown(number, False) for number in range(count)]

    def _shown(self, number: int, ended: bool) -> bytes:
        task = {"taskId": number + 1, "taskGUId": guid_of(number), **ALL_FIELDS}
        task["taskType"] = {"taskTypeId": 11, "taskTypeCode": "BillImport", "taskTypeInfo": "Bill Import"}
        task["beginDate"] = self._now()
        if ended:
            task.update(status="Completed", endDate=self._now())
        return json.dumps(task).encode()

    @staticmethod
    def _now() -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())

    def end(self, number: int) -> None:
        """End a task now."""
        self.ended.add(number)
        self.shown[number] = self._shown(number, True)

    def answer(self, target: str) -> tuple[bytes, bytes]:
        """Return further headers and the body of the answer to a GET."""
        path, _, query = target.partition("?")
        if path.startswith("/api/v3/task/"):
            self.requests["task"] += 1
            return b"", self.shown[int(path[13:21], 16)]
        if path == "/api/v3/task":
            self.requests["list"] += 1
            return self._page(query)
        if path.startswith("/api/v2/accounts/"):
            self.requests["dbt"] += 1
            number = int(path.split("/")[6])
            status = DBT_SUCCESS if number in self.ended else DBT_RUNNING
            return b"", json.dumps({"data": {"id": number, "status": status}}).encode()
        if path == "/counts":
            return b"", json.dumps(self.requests).encode()
        if path == "/end":
            return b"", json.dumps(self._end_later(query)).encode()
        return b"", b"{}"

    def _page(self, query: str) -> tuple[bytes, bytes]:
        asked = parse_qs(query)
        size = min(int(asked.get("pageSize", ["250"])[0]), 1000)
        number = int(asked.get("pageNumber", ["1"])[0])
        headers = f"PageNumber: {number}\r\nPageSize: {size}\r\nTotalNumberOfRecords: {self.count}\r\n"
        headers += f"TotalPages: {-(-self.count // size)}\r\n"
        return headers.encode(), b"[" + b",".join(self.shown[(number - 1) * size : number * size]) + b"]"

    def _end_later(self, query: str) -> dict[str, float]:
        asked = parse_qs(query)
        numbers = [int(number) for number in asked["tasks"][0].split(",")]
        loop, step = asyncio.get_running_loop(), float(asked["over"][0]) / len(numbers)
        moments = {}
        for place, number in enumerate(numbers):
            moments[str(number)] = loop.time() + place * step
            loop.call_at(moments[str(number)], self.end, number)
        return moments


class Connection(asyncio.Protocol):
    """
    One connection of a client.

    :param tasks: the tasks.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete. No request has a body."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            headers, body = self._tasks.answer(head.split(b" ", 2)[1].decode())
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
            start = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n"
            self._transport.write(start.encode() + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)


async def serve(count: int, certificate: tuple[str, str] | None) -> None:
    """Print a port, and serve there until the process ends."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    tasks = Tasks(count)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(tasks), "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.task_server")
    parser.add_argument("--tasks", type=int, default=1)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.tasks, tuple(arguments.tls) if arguments.tls else None))


if __name__ == "__main__":
    main()
