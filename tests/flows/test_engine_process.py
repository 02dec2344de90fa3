"""``ocppflow engine`` as a process: pipes, a Unix socket, its end; no line on stdout that is not of the protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # each test starts processes

PATIENCE = 10.0
SECRET = "a-long-password-1"
COMMAND = [sys.executable, "-m", "ocppflow", "engine"]
HELLO = {"op": "hello", "protocol": 1}
CSMS = {
    "op": "create",
    "node": "m",
    "type": "CSMS",
    "config": {"port": 0, "host": "127.0.0.1", "path": "/ocpp"},
    "credentials": {"basic_auths": {"CS1": SECRET}},
}


class Lines:
    """Lines to an engine and back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, *lines: dict[str, Any] | bytes) -> None:
        for line in lines:
            self.writer.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

    async def next(self, op: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                line = json.loads(await self.reader.readline())
                if line["op"] == op:
                    return line

    async def rest(self) -> list[dict[str, Any]]:
        """All lines up to the end."""
        data = await asyncio.wait_for(self.reader.read(), PATIENCE)
        return [json.loads(line) for line in data.splitlines()]


class Process(Lines):
    """An engine in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        super().__init__(process.stdout, process.stdin)
        self.process = process

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def station(self, port: int, node: str = "s") -> None:
        config = {"cbId": "CS1", "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}}
        self.say({"op": "create", "node": node, "type": "CS", "config": config, "credentials": {"csms_pw": SECRET}})
        while (await self.next("output"))["node"] != node:
            pass


@pytest.fixture
async def start() -> AsyncIterator[Any]:
    started: list[asyncio.subprocess.Process] = []

    async def make(*arguments: str, **settings: Any) -> asyncio.subprocess.Process:
        settings = {
            "stdin": asyncio.subprocess.PIPE,
            "stdout": asyncio.subprocess.PIPE,
            "stderr": asyncio.subprocess.PIPE,
            "limit": 2**26,
            **settings,
        }
        process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, **settings)
        started.append(process)
        return process

    yield make
    for process in started:
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        if process.stdout is not None:
            process._transport.close()


async def test_end_of_input_closes_everything_in_order_with_1001(start):
    engine = Process(await start())
    engine.say(HELLO, CSMS)
    port = (await engine.next("created"))["port"]
    await engine.station(port)
    engine.writer.close()
    lines = await engine.rest()
    assert await engine.ended() == 0
    assert lines[-1] == {"op": "bye", "reason": "end of input"}
    closed = [line for line in lines if line["op"] == "output"]
    assert {line["msg"]["payload"]["code"] for line in closed} == {1001}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_closes_everything_in_order(start, number):
    engine = Process(await start())
    engine.say(HELLO, CSMS)
    await engine.station((await engine.next("created"))["port"])
    engine.process.send_signal(number)
    lines = await engine.rest()
    assert await engine.ended() == 0
    assert lines[-1] == {"op": "bye", "reason": "terminated"}
    assert 1001 in {line["msg"]["payload"].get("code") for line in lines if line["op"] == "output"}


@pytest.mark.slow
@pytest.mark.parametrize("twice", [False, True])
async def test_a_deaf_station_and_a_runtime_that_reads_nothing_do_not_delay_the_end(start, twice):
    engine = Process(await start())
    engine.say(HELLO, CSMS)
    port = (await engine.next("created"))["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    basic = base64.b64encode(f"CS1:{SECRET}".encode()).decode()
    lines = [
        "GET /ocpp/CS1 HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: ocpp2.0.1",
        f"Authorization: Basic {basic}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    engine.process.send_signal(signal.SIGTERM)
    begun = asyncio.get_running_loop().time()
    if twice:
        await asyncio.sleep(0.6)  # what comes sooner is an echo
        begun = asyncio.get_running_loop().time()
        engine.process.send_signal(signal.SIGTERM)
    assert await engine.ended() == (130 if twice else 0)
    assert asyncio.get_running_loop().time() - begun < (0.5 if twice else 6.0)
    writer.close()


async def test_a_runtime_that_dies_takes_the_engine_with_it(start):
    """Both pipes break at once, as when the runtime is killed."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    process = await start(stdin=their_in, stdout=their_out)
    os.close(their_in)
    os.close(their_out)
    os.write(our_out, json.dumps(HELLO).encode() + b"\n" + json.dumps(CSMS).encode() + b"\n")
    os.read(our_in, 10)
    os.close(our_in)
    os.close(our_out)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert b"Traceback" not in await process.stderr.read()


async def test_broken_lines_get_error_lines_and_never_an_exit(start):
    engine = Process(await start())
    engine.say(HELLO, b"nonsense", b"", b"   ", b"{}", b"\xff\xfe", b"[" * 50_000, b"x" * (9 * 2**20), {"op": "ping"})
    codes = []
    while (line := json.loads(await engine.reader.readline()))["op"] != "pong":
        if line["op"] == "error":
            codes.append(line["code"])
    assert codes == ["bad_json", "bad_field", "bad_json", "bad_json", "too_long"]


async def test_a_last_line_without_a_newline_counts(start):
    engine = Process(await start())
    engine.say(HELLO)
    engine.writer.write(b'{"op":"ping","ref":"last"}')
    engine.writer.close()
    assert any(line.get("ref") == "last" for line in await engine.rest())


async def test_input_and_output_may_be_files(start, tmp_path):
    (tmp_path / "in").write_text(json.dumps(HELLO) + "\n" + json.dumps({"op": "ping"}) + "\n")
    with (tmp_path / "in").open() as lines_in, (tmp_path / "out").open("wb") as lines_out:
        process = await start(stdin=lines_in, stdout=lines_out)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    lines = [json.loads(line)["op"] for line in (tmp_path / "out").read_text().splitlines()]
    assert lines == ["hello", "pong", "bye"]


async def test_the_log_comes_as_lines_and_its_level_can_be_chosen(start):
    engine = Process(await start())
    engine.say(HELLO, CSMS)
    line = await engine.next("log")
    assert (line["level"], line["logger"]) == ("info", "ocppflow.transport")
    assert "listening" in line["text"]
    engine.say({**HELLO, "log": "off"}, {**CSMS, "node": "m2"}, {"op": "close", "node": "m2"})
    while (line := json.loads(await engine.reader.readline()))["op"] != "closed":
        assert line["op"] != "log" or "m2" not in line["text"]
    engine.writer.close()
    lines = await engine.rest()
    assert [line["op"] for line in lines] == ["bye"]
    assert await engine.process.stderr.read() == b""


async def test_a_slow_reader_does_not_blow_memory_up(start):
    """60 MB of answers to a runtime that does not read: the engine stops reading, and nothing is lost."""
    engine = Process(await start(limit=2**16))
    engine.say(HELLO, {**CSMS, "config": {**CSMS["config"], "port": 0}})
    await engine.next("created")
    big = "x" * 100_000
    count = 600
    msg = {"payload": {"msgType": 99, "command": "connections"}, "big": big}
    line = json.dumps({"op": "input", "node": "m", "msg": msg}).encode() + b"\n"

    async def write() -> None:
        for _ in range(count):
            engine.writer.write(line)
            await engine.writer.drain()

    writing = asyncio.ensure_future(write())
    assert not (await asyncio.wait({writing}, timeout=0.5))[0], "the engine took everything in without being read"
    assert _resident(engine.process.pid) < 150 * 2**20
    outputs = 0
    engine.reader._limit = 2**26
    async with asyncio.timeout(PATIENCE):
        while outputs < count:
            outputs += b'"output"' in (await engine.reader.readline())[:200]
    await writing


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def _attach(path: Path) -> Lines:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return Lines(*await asyncio.open_unix_connection(str(path), limit=2**26))
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.01)  # until the process listens; there is no event to wait for


