"""The load generator: one process, plain sockets, ready-made frames; the same for every server.

It reads one job as JSON from standard input and writes one line of JSON when the job is done. Run by the measures, not
by people: ``python -m benchmarks.load``.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.processes import cpu_seconds, machine_seconds, pin
from benchmarks.samples import SAMPLES, Frames, Sample, client_frame

STUCK = 30.0
"""Seconds without an answer after which a server counts as broken."""

LEAST_CPU = 0.1
"""Seconds of processor time below which the kernel's clock ticks are too coarse to count by."""


@dataclass
class Job:
    """What to do. ``kind`` is the name of a function below; ``pid`` is the server's, ``helper`` that of another process
    that serves with it."""

    kind: str
    port: int
    sample: str
    pid: int = 0
    helper: int = 0
    core: int = 0
    connections: int = 50
    seconds: float = 2.0
    warm_up: float = 0.2
    rate: float = 0.0
    deflate: bool = False
    passwords: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class Broken(Exception):
    """The server does not do what it should; the measurement would be worth nothing."""


def upgrade(job: Job, identity: str) -> bytes:
    """The HTTP request of a station."""
    lines = [
        f"GET /{identity} HTTP/1.1",
        f"Host: 127.0.0.1:{job.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SAMPLES[job.sample].subprotocol}",
    ]
    if job.deflate:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    if password := job.passwords.get(identity):
        lines.append("Authorization: Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode())
    return "\r\n".join([*lines, "", ""]).encode()


def connect(job: Job, identity: str) -> socket.socket:
    """A connection that is ready for messages."""
    sock = socket.create_connection(("127.0.0.1", job.port), timeout=STUCK)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(upgrade(job, identity))
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(4096)
        if not part:
            raise Broken(f"{identity}: the server hung up during the handshake: {head[:200]!r}")
        head += part
    status = head.split(b"\r\n", 1)[0]
    if b" 101 " not in status + b" ":
        raise Broken(f"{identity}: the server answered {status.decode()}")
    if job.deflate and b"permessage-deflate" not in head.lower():
        raise Broken(f"{identity}: the server did not agree to permessage-deflate")
    return sock


def text_of(frame: bytes) -> bytes | None:
    """The payload of a whole server frame; None if there is more to come."""
    if len(frame) < 2:
        return None
    length, start = frame[1], 2
    if length == 126:
        if len(frame) < 4:
            return None
        length, start = int.from_bytes(frame[2:4]), 4
    elif length == 127:
        raise Broken("an answer of more than 64 KiB")
    return frame[start : start + length] if len(frame) >= start + length else None


def check(frame: bytes, expected: bytes) -> bool:
    """Whether the answer is whole. Raises Broken unless it is the CALLRESULT that begins as expected."""
    text = text_of(frame)
    if text is None:
        return False
    if frame[0] != 0x81 or not text.startswith(expected):
        raise Broken(f"expected an answer that begins with {expected.decode()}, got {frame[:300]!r}")
    return True


def throughput(job: Job) -> dict[str, float]:
    """One CALL in flight on each connection, as fast as the server answers. Processor time of the server per message,
    and answers per second."""
    frames = Frames(SAMPLES[job.sample])
    poll = select.epoll()
    open_calls: dict[int, tuple[socket.socket, bytes]] = {}
    for number in range(job.connections):
        sock = connect(job, f"CS{number}")
        sock.settimeout(STUCK)
        poll.register(sock, select.EPOLLIN)
        frame, expected = frames.next()
        sock.send(frame)
        open_calls[sock.fileno()] = sock, expected
    partial: dict[int, bytes] = {}
    _answers(poll, open_calls, frames, partial, time.perf_counter() + job.warm_up)
    machine, server, helper = machine_seconds(), cpu_seconds(job.pid), _helper_seconds(job)
    own, started = time.process_time(), time.perf_counter()
    count = _answers(poll, open_calls, frames, partial, started + job.seconds)
    while cpu_seconds(job.pid) - server < LEAST_CPU:  # the machine was busy with something else
        if time.perf_counter() - started > STUCK:
            raise Broken(f"the server got less than {LEAST_CPU:g} s of processor time in {STUCK:g} s")
        count += _answers(poll, open_calls, frames, partial, time.perf_counter() + job.seconds)
    took = time.perf_counter() - started
    own_used, all_used = time.process_time() - own, machine_seconds() - machine
    helped = _helper_seconds(job) - helper
    used = cpu_seconds(job.pid) - server + helped
    for sock, _ in open_calls.values():
        sock.close()
    return {
        "messages": count,
        "rate": count / took,
        "cpu_us": used / count * 1e6,
        "helper_cpu_us": helped / count * 1e6,
        "server_busy": used / took,
        "client_busy": own_used / took,
        "others_busy": (all_used - used - own_used) / took,
    }


def _helper_seconds(job: Job) -> float:
    return cpu_seconds(job.helper) if job.helper else 0.0


def _answers(
    poll: select.epoll,
    open_calls: dict[int, tuple[socket.socket, bytes]],
    frames: Frames,
    partial: dict[int, bytes],
    until: float,
) -> int:
    count = 0
    while time.perf_counter() < until:
        ready = poll.poll(STUCK)
        if not ready:
            raise Broken(f"no answer within {STUCK:g} s")
        for fd, _ in ready:
            sock, expected = open_calls[fd]
            data = sock.recv(65536)
            if not data:
                raise Broken("the server closed a connection")
            if partial:
                data = partial.pop(fd, b"") + data
            if not check(data, expected):
                partial[fd] = data
                continue
            count += 1
            frame, expected = frames.next()
            open_calls[fd] = sock, expected
            sock.send(frame)
    return count


def latency(job: Job) -> dict[str, float]:
    """``rate`` calls a second in all, evenly spread: how long each answer takes, in microseconds. A call whose time has
    come while its connection is busy is late through the server's fault, so its wait counts."""
    frames = Frames(SAMPLES[job.sample])
    socks = [connect(job, f"CS{number}") for number in range(job.connections)]
    poll = select.epoll()
    by_fd = {sock.fileno(): sock for sock in socks}
    for sock in socks:
        poll.register(sock, select.EPOLLIN)
    waiting: dict[int, tuple[float, bytes]] = {}
    took: list[float] = []
    began = time.perf_counter()
    total = int((job.seconds + job.warm_up) * job.rate)
    sent = 0
    while sent < total or waiting:
        now = time.perf_counter()
        due = began + sent / job.rate
        fd = socks[sent % len(socks)].fileno()
        if sent < total and now >= due and fd not in waiting:
            frame, expected = frames.next()
            waiting[fd] = due, expected
            by_fd[fd].send(frame)
            sent += 1
            continue
        # Busy waiting below a millisecond: sleeping costs more precision than the answers take.
        for fd, _ in poll.poll(0 if sent < total else STUCK):
            started, expected = waiting.pop(fd)
            if not check(by_fd[fd].recv(65536), expected):
                raise Broken("an answer in pieces")
            took.append(time.perf_counter() - started)
        if now - began > 3 * (job.seconds + job.warm_up) + 5:
            raise Broken(f"{job.rate:g} messages a second are too many for this server")
    kept = sorted(took[int(job.warm_up * job.rate) :])
    return {"p50_us": kept[len(kept) // 2] * 1e6, "p99_us": kept[int(len(kept) * 0.99)] * 1e6, "messages": len(kept)}


def idle(job: Job) -> dict[str, Any]:
    """Open the connections, exchange one message on each, and hold them until standard input ends."""
    _held.extend(_one_message_each(job))
    return {"connections": len(_held)}


_held: list[socket.socket] = []


def _one_message_each(job: Job) -> Iterator[socket.socket]:
    sample: Sample = SAMPLES[job.sample]
    for number in range(job.connections):
        sock = connect(job, f"CS{number}")
        data = sample.call(number + 1)
        if job.deflate:
            packer = zlib.compressobj(wbits=-12)
            packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            sock.sendall(client_frame(packed[:-4], 0xC1))
        else:
            sock.sendall(client_frame(data))
        while not sock.recv(4096):
            raise Broken("the server closed a connection")
        yield sock


def storm(job: Job) -> dict[str, float]:
    """All stations connect at once, with passwords: seconds until the last is in."""
    poll = select.epoll()
    waiting: dict[int, socket.socket] = {}
    heads: dict[int, bytes] = {}
    socks: list[socket.socket] = []
    began = time.perf_counter()
    for identity in job.passwords:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", job.port))
        socks.append(sock)
        waiting[sock.fileno()] = sock
        heads[sock.fileno()] = upgrade(job, identity)
        poll.register(sock, select.EPOLLOUT)
    took: list[float] = []
    while waiting:
        ready = poll.poll(STUCK)
        if not ready:
            raise Broken(f"{len(waiting)} stations were not let in within {STUCK:g} s")
        for fd, what in ready:
            if what & select.EPOLLOUT:
                waiting[fd].send(heads[fd])
                poll.modify(fd, select.EPOLLIN)
                continue
            answer = waiting.pop(fd).recv(4096)
            poll.unregister(fd)
            if not answer.startswith(b"HTTP/1.1 101"):
                raise Broken(f"a station was not let in: {answer[:100]!r}")
            took.append(time.perf_counter() - began)
    return {"stations": len(took), "half_s": took[len(took) // 2], "all_s": took[-1]}


KINDS = {"throughput": throughput, "latency": latency, "idle": idle, "storm": storm}


def main() -> None:
    job = Job(**json.loads(sys.stdin.readline()))
    pin(job.core)
    try:
        result: dict[str, Any] = KINDS[job.kind](job)
    except (Broken, OSError) as error:
        result = {"error": str(error)}
    print(json.dumps(result), flush=True)
    if job.kind == "idle":
        sys.stdin.read()


if __name__ == "__main__":
    main()
