"""node-contract, "Command Message": those of the CS node."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flow_peers import PATIENCE, RESET, Site, answered, command, refusal, result

from ocppflow.nodes import BadInput
from ocppflow.transport.clock import settle

# --- CS ------------------------------------------------------------------------------------------------------------


async def test_connect_connects_a_station_that_does_not_by_itself(site: Site):
    node, flow, wires = await site.cs(auto_connect=False)
    assert wires == []
    await node.input(command("connect"))
    await settle()
    assert (len(wires), flow.states) == (1, ["ONLINE"])


async def test_connect_closes_an_open_connection_first(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("connect", {"cbId": "CS2"}))
    await settle()
    assert len(wires) == 2
    assert wires[0].ended is not None
    assert wires[1].ended is None
    assert flow.states == ["ONLINE", "OFFLINE", "ONLINE"]


@pytest.mark.parametrize(
    "data",
    [None, {}, {"cbId": "CS1"}, {"csmsUrl": "ws://csms.test/ocpp/"}, {"password": "secret-1"}],
)
async def test_a_connect_that_changes_nothing_leaves_an_open_connection_alone(site: Site, data):
    node, flow, wires = await site.cs()
    await node.input(command("connect", data))
    await site.clock.advance(30)
    assert (len(wires), wires[0].ended) == (1, None)
    assert flow.states == ["ONLINE"]


async def test_a_connect_that_changes_nothing_leaves_an_attempt_alone(site: Site):
    attempts = 0

    async def never() -> Any:
        nonlocal attempts
        attempts += 1
        await asyncio.Event().wait()

    node, _, _ = await site.cs(dial=never)
    await node.input(command("connect"))
    await settle()
    assert attempts == 1
    await node.input(command("connect", {"password": "another-1"}))
    await settle()
    assert attempts == 2


async def test_connect_does_not_wait_for_the_next_attempt(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1")
    await node.input(command("connect"))
    await settle()
    assert (len(wires), flow.states) == (2, ["ONLINE", "OFFLINE", "ONLINE"])


async def test_a_flow_that_feeds_port_2_back_does_not_flap(site: Site):
    """The output of a link call wired into the CS node: the msg of a connect comes back as another connect."""
    node, flow, wires = await site.cs(auto_connect=False)
    await node.input(command("connect", _linkSource=[{"id": "l"}]))
    for _ in range(3):
        (msg,) = flow.port(2)
        flow.out.clear()
        await node.input(msg)
        await settle()
    assert len(wires) == 1
    assert wires[0].ended is None


async def test_connect_starts_a_CS_without_a_target(site: Site):
    node, flow, wires = await site.cs(csms="")
    assert flow.statuses[-1] == (
        "red",
        "ring",
        "the URL of the CSMS is missing: expected ws:// or wss://, host, port and route",
    )
    assert "the URL of the CSMS is missing" in await refusal(node, {"payload": {"command": "Heartbeat"}})
    assert "the URL of the CSMS is missing" in await refusal(node, command("connect", {"cbId": "CS2"}))
    await node.input(command("connect", {"csmsUrl": "ws://other.test/ocpp"}))
    await settle()
    assert (len(wires), node.problem, flow.states) == (1, "", ["ONLINE"])


async def test_connect_starts_a_CS_without_an_identity(site: Site):
    node, flow, wires = await site.cs(cbId="")
    await node.input(command("connect", {"cbId": "CS7"}))
    await settle()
    assert flow.events[0]["topic"] == "CS7/Connection"
    assert len(wires) == 1


async def test_connect_takes_cbId_password_and_csmsUrl_from_now_on_without_a_trailing_slash(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("connect", {"cbId": "CS9", "password": "new", "csmsUrl": "wss://other.test/x/"}))
    await settle()
    assert (node.station.identity, node.station.url, node._password) == ("CS9", "wss://other.test/x", "new")
    wires[1].link.break_()
    await site.clock.advance(11)
    assert (len(wires), node.station.identity) == (3, "CS9")
    await wires[2].says([2, "1", "Reset", RESET])
    assert flow.messages[-1]["topic"] == "CS9/Request"


async def test_connects_and_closes_at_once_leave_one_connection_or_none(site: Site):
    node, _, wires = await site.cs()
    for number in range(5):
        answered(node, command("connect", {"cbId": f"CS{number}"}))
    await settle()
    await site.clock.advance(30)
    assert [wire.ended is None for wire in wires].count(True) == 1
    assert node.station.identity == "CS4"
    answered(node, command("connect", {"cbId": "CS9"}))
    answered(node, command("close"))
    await settle()
    await site.clock.advance(30)
    assert all(wire.ended is not None for wire in wires)


async def test_a_connect_under_way_does_not_outlive_the_node(site: Site):
    node, _, wires = await site.cs()
    connecting = node.input(command("connect", {"cbId": "CS2"}))
    await node.close()
    with pytest.raises(BadInput, match="closed"):
        await asyncio.wait_for(connecting, PATIENCE)
    await site.clock.advance(30)
    assert all(wire.ended is not None for wire in wires)


@pytest.mark.parametrize(
    "data", [{"cbId": 5}, {"cbId": ""}, {"password": 5}, {"csmsUrl": "http://x"}, {"csmsUrl": "ws://u:p@x/"}, []]
)
async def test_a_malformed_connect_changes_nothing(site: Site, data):
    node, _, wires = await site.cs()
    assert "connect: " in await refusal(node, command("connect", data))
    await settle()
    assert len(wires) == 1
    assert wires[0].ended is None


async def test_close_closes_and_does_not_reconnect(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("close"))
    await site.clock.advance(1000)
    assert len(wires) == 1
    assert wires[0].ended is not None
    assert flow.statuses[-1] == ("red", "dot", "Closed")


async def test_close_ends_the_attempts_too(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1 in 10 sec")
    await node.input(command("CLOSE"))
    await site.clock.advance(1000)
    assert len(wires) == 1
    assert flow.statuses[-1] == ("red", "dot", "Closed")


@pytest.mark.parametrize(
    "times",
    ["RetryBackOffRepeatTimes", "RetryBackOffRepeatTime", "RetryBackOffRepeateTimes", "RetryBackoffRepeatTimes"],
)
async def test_retrybackoff_sets_the_waits_in_all_spellings(site: Site, times):
    node, _, _ = await site.cs()
    data = {"RetryBackOffWaitMinimum": 7, "RetryBackoffRandomRange": "3", times: 5}
    await node.input(command("retrybackoff", data))
    backoff = node.station.backoff
    assert (backoff.wait_minimum, backoff.random_range, backoff.repeat_times) == (7, 3, 5)


async def test_retrybackoff_takes_0_as_a_value(site: Site):
    node, _, _ = await site.cs()
    await node.input(command("retrybackoff", {"RetryBackOffWaitMinimum": 0}))
    assert node.station.backoff.wait_minimum == 0
    assert node.station.backoff.repeat_times == 2


async def test_retrybackoff_starts_the_count_over(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert node.station.backoff.attempts == 1
    await node.input(command("retrybackoff", {"RetryBackOffWaitMinimum": 20}))
    assert node.station.backoff.attempts == 0
    await site.clock.advance(11)
    wires[1].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1 in 20 sec")


@pytest.mark.parametrize("data", [None, {}])
async def test_retrybackoff_without_data_starts_the_count_over_and_is_no_error(site: Site, data):
    node, _, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    await node.input(command("retrybackoff", data))
    backoff = node.station.backoff
    assert (backoff.attempts, backoff.wait_minimum, backoff.repeat_times) == (0, 10, 2)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"RetryBackOffWaitMinimum": -1},
        {"RetryBackOffWaitMinimum": "x"},
        {"RetryBackOffRepeatTimes": 1.5},
        {"Wait": 1},
        {"RetryBackOffWaitMinimum": 5, "RetryBackOffRandomRange": True},
    ],
)
async def test_a_malformed_retrybackoff_changes_nothing(site: Site, data):
    node, _, _ = await site.cs()
    assert "retrybackoff: " in await refusal(node, command("retrybackoff", data))
    assert node.station.backoff.wait_minimum == 10


async def test_status_while_connected(site: Site):
    node, flow, _ = await site.cs()
    assert (await result(node, flow, "status"))["status"] == {
        "connected": True,
        "version": "2.0.1",
        "url": "ws://csms.test/ocpp",
        "attempts": 0,
        "nextAttemptIn": None,
    }


async def test_status_while_waiting_to_reconnect(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await site.clock.advance(4)
    status = (await result(node, flow, "status"))["status"]
    assert (status["connected"], status["version"], status["attempts"]) == (False, None, 1)
    assert status["nextAttemptIn"] == 6.0
