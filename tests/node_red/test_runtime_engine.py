"""The engine process: shared, supervised, replaced when it dies, gone when nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from runtime_flow import PATIENCE, SECRET, Tab
from runtime_peers import FakeCSMS, station
from runtime_process import NodeRed

RESET = {"command": "Reset", "cbId": "CS1", "data": {"type": "Immediate"}}


async def ends(pid: int) -> None:
    """Wait for the end of a process that is no child of ours."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(fd, gone.set)
    try:
        await asyncio.wait_for(gone.wait(), PATIENCE)
    finally:
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)


@pytest.fixture
async def own_tab(start: Callable[..., NodeRed]) -> AsyncIterator[Callable[..., Tab]]:
    """Makes a tab in a Node-RED of its own."""
    tabs: list[Tab] = []

    def make(**how) -> Tab:
        tabs.append(Tab(start(**how)))
        return tabs[-1]

    yield make
    for tab in tabs:
        if tab.red.is_alive:
            await tab.close()
        else:
            tab.id = ""
            await tab.close()


async def test_an_engine_that_is_killed_is_back_within_seconds(tab: Tab, fake_csms: FakeCSMS):
    await fake_csms.start()
    port = tab.csms()
    tab.cs(fake_csms.url, cbId="CS8")
    tab.watch_done("csms")
    await tab.deploy()
    await tab.status("csms", "(0)")
    await tab.status("cs", "Connected...")
    peer = await station(port)
    await tab.next("all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    tab.inject(
        "in", {"payload": {"msgType": 99, "command": "set_auth_cs", "data": {"name": "CS7", "password": SECRET}}}
    )
    await tab.next("completed")
    tab.inject("in", {"payload": RESET, "mine": 1})
    await peer.hears()

    killed = tab.red.engine_pid()
    os.kill(killed, signal.SIGKILL)
    caught = await tab.error()
    assert caught["mine"] == 1
    assert caught["error"]["code"] == "ConnectionLost"
    assert "SIGKILL" in caught["error"]["message"]
    for name in ("csms", "cs"):
        assert (await tab.status(name, "engine restarting"))["fill"] == "yellow"
    offline = await tab.next("all")
    assert (offline["ocpp"]["websocket"], offline["topic"]) == ("OFFLINE", "CS1/Connection")
    tab.inject("in", {"payload": RESET})
    assert "nothing was sent" in (await tab.error())["error"]["message"]

    async with asyncio.timeout(5):
        await tab.status("csms", "(0)")
        await tab.status("cs", "Connected...")
    assert tab.red.engine_pid() != killed
    assert tab.heard["caught"] == []
    for state in ("ONLINE", "OFFLINE", "ONLINE"):
        assert (await tab.next("cs-all"))["ocpp"]["websocket"] == state
    for identity in ("CS1", "CS7"):
        await (await station(port, identity)).close()


async def test_nodes_share_one_engine_and_it_goes_with_the_last(own_tab):
    engine = json.dumps([sys.executable, "-m", "ocppflow", "engine"])
    tab = own_tab(env={"OCPPFLOW_ENGINE": None}, settings=f"ocppflow: {{ engine: {engine} }}")
    tab.csms()
    tab.csms("other")
    await tab.deploy()
    await tab.status("csms", "(0)")
    await tab.status("other", "(0)")
    assert tab.red.log.count("is ready (process") == 1
    pid = tab.red.engine_pid()
    await tab.remove()
    await ends(pid)
    again = Tab(tab.red)
    again.csms()
    await again.deploy()
    await again.status("csms", "(0)")
    assert again.red.engine_pid() != pid
    pid = again.red.engine_pid()
    await asyncio.to_thread(again.red.stop)
    await ends(pid)
    again.id = ""
    await again.close()


async def test_an_engine_does_not_outlive_a_node_red_that_is_killed(own_tab):
    tab = own_tab()
    tab.csms()
    await tab.deploy()
    await tab.status("csms", "(0)")
    pid = tab.red.engine_pid()
    os.kill(tab.red.pid, signal.SIGKILL)
    await ends(pid)


async def test_without_an_engine_the_nodes_say_so(own_tab):
    tab = own_tab(env={"OCPPFLOW_ENGINE": "/there/is/no/engine"})
    tab.csms()
    tab.cs("ws://127.0.0.1:9/ocpp")
    await tab.deploy()
    for name in ("csms", "cs"):
        assert await tab.status(name, "engine missing") == {"fill": "red", "shape": "ring", "text": "engine missing"}
    tab.inject("in", {"payload": RESET})
    assert (await tab.error())["error"]["message"] == "csms: engine missing; nothing was sent"
    assert "there is no program /there/is/no/engine" in tab.red.log
    await tab.remove()


FAKES = {
    "another protocol": (
        'print(\'{"op":"hello","protocol":2,"version":"9.0"}\', flush=True); sys.stdin.read()',
        "protocol 2",
    ),
    "no engine at all": ('print("usage: something else"); sys.exit(3)', "exit code 3"),
    "an engine that fails": ('sys.exit("No module named ocppflow")', "No module named ocppflow"),
    "garbage": ("print('\\x00{[', flush=True); sys.exit(4)", "exit code 4"),
}


