"""What real stations did, from public reports, against the nodes: one test for each case by its id. How the door reads
such handshakes is proved in tests/wire/field; here it is the node's properties that let them in."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow_peers import PATIENCE, Flow, Site
from websockets.frames import Frame, Opcode

from ocppflow.messages import Version
from ocppflow.nodes import CSMSNode
from ocppflow.transport.clock import settle

sys.path.insert(0, str(Path(__file__).parents[1] / "wire" / "field"))

from field_cases import CASES, frames, handshakes, setup_passwords


class Visitors:
    """Stations that say to a CSMS node, on real sockets, what a case says."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._writers: list[asyncio.StreamWriter] = []

    async def knock(self, name: str, variant: int = 0, **config: Any) -> tuple[int, CSMSNode, Flow]:
        """The HTTP status that the station of a case gets from a node with these properties."""
        secrets = {"basic_auths": setup_passwords(name)}
        profile = 1 if secrets["basic_auths"] else 0
        node, flow = await self.site.csms(secrets, **{"securityProfile": profile, "versions": "1.6", **config})
        assert node.port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        self._writers.append(writer)
        writer.write(handshakes(name, node.port)[variant])
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        for frame in frames(name):
            if isinstance(frame, str):
                writer.write(Frame(Opcode.TEXT, frame.encode()).serialize(mask=True))
        return int(head.split()[1]), node, flow

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def visitors(site: Site) -> AsyncIterator[Visitors]:
    some = Visitors(site)
    yield some
    await some.close()


async def _is_heard(flow: Flow, identity: str) -> None:
    await flow.until(lambda: flow.messages)
    assert flow.messages[0]["topic"] == f"{identity}/Request"
    assert flow.messages[0]["ocpp"]["ocppVersion"] == "1.6"


async def test_FC01_no_subprotocol_is_let_in_by_assumeVersion(visitors: Visitors):
    status, _, flow = await visitors.knock("FC01", assumeVersion="1.6")
    assert status == 101
    await _is_heard(flow, "BOX1")


async def test_FC01_is_refused_with_the_reason_without_it(visitors: Visitors):
    status, _, flow = await visitors.knock("FC01")
    await flow.until(lambda: "REFUSED" in flow.states)
    assert status != 101 or "ONLINE" not in flow.states
    assert "offered no subprotocol" in flow.events[0]["payload"]["reason"]


async def test_FC04_no_connection_header_is_let_in_by_anyConnectionHeader(visitors: Visitors):
    status, _, flow = await visitors.knock("FC04", anyConnectionHeader=True)
    assert status == 101
    await _is_heard(flow, "BOX4")
    status, _, _ = await visitors.knock("FC04")
    assert status == 426


@pytest.mark.parametrize("variant", range(len(CASES["FC05"].get("variants", ())) + 1))
async def test_FC05_no_identity_is_let_in_by_assumeIdentity(visitors: Visitors, variant: int):
    status, node, flow = await visitors.knock("FC05", variant, assumeIdentity="LONER")
    assert status == 101
    await flow.until(lambda: flow.states == ["ONLINE"])
    assert list(node.csms.stations) == ["LONER"]


async def test_FC05_is_refused_without_an_event_without_it(visitors: Visitors):
    status, _, flow = await visitors.knock("FC05")
    assert status == 404
    assert flow.events == []


async def test_FC06_a_slash_after_the_identity_is_ignored(visitors: Visitors):
    status, _, flow = await visitors.knock("FC06")
    assert status == 101
    await _is_heard(flow, "BOX6")


async def test_FC10_another_user_name_is_let_in_by_anyUser(visitors: Visitors):
    status, node, flow = await visitors.knock("FC10", anyUser=True)
    assert status == 101
    await flow.until(lambda: flow.states == ["ONLINE"])
    assert list(node.csms.stations) == ["CS1"]
    status, _, flow = await visitors.knock("FC10")
    assert status == 401
    await flow.until(lambda: flow.states == ["REFUSED"])


async def test_FC13_a_password_of_8_characters_works(visitors: Visitors):
    status, _, flow = await visitors.knock("FC13")
    assert status == 101
    await flow.until(lambda: flow.states == ["ONLINE"])


async def test_FC16_credentials_in_the_url_are_told_where_they_belong(site: Site):
    setup = json.loads(json.dumps(CASES["FC16"]["setup"]).replace("{port}", "9000"))
    _, flow, wires = await site.cs(**setup)
    assert flow.statuses[-1][:2] == ("red", "ring")
    assert "the password belongs into csms_pw" in flow.statuses[-1][2]
    assert "secret" not in flow.statuses[-1][2]
    assert wires == []


@pytest.mark.parametrize(("interval", "stays"), [(0, True), (60, False)])
async def test_FC48_a_station_that_never_pongs_stays_connected_by_pingInterval(
    visitors: Visitors, interval: int, stays: bool
):
    status, node, flow = await visitors.knock("FC01", assumeVersion="1.6", pingInterval=interval)
    assert status == 101
    await flow.until(lambda: flow.messages)
    for _ in range(120):
        await visitors.site.clock.advance(10)
        await settle()
    if stays:
        assert node.csms["BOX1"].is_open
        assert flow.states == ["ONLINE"]
    else:
        await flow.until(lambda: flow.states == ["ONLINE", "OFFLINE"])


async def test_FC49_the_same_call_again_reaches_the_flow_once_and_gets_its_answer(site: Site):
    node, flow = await site.csms(versions=["1.6"])
    wire = await site.station(node, "CS1", Version.V16)
    for frame in frames("FC49"):
        await wire.says(frame.encode())
    assert len(flow.messages) == 1
    msg = flow.messages[0]
    msg["payload"] = {"msgType": 3, "data": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}}
    await node.input(msg)
    await settle()
    assert {frame[0] for frame in wire.heard} == {3}
    assert {frame[1] for frame in wire.heard} == {msg["ocpp"]["MessageId"]}


async def test_FC54_more_calls_at_once_than_are_processed_at_a_time_all_reach_the_flow(site: Site):
    node, flow = await site.csms(versions=["1.6"])
    wire = await site.station(node, "CS1", Version.V16)
    for frame in frames("FC54"):
        wire.link.send(frame.encode())
    await settle()
    answered = 0
    while answered < len(flow.messages):
        msg = flow.messages[answered]
        msg["payload"] = {"msgType": 3, "data": {}}
        await node.input(msg)
        await settle()
        answered += 1
    assert [frame[:2] for frame in wire.heard] == [[3, json.loads(frame)[1]] for frame in frames("FC54")]
