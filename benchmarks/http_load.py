"""A load generator on loopback, in a process of its own: python -m benchmarks.http_load FILE.

FILE is JSON: port, requests (path and body), count, and either clients (each sends its next request
after an answer) or rate (requests per second at fixed times; a late answer delays no other request,
and its time counts from the planned moment). Writes JSON to the file `answer`: milliseconds of each
request in the order of the answers, seconds, statuses.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

CONNECTIONS = 64


class Connection(asyncio.Protocol):
    """One connection that is kept open. `answered(status)` is called after each answer."""

    def __init__(self, answered: Any) -> None:
        self.answered = answered
        self.received = b""
        self.needed = -1

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.needed < 0:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.received[:end].lower()
            place = head.find(b"content-length:") + 15
            self.needed = end + 4 + int(head[place : head.find(b"\r", place) % (len(head) + 1)])
        if len(self.received) >= self.needed:
            status = int(self.received[9:12])
            self.received, self.needed = b"", -1
            self.answered(self, status)


def encoded(request: dict[str, Any], port: int) -> bytes:
    """The bytes of a POST."""
    body = json.dumps(request["body"]).encode()
    head = (
        f"POST {request['path']} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def closed_loop(plan: dict[str, Any]) -> tuple[list[float], Counter[int]]:
    """Each client waits for its answer before it sends the next request."""
    messages = [encoded(request, plan["port"]) for request in plan["requests"]]
    times, statuses = [], Counter[int]()
    began: dict[Any, float] = {}
    sent, done = 0, asyncio.get_running_loop().create_future()

    def send(connection: Connection) -> None:
        nonlocal sent
        began[connection] = time.perf_counter()
        connection.transport.write(messages[sent % len(messages)])
        sent += 1

    def answered(connection: Connection, status: int) -> None:
        times.append((time.perf_counter() - began[connection]) * 1000)
        statuses[status] += 1
        if sent < plan["count"]:
            send(connection)
        elif len(times) == plan["count"] and not done.done():
            done.set_result(None)

    loop = asyncio.get_running_loop()
    for _ in range(plan["clients"]):
        _, connection = await loop.create_connection(
            lambda: Connection(answered), "127.0.0.1", plan["port"]
        )
        send(connection)
    await done
    return times, statuses


async def open_loop(plan: dict[str, Any]) -> tuple[list[float], Counter[int]]:
    """Requests at fixed times, on the connections that are free."""
    messages = [encoded(request, plan["port"]) for request in plan["requests"]]
    times, statuses, free = [], Counter[int](), deque[Connection]()
    planned: dict[Any, float] = {}
    waiting: deque[tuple[float, bytes]] = deque()
    done = asyncio.get_running_loop().create_future()

    def answered(connection: Connection, status: int) -> None:
        times.append((time.perf_counter() - planned[connection]) * 1000)
        statuses[status] += 1
        free.append(connection)
        flush()
        if len(times) == plan["count"] and not done.done():
            done.set_result(None)

    def flush() -> None:
        while waiting and free:
            moment, message = waiting.popleft()
            connection = free.popleft()
            planned[connection] = moment
            connection.transport.write(message)

    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(
            lambda: Connection(answered), "127.0.0.1", plan["port"]
        )
        free.append(connection)
    start, period = time.perf_counter() + 0.1, 1 / plan["rate"]
    for number in range(plan["count"]):
        moment = start + number * period
        delay = moment - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        waiting.append((moment, messages[number % len(messages)]))
        flush()
    await done
    return times, statuses


def main() -> None:
    """Run the plan of a file."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    gc.disable()
    began = time.perf_counter()
    run = open_loop if "rate" in plan else closed_loop
    try:
        import uvloop

        times, statuses = uvloop.run(run(plan))
    except ImportError:
        times, statuses = asyncio.run(run(plan))
    seconds = time.perf_counter() - began
    # Not to the pipe of standard output, which the event loop leaves non-blocking.
    answer = {"times": times, "seconds": seconds, "statuses": statuses}
    Path(plan["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
