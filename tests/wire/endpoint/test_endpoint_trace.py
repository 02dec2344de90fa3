"""The trace: every frame with direction, time, latency and notes, and no secrets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, heartbeat_response

from ocppflow import CSMS, TOLERANT, TraceFile, TraceRecord, v201
from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version
from ocppflow.secrecy.blotting import without_secrets
from ocppflow.trace import from_line, read_trace, to_line
from ocppflow.transport.clock import settle


def told(world: World) -> list[Any]:
    return [(each.event, json.loads(each.data) if each.data else None, each.latency, each.note) for each in world.trace]


async def test_every_frame_with_direction_latency_and_connection_events(world: World) -> None:
    go = asyncio.Event()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        await go.wait()
        return heartbeat_response()

    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(0.25)
    go.set()
    await settle()
    call = asyncio.ensure_future(station.call(v201.ClearCacheRequest(), message_id="c"))
    await settle()
    await world.clock.advance(0.5)
    await peer.say([3, "c", {"status": "Accepted"}])
    await call
    peer.link.close(1000, "bye")
    await settle()
    assert told(world) == [
        ("connected", None, None, ""),
        ("in", HEARTBEAT, None, ""),
        ("out", BEAT, 0.25, ""),
        ("out", [2, "c", "ClearCache", {}], None, ""),
        ("in", [3, "c", {"status": "Accepted"}], 0.5, ""),
        ("disconnected", None, None, "1000 bye"),
    ]
    record = world.trace[1]
    assert (record.identity, record.role, record.version, record.address) == ("CS1", "CSMS", "2.0.1", "memory")
    assert record.time > 1_700_000_000


async def test_what_is_wrong_with_a_frame_is_in_its_note() -> None:
    world = World(policy=TOLERANT)
    world.csms.on_any(lambda *_: {"status": "Accepted"})
    peer, _ = world.raw()
    await peer.say(b"{")
    await peer.say([2, "1", "Nonsense", {}])
    await peer.say([3, "1", {}])
    await peer.say([2, "2", "DataTransfer", {"vendorId": 7}])
    await peer.say(b'2,"3","DataTransfer",{"vendorId":"a"}')
    peer.link.send_binary(bytes(7))
    await settle()
    notes = [each.note for each in world.trace if each.event == "in"]
    assert notes[0].startswith("refused: RpcFrameworkError: ")
    assert notes[1] == "refused: NotImplemented: 'Nonsense' is not an action of OCPP 2.0.1"
    assert notes[2] == "ignored: a response to '1', which is not a call in flight"
    assert notes[3].startswith("$.vendorId")
    assert notes[4] == "forgiven: the message lacks its outer brackets"
    assert notes[5].startswith("refused: RpcFrameworkError: ")
    await world.close()


SECRETS: list[tuple[str, Any]] = [
    (
        "SetVariables",
        {
            "setVariableData": [
                {
                    "attributeValue": 'top"secret',
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                }
            ]
        },
    ),
    ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "top-secret"}),
    (
        "SetNetworkProfile",
        {
            "configurationSlot": 1,
            "connectionData": {
                "basicAuthPassword": "top-secret",
                "apn": {"apn": "x", "apnPassword": "top-secret", "apnAuthentication": "PAP"},
                "vpn": {"server": "s", "user": "u", "password": "top-secret", "key": "1-2-3", "type": "IKEv2"},
            },
        },
    ),
]


@pytest.mark.parametrize(("action", "payload"), SECRETS)
def test_secrets_are_blotted_out_and_the_rest_stays(action: str, payload: Any) -> None:
    data = json.dumps([2, "1", action, payload]).encode()
    blotted = without_secrets(data)
    assert b"secret" not in blotted
    assert json.loads(blotted)[:3] == [2, "1", action]
    assert blotted.count(b'"***"') == data.count(b"secret") + data.count(b"1-2-3")
    assert b"1-2-3" not in blotted
    assert without_secrets(data[:-5]).count(b"secret") == 0  # a frame that was cut


@pytest.mark.parametrize("data", [b'[2,"1","Heartbeat",{}]', b'{"key":"HeartbeatInterval","value":"5"}', b"", b"\xff"])
def test_what_holds_no_secret_is_untouched(data: bytes) -> None:
    assert without_secrets(data) is data


async def test_no_hook_ever_sees_a_secret() -> None:
    world = World(Version.V16)
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call_raw("ChangeConfiguration", SECRETS[1][1]))
    [[*_, payload]] = await peer.hear()
    assert payload["value"] == "top-secret"  # the station gets it
    assert not any(b"secret" in record.data for record in world.trace)
    call.cancel()
    await settle()
    await world.close()


async def test_a_trace_hook_that_fails_is_logged_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    seen: list[TraceRecord] = []

    def broken(record: TraceRecord) -> None:
        raise OSError("disk full")

    world.csms = CSMS(clock=world.clock, trace=broken)
    world.csms.add_trace(seen.append)
    peer, _ = world.raw()
    assert (await peer.say(HEARTBEAT))[0][2] == "NotSupported"
    assert [record.event for record in seen] == ["connected", "in", "out"]
    assert any("the trace hook failed" in record.getMessage() for record in caplog.records)
    await world.close()


@pytest.mark.parametrize("data", [b'[2, "1",\n"X",{"a":1.50}]', b"{not json", b"\xff\xfe", b"[" * 2000, b""])
def test_a_trace_file_gives_back_what_was_written(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "trace.jsonl"
    record = TraceRecord(1_700_000_000.123457, "CS1", "in", "CSMS", "2.0.1", "127.0.0.1:5", 0.0042, "a note", data)
    with TraceFile(path) as file:
        file(record)
        file(TraceRecord(1.0, "CS2", "connected"))
    assert path.read_bytes().count(b"\n") == 2
    first, second = read_trace(path)
    assert second == TraceRecord(1.0, "CS2", "connected")
    expected = data.replace(b"\n", b" ") if data != b"\xff\xfe" else b"\\xff\\xfe"
    assert first == TraceRecord(
        1_700_000_000.123457, "CS1", "in", "CSMS", "2.0.1", "127.0.0.1:5", 0.0042, "a note", expected
    )
    assert from_line(to_line(first)) == first


def test_a_broken_line_of_a_trace_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b'{"time":1,"identity":"a","event":"in"}\n\nnonsense\n')
    with pytest.raises(ValueError, match=r"trace\.jsonl, line 3: "):
        list(read_trace(path))


class Choosy:
    """A SelectiveHook that wants as many messages without a fault as it is told."""

    def __init__(self, wants: int) -> None:
        self.wants = wants
        self.seen: list[str] = []
        self.passed: list[str] = []

    def __call__(self, record: TraceRecord) -> None:
        self.seen.append(f"{record.event} {record.data[:3].decode()} {record.note}".rstrip())

    def wants_message(self) -> bool:
        self.wants -= 1
        return self.wants >= 0

    def passed_over(self, identity: str, event: str, data: bytes) -> None:
        self.passed.append(f"{identity} {event} {data[:3].decode()}")


async def test_a_selective_hook_is_spared_what_it_does_not_want_but_no_fault(world: World) -> None:
    choosy = Choosy(1)
    world.csms.add_trace(choosy)
    peer, station = world.raw()
    for number in "12":
        await peer.say([2, number, "Heartbeat", {}])
    await peer.say([2, "3", "Heartbeat", {"now": 1}])
    await peer.say("?")
    asked = asyncio.ensure_future(station.call(v201.ResetRequest(type="Immediate")))
    (call,) = await peer.hear()
    await peer.say([4, call[1], "NotSupported", "", {}])
    with pytest.raises(RemoteCallError):
        await asked
    await station.close()
    events = [text.split(": ")[0] for text in choosy.seen]
    assert events[:2] == ["connected", "in [2,"]
    assert "in [2, refused" in events[2:]
    assert [event for event in events if event.startswith("out [4,")] == ["out [4,"] * 4, "every CALLERROR"
    assert "in [4," in events
    assert events[-1] == "disconnected  1000"
    assert choosy.passed == ["CS1 in [2,", "CS1 out [2,"]
    assert len(world.trace) == len(choosy.seen) + len(choosy.passed), "another hook hears all"


async def test_a_selective_hook_that_fails_costs_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    choosy = Choosy(0)
    choosy.passed = None  # type: ignore[assignment]
    world.csms.add_trace(choosy)
    peer, _ = world.raw()
    assert len(await peer.say([2, "1", "Heartbeat", {}])) == 1
    assert any("the trace hook failed" in record.getMessage() for record in caplog.records)