async def test_several_runtimes_attach_to_a_socket_one_after_another(start, tmp_path):
    path = tmp_path / "engine.sock"
    process = await start("--socket", str(path))
    first = await _attach(path)
    await first.next("hello")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first.say(HELLO, CSMS)
    port = (await first.next("created"))["port"]

    second = await _attach(path)
    assert [line["code"] for line in await second.rest()] == ["busy"]
    second.writer.close()

    first.writer.write_eof()
    assert (await first.rest())[-1] == {"op": "bye", "reason": "end of input"}
    first.writer.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0

    third = await _attach(path)
    await third.next("hello")
    third.say({"op": "ping"})
    assert (await third.next("error"))["code"] == "no_hello"
    third.say(HELLO, {**CSMS, "config": {**CSMS["config"], "port": port}})
    assert (await third.next("created"))["port"] == port

    process.send_signal(signal.SIGTERM)
    assert (await third.rest())[-1] == {"op": "bye", "reason": "terminated"}
    third.writer.close()
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert not path.exists()


async def test_a_runtime_at_the_socket_that_is_killed_makes_room_for_the_next(start, tmp_path):
    path = tmp_path / "engine.sock"
    await start("--socket", str(path))
    first = await _attach(path)
    first.say(HELLO, CSMS)
    await first.next("created")
    first.writer.transport.abort()
    async with asyncio.timeout(PATIENCE):
        while True:
            second = await _attach(path)
            line = json.loads(await second.reader.readline())
            if line["op"] == "hello":
                break
            assert line["code"] == "busy"
            second.writer.close()
    second.writer.close()


