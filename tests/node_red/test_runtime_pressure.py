"""Neither side fills the other's memory: an engine that stands still, a Node-RED that does, and what each may see."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from runtime_flow import Tab
from runtime_peers import station
from runtime_process import PACKAGE, NodeRed
from test_runtime_engine import ends, run_node

HELLO = 'print(\'{"op":"hello","protocol":1,"version":"0.1.0","pid":1,"maxLine":1000000}\', flush=True)'


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], str]:
    """Makes a program that passes for an engine."""

    def make(code: str) -> str:
        path = tmp_path / "engine.py"
        path.write_text(f"import json, os, signal, sys, threading\n{HELLO}\n{textwrap.dedent(code)}", encoding="utf-8")
        return str(path)

    return make


SUPERVISED = """
    const times = { ping: 100, firstRetry: 10, close: 50 }
    const engine = new EngineSupervisor({ location: { argv: process.argv.slice(1) }, version: '0.1.0', log, times })
    const node = new RuntimeNode({ id: 'n', type: 'CSMS', status: show, send () {} }, {}, {}, () => {})
    engine.join(node)
    await ready()
"""


async def test_an_engine_that_is_stopped_fills_no_memory_and_is_replaced(fake):
    """A flow that floods it meanwhile gets errors; what was taken gets its error when the engine is given up."""
    said = await run_node(
        f"""
        {SUPERVISED}
        const again = shows('engine restarting')
        const codes = {{}}
        const count = error => {{ codes[error.code] = (codes[error.code] || 0) + 1 }}
        require('node:v8').setFlagsFromString('--expose_gc')
        const gc = require('node:vm').runInNewContext('gc')
        gc()
        const before = process.memoryUsage().heapUsed
        const payload = {{ command: 'Heartbeat', data: {{}} }}
        for (let n = 0; n < 400000; n++) engine.input(node, {{ payload: {{ ...payload, n }} }}, () => {{}}, count)
        await new Promise(resolve => setImmediate(resolve))
        gc()
        const mebibytes = Math.round((process.memoryUsage().heapUsed - before) / 2 ** 20)
        await again
        await ready()
        say(`${{Object.keys(codes).sort()}} ${{Object.values(codes).reduce((a, b) => a + b)}}`)
        say(mebibytes)
        """,
        sys.executable,
        fake("os.kill(os.getpid(), signal.SIGSTOP)"),
    )
    assert said[0] == "ConnectionLost,QueueFull 400000"
    assert int(said[1]) < 64


async def test_an_engine_that_talks_is_alive_however_late_its_answer_to_a_ping_is(fake):
    """The flow takes long for each msg, so the answer stands at the end of a long queue."""
    said = await run_node(
        f"""
        let lines = 0
        const all = new Promise(resolve => {{ log.debug = () => {{ if (++lines === 100) resolve() }} }})
        {SUPERVISED.replace("ping: 100", "ping: 10")}
        let restarted = false
        shows('engine restarting').then(() => {{ restarted = true }})
        await all
        say(restarted)
        """,
        sys.executable,
        fake(
            """
            while not threading.Event().wait(0.01):
                print(json.dumps({"op": "log", "level": "debug", "text": "x"}), flush=True)
            """
        ),
    )
    assert said == ["false"]


async def test_a_program_that_never_ends_a_line_is_given_up(fake):
    said = await run_node(
        f"""
        const why = new Promise(resolve => {{ log.error = text => {{ if (/no engine/.test(text)) resolve(text) }} }})
        {SUPERVISED.replace("ping: 100", "ping: 10000")}
        say(await why)
        """,
        sys.executable,
        fake('for _ in range(100): sys.stdout.write("x" * 2**20)'),
    )
    assert said[0].startswith("no engine: it sent a line of more than 67108864 characters")


async def test_what_a_program_leaves_on_stderr_is_cut_and_cannot_steer_a_terminal(fake):
    said = await run_node(
        f"""
        const why = new Promise(resolve => {{ log.error = text => {{ if (/no engine/.test(text)) resolve(text) }} }})
        {SUPERVISED}
        say(JSON.stringify(await why))
        """,
        sys.executable,
        fake('sys.exit("\\x1b[2J" + "y" * 100_000)'),
    )
    assert "\\u001b" not in said[0]
    assert len(said[0]) < 400


async def test_the_engine_sees_no_more_of_the_environment_than_it_needs(start: Callable[..., NodeRed]):
    secrets = ("NODE_RED_CREDENTIAL_SECRET", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "DATABASE_URL")
    pythons = ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "LD_PRELOAD_OF_OTHERS")
    env = {**dict.fromkeys((*secrets, *pythons), "marker"), "LC_TIME": "C", "MINE": "1", "YOURS": "2"}
    red = start(env={**env, "OCPPFLOW_ENVIRONMENT": "MINE, PLACE"}, settings="ocppflow: { environment: ['YOURS'] }")
    tab = Tab(red)
    port = tab.csms()
    await tab.deploy()
    try:
        await tab.status("csms", "(0)")
        seen = _environment(red.engine_pid())
        assert "marker" not in seen
        names = {line.partition("=")[0] for line in seen.split("\0") if line}
        assert {"PATH", "LC_TIME", "MINE", "YOURS"} <= names
        assert not [name for name in names if name.startswith("PYTHON")]
        assert "OCPPFLOW_ENGINE" not in names
        await (await station(port)).close()
    finally:
        await tab.close()


async def test_a_node_red_that_stands_still_loses_no_message_and_the_engine_does_not_grow(
    start: Callable[..., NodeRed],
):
    red = start()
    tab = Tab(red)
    port = tab.csms()
    await tab.deploy()
    try:
        await tab.status("csms", "(0)")
        good = await station(port)
        engine = red.engine_pid()
        before = _resident(engine)
        os.kill(red.pid, signal.SIGSTOP)
        try:
            for n in range(1500):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(
                    f"GET /ocpp/CS{n} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                    "Sec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n".encode()
                )
                assert (await reader.readline()).startswith(b"HTTP/1.1 ")
                writer.transport.abort()
            for n in range(30):
                await good.says([2, f"m{n}", "Heartbeat", {}])
            assert _resident(engine) - before < 32 * 2**20
        finally:
            os.kill(red.pid, signal.SIGCONT)
        for n in range(30):
            await tab.next("all", lambda msg, n=n: msg["ocpp"].get("MessageId") == f"m{n}")
        assert red.engine_pid() == engine
        await good.close()
    finally:
        await tab.close()


def _environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def test_node_red_ends_in_time_although_a_station_does_not_say_goodbye(start: Callable[..., NodeRed]):
    red = start()
    tab = Tab(red)
    port = tab.csms(securityProfile="0")
    await tab.deploy()
    await tab.status("csms", "(0)")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /ocpp/CS1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n"
    )
    assert b" 101 " in await reader.readline()
    await tab.status("csms", "(1)")
    engine = red.engine_pid()
    began = time.monotonic()
    await asyncio.to_thread(red.stop)
    await ends(engine)
    assert time.monotonic() - began < 5
    tab.id = ""
    await tab.close()
    writer.close()


async def test_a_socket_of_another_user_is_not_told_the_passwords(tmp_path: Path):
    """Anybody could have put it into a shared directory."""
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        os.chown(path, 4711, 4711)
        said = await run_node(
            """
            const { open } = require(require.resolve(process.argv[2] + '/nodes/lib/channel'))
            process.getuid = () => 1000
            say(await new Promise(resolve => open({ socket: process.argv[1] }, {}, () => {}, resolve)))
            """,
            str(path),
            str(PACKAGE),
        )
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert said == [f"{path}: it belongs to another user, who would get all passwords"]
