"""A runtime that does not read: what strangers and inputs cause stays bounded, and no station's message is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from engine_runtime import SECRET, Runtime, auths
from flow_peers import PATIENCE

from ocppflow import ChargingStation
from ocppflow.errors import ConnectionRefused
from ocppflow.nodes.engine import runtime as pipes
from ocppflow.nodes.engine.engine import MOST_HELD_BACK, Engine
from ocppflow.nodes.engine.outbox import MOST_WAITING, PIECE, Outbox
from ocppflow.nodes.engine.waiting_lines import HIGH_WATER, LOW_WATER
from ocppflow.nodes.node import MOST_COMMANDS
from ocppflow.transport.clock import settle
from ocppflow.transport.handshake import RefusedInfo


def events(runtime: Runtime, state: str) -> list[dict[str, Any]]:
    outputs = [line["msg"] for line in runtime.lines if line["op"] == "output"]
    return [msg for msg in outputs if msg["ocpp"].get("websocket") == state]


async def test_strangers_neither_fill_memory_nor_make_stations_wait(runtime: Runtime):
    await runtime.csms()
    node = runtime.engine.nodes.get("m").node
    runtime.stop_reading()
    most = 0
    for n in range(20_000):
        node._refused(RefusedInfo(f"CS{n}" * 40, f"10.0.{n % 256}.1:{n}", "/ocpp", 401, "no password" * 40))
        most = max(most, runtime.engine.outbox.waiting)
    assert most < LOW_WATER
    assert not node._is_paused
    runtime.read_on()
    assert sum(1 + msg["payload"].get("more", 0) for msg in events(runtime, "REFUSED")) == 20_000


async def test_a_station_that_came_back_while_nobody_read_is_there_in_the_end(runtime: Runtime):
    port = (await runtime.csms())["port"]
    runtime.stop_reading()
    runtime.fill()
    for _ in range(2):  # the second connection takes the place of the first, whose end nobody can have read
        station = ChargingStation("CS1", f"ws://127.0.0.1:{port}/ocpp", password=SECRET, versions=["2.0.1"])
        await station.connect()
    runtime.read_on()
    [event] = (line["msg"] for line in runtime.lines if line["op"] == "output")
    assert event["ocpp"] == {"websocket": "ONLINE", "cbId": "CS1", "ocppVersion": "2.0.1"}
    assert event["payload"]["more"] == 2
    assert [line["text"] for line in runtime.lines if line["op"] == "status"][-1] == "(1)"
    await station.stop()


async def test_nobody_is_let_in_while_far_too_much_waits(runtime: Runtime):
    port = (await runtime.csms())["port"]
    runtime.stop_reading()
    runtime.fill(MOST_WAITING)
    station = ChargingStation("CS1", f"ws://127.0.0.1:{port}/ocpp", password=SECRET, versions=["2.0.1"])
    with pytest.raises(ConnectionRefused, match="the flow has fallen behind"):
        await station.connect()
    runtime.read_on()
    async with station:
        pass


async def test_a_parked_node_that_says_much_makes_its_peers_wait_and_loses_nothing(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.cs(port)
    runtime.say(op="close", node="m", park=True)
    await runtime.next("parked")
    slot = runtime.engine.nodes.get("m")
    count = 0
    while not slot.node._is_paused:
        runtime.engine.nodes.tell(slot, {"op": "output", "node": "m", "number": count, "text": "x" * 100_000})
        count += 1
    assert slot.parked.size < HIGH_WATER + 200_000
    runtime.engine.nodes.pressed(False)
    assert slot.node._is_paused, "the runtime has caught up, but the node is still parked"
    runtime.create("m", "CSMS", {"port": 0, "host": "127.0.0.1", "path": "/ocpp"}, auths())
    assert (await runtime.next("created"))["kept"] is True
    for number in range(count):
        await runtime.next("output", number=number)
    assert not slot.node._is_paused


class Pipes:
    """An engine between two pipes: what is said comes in one chunk, and the sink has room for so many bytes."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.heard = bytearray()
        self.room = 0
        self.runtime = pipes.Runtime(self.engine)
        self.runtime.reader = self
        self.reads = True
        self.engine.attach(self.write, self.runtime.hold)

    def write(self, data: bytes) -> None:
        self.heard += data
        self.room -= len(data)
        if self.room <= 0:
            self.engine.outbox.blocked(True)

    def read(self, size: int) -> None:
        self.room = size
        self.engine.outbox.blocked(False)

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def say(self, *lines: dict[str, Any]) -> None:
        self.runtime.data_received(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


async def test_a_chunk_of_short_inputs_with_long_answers_is_worked_off_as_they_are_read():
    """300 times the whole auth list: 27 kB of lines that ask for 18 MB."""
    own = Pipes()
    passwords = {f"CS{n}": SECRET for n in range(2000)}
    node = {"port": 0, "host": "127.0.0.1", "path": "/ocpp"}
    own.room = 2**20
    own.say(
        {"op": "hello", "protocol": 1, "log": "off"},
        {"op": "create", "node": "m", "type": "CSMS", "config": node, "credentials": {"basic_auths": passwords}},
    )
    async with asyncio.timeout(PATIENCE):
        while b'"created"' not in own.heard:  # noqa: ASYNC110 - it comes as the lines do
            await asyncio.sleep(0)
    ask = {"payload": {"msgType": 99, "command": "get_auth_list"}}
    own.room = 0
    own.say(*({"op": "input", "node": "m", "ref": n, "msg": ask} for n in range(300)))
    await settle()
    answer = len(json.dumps(passwords))
    assert own.engine.outbox.waiting < HIGH_WATER + 2 * answer
    assert not own.reads
    turns = 0
    while b'"ref":299}' not in own.heard[-100:]:
        own.read(PIECE * 8)
        assert own.engine.outbox.waiting < HIGH_WATER + 2 * answer
        turns += 1
        assert turns < 1000
    own.read(2**30)
    assert own.reads
    dones = [json.loads(line)["ref"] for line in own.heard.splitlines() if line.startswith(b'{"op":"done"')]
    assert dones == list(range(300))
    await own.engine.detach()


async def test_the_end_of_the_input_comes_after_the_lines_before_it():
    own = Pipes()
    own.say({"op": "hello", "protocol": 1, "log": "off"}, *({"op": "x" * 60} for _ in range(30_000)))
    own.runtime.eof_received()
    await settle()
    while not own.runtime.gone.is_set():
        own.read(PIECE)
    own.read(2**30)
    assert own.heard.count(b"unknown_op") == 30_000
    await own.engine.detach()


async def test_what_one_turn_brings_is_felt_in_that_turn():
    """Many links deliver in one turn of the event loop; the sink's word must come before all of them have."""
    outbox = Outbox(lambda full: None)
    written: list[int] = []
    outbox.attach(lambda data: written.append(len(data)))
    for _ in range(100):
        outbox.put({"op": "filling", "text": "x" * 10_000})
    assert written
    assert max(written) < PIECE + 20_000


async def test_how_many_log_lines_were_dropped_is_told_when_the_runtime_reads(runtime: Runtime):
    from test_engine_log import record

    from ocppflow.nodes.engine.log_lines import LogLines

    handler = LogLines(runtime.engine.outbox, asyncio.get_running_loop())
    runtime.stop_reading()
    runtime.fill(LOW_WATER)
    for n in range(500):
        handler.emit(record("%s: connected", f"CS{n}"))
    assert runtime.engine.outbox.waiting < LOW_WATER + 1000
    runtime.read_on()
    await settle()
    texts = [line["text"] for line in runtime.lines if line["op"] == "log"]
    assert texts[-1] == "500 log lines were dropped while the runtime did not read"


async def test_a_flow_that_loops_while_its_node_is_being_closed_fills_no_memory(runtime: Runtime):
    await runtime.csms()
    closing, go_on = asyncio.Event(), asyncio.Event()
    slot = runtime.engine.nodes.get("m")
    real = slot.node.close

    async def close(removed: bool = False) -> None:
        closing.set()
        await go_on.wait()
        await real(removed)

    slot.node.close = close
    runtime.say(op="close", node="m")
    await closing.wait()
    count = 2 * MOST_HELD_BACK // 100_000
    for n in range(count):
        runtime.say(op="input", node="m", ref=n, msg={"payload": {"command": "Reset", "data": {"x": "y" * 100_000}}})
    go_on.set()
    errors = [await runtime.next("error") for _ in range(count)]
    codes = [line["code"] for line in errors]
    assert codes.count("QueueFull") + codes.count("unknown_node") == count
    assert codes.count("unknown_node") * 100_000 < MOST_HELD_BACK
    assert runtime.engine._held_back == 0


async def test_command_messages_under_way_are_bounded(runtime: Runtime):
    await runtime.csms()
    close = {"payload": {"msgType": 99, "command": "ws_close", "data": {"name": "CS1", "block": True}}}
    for n in range(MOST_COMMANDS + 5):
        runtime.say(op="input", node="m", ref=n, msg=close)
    for _ in range(5):
        error = await runtime.next("error")
        assert (error["code"], error["text"]) == ("QueueFull", "ws_close: 1000 Command Messages are under way already")
    for _ in range(MOST_COMMANDS):
        await runtime.next("done")
