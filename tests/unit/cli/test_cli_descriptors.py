"""``ocppflow csms`` with few descriptors, as a user starts it: nobody who is in is lost, and it does not spin."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_world import stop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 and /proc are Linux's"),
]

APP = "from ocppflow import CSMS\ncsms = CSMS()\n"
LIMIT = 128

AppFile = Callable[..., Path]
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None;"


class Server:
    """``ocppflow csms`` in a process with few descriptors, and all that connects to it."""

    def __init__(self, app: str, *, uvloop: bool, soft: int, hard: int) -> None:
        code = (
            f"{'' if uvloop else WITHOUT_UVLOOP}import resource, sys;"
            f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
            f"sys.argv = ['ocppflow', 'csms', '--app', {app!r}, '--no-auth', '--listen', 'ws://0.0.0.0:0/ocpp'];"
            "from ocppflow.cli import main; main()"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
        self.sockets: list[socket.socket] = []
        assert self.process.stderr is not None
        listens = next(line for line in self.process.stderr if "connect to ws://" in line)
        self.port = int(listens.partition("machine>:")[2].partition("/")[0])

    def connect(self, source: str) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self.port), 10, (source, 0))
        self.sockets.append(one)
        return one

    def ask(self, source: str, identity: str) -> tuple[socket.socket, bytes]:
        one = self.connect(source)
        one.sendall(
            f"GET /ocpp/{identity} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n".encode()
        )
        return one, one.recv(4096)

    def end(self) -> str:
        """What it has logged, once nobody is connected, and it has been told to stop."""
        self.hang_up()
        return stop(self.process, signal.SIGTERM)

    def hang_up(self) -> None:
        for each in self.sockets:
            each.close()

    def close(self) -> None:
        self.hang_up()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def serve(app_file: AppFile) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def one(**how: int) -> Server:
        servers.append(Server(f"{app_file(APP)}:csms", **how))
        return servers[-1]

    yield one
    for each in servers:
        each.close()


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def narrow(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Server:
    if request.param:
        pytest.importorskip("uvloop")
    return serve(uvloop=request.param, soft=LIMIT, hard=LIMIT)


def _cpu_seconds(process: subprocess.Popen[str]) -> float:
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ping(station: socket.socket) -> bytes:
    station.sendall(b"\x89\x80\x00\x00\x00\x00")
    return station.recv(2)


def test_a_flood_of_connections_takes_the_place_of_itself_alone(narrow: Server) -> None:
    station, answer = narrow.ask("127.0.0.2", "IN")
    assert b" 101 " in answer
    for _ in range(2 * LIMIT):
        narrow.connect("127.0.0.66")
    late, answer = narrow.ask("127.0.0.3", "LATE")
    assert b" 101 " in answer
    assert _ping(station) == _ping(late) == b"\x8a\x00"
    log = narrow.end()
    assert log.count("RLIMIT_NOFILE") == 1
    assert "ulimit -n" in log
    assert len(log) < 20_000


def test_where_all_are_stations_newcomers_are_refused_without_spinning(narrow: Server) -> None:
    asked = [narrow.ask("127.0.0.2", f"IN{number}") for number in range(LIMIT)]
    inside = [one for one, answer in asked if b" 101 " in answer]
    refused = [answer for _, answer in asked if b" 101 " not in answer]
    assert len(inside) > LIMIT // 2
    assert refused
    assert all(b" 503 " in answer and b"Retry-After: " in answer for answer in refused)
    before = _cpu_seconds(narrow.process)
    time.sleep(1)  # what it does when nothing happens can only be seen when nothing happens
    assert _cpu_seconds(narrow.process) - before < 0.5
    assert _ping(inside[-1]) == b"\x8a\x00"
    for one in inside[:20]:
        one.close()
    deadline = time.monotonic() + 10
    while b" 101 " not in narrow.ask("127.0.0.3", "LATE")[1]:
        assert time.monotonic() < deadline
    log = narrow.end()
    assert log.count("RLIMIT_NOFILE") == 1


def test_it_takes_as_many_descriptors_as_it_may_have(serve: Callable[..., Server]) -> None:
    wide = serve(uvloop=False, soft=64, hard=512)
    assert all(b" 101 " in wide.ask("127.0.0.2", f"IN{number}")[1] for number in range(100))
