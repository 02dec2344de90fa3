"""``ocppflow csms`` ends when it is told to, whatever peers, handlers, threads and readers of its log do."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_world import Authority

pytestmark = pytest.mark.slow

GRACE = 1.0
APP = """
import asyncio, concurrent.futures, time
from ocppflow import CSMS, v201
csms = CSMS(grace=1.0)
pool = concurrent.futures.ThreadPoolExecutor()

async def swallows(*_):
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def in_a_thread(*_):
    await asyncio.to_thread(time.sleep, 3600)

async def in_a_pool(*_):
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 3600)

async def generator(*_):
    async def numbers():
        try:
            yield 1
        finally:
            await swallows()
    async for _ in numbers():
        await asyncio.Event().wait()

def sleeps(*_):
    time.sleep(3600)

def spins(*_):
    while True:
        pass

{handler}
"""
HEARTBEAT = b'[2,"1","Heartbeat",{}]'


class Ending(NamedTuple):
    code: int
    seconds: float
    log: str


class Running:
    """A CSMS in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path, tls: ssl.SSLContext | None) -> None:
        self.process = process
        self.port = port
        self._log = log
        self._tls = tls
        self.peers: list[socket.socket] = []

    def peer(self, identity: str = "CS1") -> socket.socket:
        """A station that has been let in, and reads nothing from then on."""
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        peer = self._tls.wrap_socket(plain, server_hostname="127.0.0.1") if self._tls is not None else plain
        self.peers.append(peer)
        lines = [
            f"GET /ocpp/{identity} HTTP/1.1",
            "Host: 127.0.0.1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol: ocpp2.0.1",
        ]
        peer.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in peer.recv(4096)
        return peer

    def half_open(self, begins: bytes = b"") -> None:
        """A peer whose handshake does not go on."""
        peer = socket.create_connection(("127.0.0.1", self.port), 10)
        self.peers.append(peer)
        peer.sendall(begins)

    def heartbeat(self, identity: str = "CS1") -> None:
        """Have the handler under test called."""
        masked = bytes([0x81, 0x80 | len(HEARTBEAT), 0, 0, 0, 0]) + HEARTBEAT
        self.peer(identity).sendall(masked)
        time.sleep(0.3)  # until it is at work; nothing tells of it

    def end(self, *, twice: bool) -> Ending:
        """Tell it once, or twice; how it ended, and how long after it was last told."""
        self.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        if twice:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.6)  # what comes sooner is an echo
            begun = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        seconds = time.monotonic() - begun
        return Ending(code, seconds, self._log.read_text() if self._log.is_file() else "")


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def run(handler: str = "", *options: str, authority: Authority | None = None, stderr: int = -1) -> Running:
            app, log = tmp_path / "shop.py", tmp_path / "log"
            app.write_text(APP.format(handler=f"csms.on(v201.HeartbeatRequest)({handler})" if handler else ""))
            words = ["--app", f"{app}:csms", "--no-auth"]
            trust = None
            if authority is not None:
                cert, key = authority.issue("csms")
                words += ["--tls-cert", str(cert), "--tls-key", str(key)]
                trust = ssl.create_default_context(cafile=str(authority.certificate))
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            words += ["--listen", f"{'wss' if trust else 'ws'}://127.0.0.1:{port}/ocpp", *options]
            target = stack.enter_context(log.open("wb")) if stderr < 0 else stderr
            command = [sys.executable, "-m", "ocppflow", "csms", *words]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=target))
            stack.callback(process.kill)
            _until_it_listens(port, process)
            one = Running(process, port, log, trust)
            stack.callback(lambda: [peer.close() for peer in one.peers])
            return one

        yield run


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail("it does not listen")


def _in_time(ending: Ending, *, twice: bool) -> None:
    """Once: within the grace and a second. Twice: at once, give or take what a busy machine takes."""
    assert ending.seconds < (0.5 if twice else GRACE + 1.0), ending


TWICE = pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])