async def test_the_socket_of_a_dead_engine_is_replaced_but_nothing_else(start, tmp_path):
    path = tmp_path / "engine.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    await start("--socket", str(path))
    runtime = await _attach(path)
    await runtime.next("hello")
    other = await start("--socket", str(path))
    assert await asyncio.wait_for(other.wait(), PATIENCE) == 2
    assert b"another engine serves" in await other.stderr.read()
    runtime.writer.close()
    file = tmp_path / "file"
    file.write_text("precious")
    refused = await start("--socket", str(file))
    assert await asyncio.wait_for(refused.wait(), PATIENCE) == 2
    assert b"is not a socket" in await refused.stderr.read()
    assert file.read_text() == "precious"


async def test_a_crash_leaves_no_core_file_with_passwords_in_it(start):
    engine = Process(await start())
    await engine.next("hello")
    limits = await asyncio.to_thread(Path(f"/proc/{engine.process.pid}/limits").read_text)
    assert next(line for line in limits.splitlines() if "core file" in line).split()[4] == "0"


async def test_it_ends_in_time_although_nobody_reads_or_says_goodbye(start):
    """SIGTERM with a station that is deaf and a runtime that does not read: at most 5 s, which is what some container
    runtimes allow."""
    engine = Process(await start(limit=2**16))
    engine.say(HELLO, CSMS)
    port = (await engine.next("created"))["port"]
    basic = base64.b64encode(f"CS1:{SECRET}".encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        "GET /ocpp/CS1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Authorization: Basic {basic}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readline()
    await engine.next("output")
    line = json.dumps({"op": "x" * 60}).encode() + b"\n"
    engine.writer.write(line * 50_000)  # 8 MB of answers
    engine.writer.transport.set_write_buffer_limits(0)
    began = time.monotonic()
    engine.process.send_signal(signal.SIGTERM)
    gone = asyncio.Event()  # the process itself: asyncio waits for its pipes as well
    fd = os.pidfd_open(engine.process.pid)
    asyncio.get_running_loop().add_reader(fd, gone.set)
    await asyncio.wait_for(gone.wait(), PATIENCE)
    took = time.monotonic() - began
    asyncio.get_running_loop().remove_reader(fd)
    os.close(fd)
    assert took < 5
    await engine.reader.read()
    assert await engine.ended() == 0
    writer.close()