@pytest.mark.parametrize("what", FAKES)
async def test_an_engine_that_does_not_fit_is_named_in_the_log(tab: Tab, tmp_path: Path, what: str):
    if tab.red.name == "nr4":
        pytest.skip("on Node-RED 5 only, for the sake of time")
    code, word = FAKES[what]
    script = tmp_path / "engine.py"
    script.write_text(f"import sys\n{code}\n", encoding="utf-8")
    tab.add("engine", "ocppflow-engine", mode="command", command=f"'{sys.executable}' '{script}'")
    tab.csms(engine=tab.id_of("engine"))
    size = tab.red.log_size
    await tab.deploy()
    await tab.status("csms", "engine missing")
    assert word in await asyncio.to_thread(tab.red.wait_for_log, "no engine: ", since=size)


async def test_an_engine_behind_a_socket(tab: Tab, tmp_path: Path):
    if tab.red.name == "nr4":
        pytest.skip("on Node-RED 5 only, for the sake of time")
    path = tmp_path / "engine.sock"

    async def serve() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, "-m", "ocppflow", "engine", "--socket", str(path))

    engine = await serve()
    tab.add("engine", "ocppflow-engine", mode="socket", socket=str(path))
    port = tab.csms(engine=tab.id_of("engine"))
    await tab.deploy()
    await tab.status("csms", "(0)")
    engine.kill()
    await engine.wait()
    await tab.status("csms", "engine restarting")
    await tab.status("csms", "engine missing")
    engine = await serve()
    await tab.status("csms", "(0)")
    await (await station(port)).close()
    await tab.remove()
    assert engine.returncode is None  # it is not ours to end
    engine.terminate()
    assert await asyncio.wait_for(engine.wait(), PATIENCE) == 0


async def test_an_engine_that_stands_still_is_replaced(tmp_path: Path):
    """The supervision alone, with shorter times: hello, then silence; then a close that gets no answer."""
    fake = tmp_path / "engine.py"
    fake.write_text(
        textwrap.dedent("""
        import json, sys
        print(json.dumps({"op": "hello", "protocol": 1, "version": "0.1.0", "pid": 1, "maxLine": 1000}), flush=True)
        for line in sys.stdin:
            pass
        """),
        encoding="utf-8",
    )
    done = await run_node(
        """
        const times = { ping: 20, firstRetry: 10, close: 50 }
        const engine = new EngineSupervisor({ location: { argv: process.argv.slice(1) }, version: '0.1.0', log, times })
        const node = new RuntimeNode({ id: 'n', type: 'CSMS', status: show, send () {} }, {}, {}, () => {})
        engine.join(node)
        await shows('engine restarting')
        await shows('engine restarting')
        await ready()
        engine.input(node, { payload: {} }, () => {}, error => say('done ' + error.code))
        await engine.leave(node)
        say('left')
        """,
        sys.executable,
        str(fake),
    )
    assert done == ["done ConnectionLost", "left"]


async def run_node(code: str, *args: str) -> list[str]:
    """Run JavaScript against the package's own modules; returns what it says."""
    from runtime_process import NODE, PACKAGE

    frame = f"""
        const {{ EngineSupervisor }} = require('{PACKAGE}/nodes/lib/engine-supervisor')
        const {{ RuntimeNode }} = require('{PACKAGE}/nodes/lib/runtime-node')
        const log = {{ info: heard, debug () {{}}, warn () {{}}, error: complain }}
        const say = text => console.log(text)
        function complain (text) {{ if (/went from/.test(text)) say(text) }} // from a state to a wrong one
        const events = new (require('node:events'))()
        const waiting = []
        function show ({{ text }}) {{ events.emit('status', text) }}
        function heard (text) {{ if (text.includes('is ready')) events.emit('ready') }}
        const shows = wanted => new Promise(resolve => {{
          const look = text => {{ if (text === wanted) {{ events.off('status', look); resolve() }} }}
          events.on('status', look)
        }})
        const ready = () => new Promise(resolve => events.once('ready', resolve))
        const keepAlive = setTimeout(() => process.exit(9), 20000)
        ;(async () => {{ {code} ; clearTimeout(keepAlive); process.exit(0) }})()
    """
    process = await asyncio.create_subprocess_exec(
        str(NODE), "-e", frame, *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0, (out, err)
    return out.decode().splitlines()


async def test_another_package_that_holds_the_node_types_is_named(start, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    name = "@anl-ioc/node-red-contrib-ocpp2"
    (other / "package.json").write_text(
        f'{{"name": "{name}", "version": "1.0.0", "node-red": {{"nodes": {{"csms": "csms.js"}}}}}}'
    )
    (other / "csms.js").write_text("module.exports = RED => RED.nodes.registerType('CSMS', function () {})")
    (other / "csms.html").write_text(
        "<script>RED.nodes.registerType('CSMS', { category: 'OCPP', defaults: {} })</script>"
    )
    red = start(packages={name: other})
    line = await asyncio.to_thread(red.wait_for_log, "belong to")
    assert f"belong to {name}" in line
    assert f"npm remove {name}" in line