@TWICE
@pytest.mark.parametrize("count", [1, 200])
def test_stations_that_never_read_and_never_answer_the_close(start: Start, count: int, twice: bool) -> None:
    csms = start()
    for number in range(count):
        csms.peer(f"CS{number}")
    ending = csms.end(twice=twice)
    _in_time(ending, twice=twice)
    assert ending.code == (130 if twice else 0)
    assert "stopped" in ending.log
    assert twice or "left behind" not in ending.log


@TWICE
def test_stations_over_tls_and_handshakes_that_do_not_go_on(start: Start, tmp_path: Path, twice: bool) -> None:
    csms = start(authority=Authority(tmp_path))
    csms.peer()
    for begins in (b"", b"\x16\x03", b"GET"):
        csms.half_open(begins)
    ending = csms.end(twice=twice)
    _in_time(ending, twice=twice)
    assert ending.code == (130 if twice else 0)


@TWICE
@pytest.mark.parametrize("handler", ["swallows", "in_a_thread", "in_a_pool", "generator"])
def test_handlers_that_cannot_be_ended(start: Start, handler: str, twice: bool) -> None:
    csms = start(handler)
    csms.heartbeat()
    ending = csms.end(twice=twice)
    _in_time(ending, twice=twice)
    assert ending.code == (130 if twice else 0), ending.log
    assert "Traceback" not in ending.log
    assert "destroyed" not in ending.log


@TWICE
@pytest.mark.parametrize("log", [(), ("--json-log",)], ids=["plain", "json"])
@pytest.mark.parametrize("handler", ["sleeps", "spins"])
def test_a_handler_that_blocks_the_event_loop(start: Start, handler: str, log: tuple[str, ...], twice: bool) -> None:
    csms = start(handler, *log)
    csms.heartbeat()
    ending = csms.end(twice=twice)
    _in_time(ending, twice=twice)
    assert ending.code == 130
    said = ending.log.splitlines()[-1]
    assert ("once more" in said) if twice else (f" {handler}" in said and "shop.py" in said), said
    assert said.startswith("{") is bool(log)


@TWICE
def test_a_log_that_nobody_reads(start: Start, twice: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    csms = start("sleeps", stderr=writing)
    os.close(writing)
    csms.heartbeat()
    ending = csms.end(twice=twice)
    os.close(reading)
    _in_time(ending, twice=twice)
    assert ending.code == 130


@TWICE
def test_a_trace_that_nobody_reads(start: Start, tmp_path: Path, twice: bool) -> None:
    """A named pipe whose reader has stopped blocks whoever writes into it."""
    pipe = tmp_path / "trace.pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    csms = start("", "--trace", str(pipe))
    peer = csms.peer()
    masked = bytes([0x81, 0x80 | len(HEARTBEAT), 0, 0, 0, 0]) + HEARTBEAT
    with contextlib.suppress(BlockingIOError):
        peer.setblocking(False)
        for _ in range(100_000):
            peer.send(masked)
    time.sleep(0.3)
    ending = csms.end(twice=twice)
    os.close(reader)
    _in_time(ending, twice=twice)


def test_without_trouble_it_takes_a_moment(start: Start) -> None:
    csms = start()
    ending = csms.end(twice=False)
    assert ending.code == 0
    assert ending.seconds < 0.9
    assert "told to stop" not in ending.log


PROGRAM = """
import asyncio, time
from ocppflow import CSMS

class Own(CSMS):
    __slots__ = ()
    async def _begin_serving(self, *where, **how):
        await super()._begin_serving(*where, **how)
        print("up", flush=True)
        {then}

Own(grace=1.0).run("ws://127.0.0.1:0/ocpp")
print("went on", flush=True)
"""
BLOCKS = "asyncio.get_running_loop().call_later(0.1, time.sleep, 3600)"


@TWICE
@pytest.mark.parametrize("blocked", [False, True])
def test_a_csms_that_runs_as_a_program_ends_too(tmp_path: Path, blocked: bool, twice: bool) -> None:
    """``CSMS.run`` comes back when it ends in order; where its event loop is blocked, the process ends."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(then=BLOCKS if blocked else ""))
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        if twice:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.6)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - begun < (0.5 if twice else 2.0)
    assert process.returncode == (130 if blocked else 0), err
    assert ("went on" in out) is not blocked
    assert ("told to stop" in err) is blocked
