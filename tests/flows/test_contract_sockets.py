"""The lines of node-contract that are about sockets: passwords at the door, ports, TLS, refusals, two nodes in talk."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow_peers import BEAT, BOOT, BOOT_ACCEPTED, PATIENCE, Flow, Site, command, refusal

from ocppflow.nodes import CSMSNode, CSNode
from ocppflow.nodes.auth_memory import AuthMemory
from ocppflow.nodes.states import NodeState
from ocppflow.trace import read_trace
from ocppflow.transport.clock import settle

sys.path.insert(0, str(Path(__file__).parents[1] / "wire" / "transport"))

SECRET = "a-long-password-1"


class House:
    """Nodes on real sockets, closed after the test."""

    def __init__(self) -> None:
        self.nodes: list[CSMSNode | CSNode] = []

    async def csms(self, credentials: Any = None, *, memory: AuthMemory | None = None, **config: Any):
        flow = Flow()
        secrets = {"basic_auths": {"CS1": SECRET}} if credentials is None else credentials
        given = {"port": 0, "host": "127.0.0.1", "path": "/ocpp", **config}
        node = CSMSNode(given, secrets, send=flow.send, status=flow.status, node_id="n1", memory=memory)
        self.nodes.append(node)
        await node.start()
        return node, flow

    async def cs(self, csms: CSMSNode | str, credentials: Any = None, **config: Any):
        flow = Flow()
        url = csms if isinstance(csms, str) else f"ws://127.0.0.1:{csms.port}/ocpp"
        secrets = {"csms_pw": SECRET} if credentials is None else credentials
        given = {"cbId": "CS1", "csms": {"url": url}, **config}
        node = CSNode(given, secrets, send=flow.send, status=flow.status)
        self.nodes.append(node)
        await node.start()
        return node, flow


@pytest.fixture
async def house() -> AsyncIterator[House]:
    one = House()
    yield one
    for node in reversed(one.nodes):
        await asyncio.wait_for(node.close(), PATIENCE)


def online(flow: Flow) -> Any:
    return lambda: flow.states[-1:] == ["ONLINE"]


async def _connects(house: House, csms: CSMSNode | str, **settings: Any) -> Flow:
    _, flow = await house.cs(csms, **settings)
    await flow.until(lambda: flow.states or any("Reconn" in text for *_, text in flow.statuses))
    return flow


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_all_versions_on_one_port(house: House, version):
    csms, flow = await house.csms(versions=["1.6", "2.0.1", "2.1"])
    cs, theirs = await house.cs(csms, versions=[version])
    await theirs.until(online(theirs))
    done = cs.input({"payload": {"command": "Heartbeat"}})
    await flow.until(lambda: flow.messages)
    msg = flow.messages[0]
    assert msg["ocpp"]["ocppVersion"] == version
    msg["payload"] = {"msgType": 3, "data": BEAT}
    await csms.input(msg)
    await asyncio.wait_for(done, PATIENCE)
    assert theirs.messages[0]["payload"]["data"] == BEAT


async def test_both_nodes_in_conversation(house: House):
    csms, flow = await house.csms()
    cs, theirs = await house.cs(csms)
    await theirs.until(online(theirs))
    booted = cs.input({"payload": {"command": "BootNotification", "data": BOOT}})
    await flow.until(lambda: flow.messages)
    msg = flow.messages[-1]
    msg["payload"] = {"msgType": 3, "data": BOOT_ACCEPTED}
    await csms.input(msg)
    await asyncio.wait_for(booted, PATIENCE)
    reset = csms.input({"payload": {"command": "Reset", "data": {"type": "Immediate"}, "cbId": "CS1"}})
    await theirs.until(lambda: len(theirs.messages) == 2)
    msg = theirs.messages[-1]
    msg["payload"] = {"msgType": 3, "data": {"status": "Accepted"}}
    await cs.input(msg)
    await asyncio.wait_for(reset, PATIENCE)
    assert flow.messages[-1]["payload"]["data"] == {"status": "Accepted"}


async def test_a_wrong_password_is_refused_with_the_reason_on_both_sides_and_no_password_anywhere(house, caplog):
    caplog.set_level(logging.DEBUG, "ocppflow")
    csms, flow = await house.csms()
    theirs = await _connects(house, csms, credentials={"csms_pw": "a-wrong-password"})
    (event,) = flow.events
    assert event["ocpp"] == {"websocket": "REFUSED", "cbId": "CS1"}
    assert event["topic"] == "CS1/Connection"
    assert event["payload"]["status"] == 401
    assert "wrong password" in event["payload"]["reason"]
    assert any("HTTP 401" in text and "check the password" in text for *_, text in theirs.statuses)
    assert theirs.statuses[-1][2].startswith("Reconn #1 in 1")
    assert " sec: HTTP 401" in theirs.statuses[-1][2]
    everything = caplog.text + str(flow.out) + str(flow.statuses) + str(theirs.out) + str(theirs.statuses)
    assert "a-wrong-password" not in everything
    assert SECRET not in everything


async def test_an_unknown_station_is_refused_with_404(house: House):
    csms, flow = await house.csms()
    theirs = await _connects(house, csms, cbId="CS9")
    assert flow.events[0]["payload"]["status"] == 404
    assert any("HTTP 404" in text for *_, text in theirs.statuses)


async def test_a_version_that_the_CSMS_does_not_speak_is_refused_with_the_reason(house: House):
    csms, flow = await house.csms()
    await _connects(house, csms, versions=["1.6"])
    await flow.until(lambda: flow.events)
    assert flow.states == ["REFUSED"]
    assert "this listener speaks 2.0.1" in flow.events[0]["payload"]["reason"]


async def test_a_CS_without_a_password_starts_says_so_and_works_as_soon_as_it_is_set(house: House):
    csms, _ = await house.csms()
    cs, theirs = await house.cs(csms, credentials={})
    await theirs.until(lambda: any("no password is set" in text for *_, text in theirs.statuses))
    cs.set_credentials({"csms_pw": SECRET})
    await theirs.until(online(theirs))


async def test_a_CSMS_without_passwords_works_as_soon_as_they_are_set(house: House):
    csms, _ = await house.csms(credentials={})
    first = await _connects(house, csms)
    assert first.states == ["OFFLINE"]
    csms.set_credentials({"basic_auths": {"CS1": SECRET}})
    assert (await _connects(house, csms)).states == ["ONLINE"]


async def test_the_auth_list_counts_at_the_door_at_once(house: House):
    csms, _ = await house.csms()
    await csms.input(command("set_auth_cs", {"name": "CS2", "password": "another-password-2"}))
    theirs = await _connects(house, csms, cbId="CS2", credentials={"csms_pw": "another-password-2"})
    assert theirs.states == ["ONLINE"]
    await csms.input(command("remove_auth_cs", {"name": "CS1"}))
    assert (await _connects(house, csms)).states == ["OFFLINE"]


async def test_changes_to_the_auth_list_outlive_a_redeploy_until_the_user_edits_the_list(house: House):
    memory = AuthMemory()
    first, _ = await house.csms(memory=memory)
    await first.input(command("set_auth_list", {"CS7": "from-the-flow"}))
    await first.close()
    second, flow = await house.csms(memory=memory)
    await second.input(command("get_auth_list"))
    assert flow.messages[-1]["payload"]["auth_list"] == {"CS7": "from-the-flow"}
    await second.close()
    third, flow = await house.csms({"basic_auths": {"CS8": "from-the-editor"}}, memory=memory)
    await third.input(command("get_auth_list"))
    assert flow.messages[-1]["payload"]["auth_list"] == {"CS8": "from-the-editor"}
    await third.close(removed=True)


async def test_ws_close_with_block_keeps_a_station_out_until_ws_open(house: House):
    csms, flow = await house.csms()
    _, theirs = await house.cs(csms, ws_rt_minimum=0, ws_rt_rnd_range=0)
    await theirs.until(online(theirs))
    await csms.input(command("ws_close", {"name": "CS1", "block": True}))
    await flow.until(lambda: "REFUSED" in flow.states)
    assert "blocked" in next(e for e in flow.events if e["ocpp"]["websocket"] == "REFUSED")["payload"]["reason"]
    assert csms.csms.stations == {}
    await csms.input(command("ws_open", {"name": "CS1"}))
    await theirs.until(lambda: theirs.states.count("ONLINE") == 2)


async def test_the_older_formats_of_both_nodes_fit_each_other(house: House):
    csms, _ = await house.csms({}, ws_user="test", ws_pw="test-pw")
    old = {"csms_url": f"ws://127.0.0.1:{csms.port}/ocpp/", "csms_user": "test", "csms_pw": "test-pw"}
    _, theirs = await house.cs("", {}, **old)
    await theirs.until(online(theirs))
    wrong = await _connects(house, csms, credentials={"csms_pw": "wrong"}, csms_user="test", cbId="CS2")
    assert wrong.states == ["OFFLINE"]


async def test_a_CS_that_got_its_identity_from_connect_shows_it_as_its_user_name(house: House):
    csms, _ = await house.csms()
    cs, theirs = await house.cs(csms, cbId="")
    await cs.input(command("connect", {"cbId": "CS1"}))
    await theirs.until(online(theirs))


async def test_log_and_logpath_of_the_older_format_write_a_trace(house: House, tmp_path):
    file = tmp_path / "log.jsonl"
    csms, _ = await house.csms(log=True, logpath=str(file))
    cs, theirs = await house.cs(csms)
    await theirs.until(online(theirs))
    await cs.close()
    await csms.close()
    assert [record.event for record in read_trace(file)] == ["connected", "disconnected"]


async def test_a_log_file_that_cannot_be_written_stops_nothing(house: House, tmp_path):
    csms, flow = await house.csms(log=True, logpath=str(tmp_path / "no" / "such" / "folder"))
    assert csms.problem == ""
    assert flow.statuses[-1] == ("green", "ring", "(0)")


async def test_a_busy_port_is_a_red_ring_with_the_reason(house: House):
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    csms, flow = await house.csms(port=port)
    assert flow.statuses[-1] == ("red", "ring", f"port {port} is in use; trying again")
    assert csms.port is None
    assert csms.state is NodeState.WAITING
    assert f"port {port} is in use" in await refusal(csms, command("connections"))
    taken.close()
    await taken.wait_closed()


async def test_a_CSMS_whose_port_is_taken_tries_again_until_it_is_free(site: Site, caplog):
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    csms, flow = await site.csms(port=port)
    for _ in range(20):
        await site.clock.advance(40)
        await _bound()
    assert csms.port is None
    assert len(flow.statuses) == 2  # starting, and the reason: it does not flicker
    assert len([record for record in caplog.records if "in use" in record.message]) == 1
    taken.close()
    await taken.wait_closed()
    await site.clock.advance(40)
    await flow.until(lambda: flow.statuses[-1][0] == "green")
    assert (csms.port, csms.problem, csms.state) == (port, "", NodeState.WORKING)
    assert flow.statuses[-1] == ("green", "ring", "(0)")


async def test_a_CSMS_that_waits_for_its_port_can_be_closed(site: Site):
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    csms, _ = await site.csms(port=taken.sockets[0].getsockname()[1])
    await csms.close()
    taken.close()
    await taken.wait_closed()
    await site.clock.advance(100)
    await _bound()
    assert csms.port is None


async def test_an_address_that_is_not_there_yet_is_waited_for(site: Site):
    csms, flow = await site.csms(host="192.0.2.1", port=9000)
    assert flow.statuses[-1][2] == "no interface of this machine has the address 192.0.2.1; trying again"
    assert csms.state is NodeState.WAITING


async def _bound() -> None:
    """Binding a port takes a turn of the event loop that no clock knows of."""
    for _ in range(3):
        await settle()


async def test_two_CSMS_nodes_on_one_port_and_different_paths_share_the_listener(house: House):
    first, flow_1 = await house.csms(path="/a")
    second, flow_2 = await house.csms(path="/b", port=first.port)
    assert second.port == first.port
    one = await _connects(house, f"ws://127.0.0.1:{first.port}/a")
    two = await _connects(house, f"ws://127.0.0.1:{first.port}/b")
    assert one.states == two.states == ["ONLINE"]
    assert (flow_1.states, flow_2.states) == (["ONLINE"], ["ONLINE"])
    await first.close()
    await one.until(lambda: "OFFLINE" in one.states)
    assert two.states == ["ONLINE"]
    third = await _connects(house, f"ws://127.0.0.1:{second.port}/a")
    assert any("HTTP 404" in text for *_, text in third.statuses)


async def test_the_same_path_twice_on_one_port_is_refused_and_names_the_node_that_has_it(site: Site):
    first, _ = await site.csms(name="Depot")
    second, flow = await site.csms(port=first.port, others=lambda: [first])
    assert flow.statuses[-1][:2] == ("red", "ring")
    assert f"port {first.port} is in use by the CSMS node 'Depot'" in flow.statuses[-1][2]
    assert "/ocpp" in flow.statuses[-1][2]
    port = first.port
    await first.close()
    await site.clock.advance(2)
    await flow.until(lambda: flow.statuses[-1] == ("green", "ring", "(0)"))
    assert second.port == port


async def test_closing_frees_the_port_for_the_node_after_it(house: House):
    first, _ = await house.csms()
    port = first.port
    _, theirs = await house.cs(first)
    await theirs.until(online(theirs))
    await first.close()
    second, flow = await house.csms(port=port)
    assert second.port == port
    assert flow.statuses[-1] == ("green", "ring", "(0)")
    await theirs.until(lambda: "OFFLINE" in theirs.states)
    offline = next(event for event in theirs.events if event["ocpp"]["websocket"] == "OFFLINE")
    assert offline["payload"]["code"] == 1001


async def test_nothing_is_left_behind(house: House):
    before = asyncio.all_tasks()
    csms, _ = await house.csms()
    cs, theirs = await house.cs(csms)
    await theirs.until(online(theirs))
    await cs.close()
    await csms.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before


# --- security profiles ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transport_peers import Authority

    return Authority(tmp_path_factory.mktemp("flows-ca"), "Test Root")


def _pem(pair: Any, ca: Path, *, inline: bool) -> dict[str, str]:
    named = {"cert": Path(pair.certificate), "key": Path(pair.key), "ca": ca}
    return {name: file.read_text() if inline else str(file) for name, file in named.items()}


async def test_security_profile_0_lets_everybody_in(house: House):
    csms, flow = await house.csms({}, securityProfile=0)
    assert (await _connects(house, csms, credentials={}, cbId="ANY")).states == ["ONLINE"]
    assert flow.events[0]["payload"]["securityProfile"] == 0


async def test_security_profile_1_asks_for_a_password(house: House):
    csms, flow = await house.csms(securityProfile="1")
    assert (await _connects(house, csms)).states == ["ONLINE"]
    assert flow.events[0]["payload"]["securityProfile"] == 1


@pytest.mark.parametrize("inline", [False, True])
async def test_security_profile_2_is_TLS_and_a_password(house: House, authority, inline):
    csms, flow = await house.csms(securityProfile=2, tls=_pem(authority.server(), authority.root, inline=inline))
    url = f"wss://localhost:{csms.port}/ocpp"
    ca = {"ca": authority.root.read_text() if inline else str(authority.root)}
    assert (await _connects(house, url, tls=ca)).states == ["ONLINE"]
    assert flow.events[0]["payload"]["securityProfile"] == 2
    assert (await _connects(house, url)).states == ["OFFLINE"]  # the CSMS's certificate is not one that we trust
    assert (await _connects(house, url, tls={"verify": False})).states == ["ONLINE"]


@pytest.mark.parametrize("inline", [False, True])
async def test_security_profile_3_is_TLS_with_the_stations_certificate(house: House, authority, inline):
    csms, flow = await house.csms({}, securityProfile=3, tls=_pem(authority.server(), authority.root, inline=inline))
    url = f"wss://localhost:{csms.port}/ocpp"
    mine = _pem(authority.issue("CS1"), authority.root, inline=inline)
    assert (await _connects(house, url, credentials={}, tls=mine)).states == ["ONLINE"]
    assert flow.events[0]["payload"]["securityProfile"] == 3
    assert (await _connects(house, url, credentials={}, tls=mine, cbId="CS2")).states == ["OFFLINE"]


async def test_two_nodes_with_the_same_certificates_share_a_port(house: House, authority):
    tls = _pem(authority.server(), authority.root, inline=True)
    first, _ = await house.csms(securityProfile=2, tls=tls, path="/a")
    second, flow = await house.csms(securityProfile=2, tls=dict(tls), path="/b", port=first.port)
    assert second.problem == ""
    assert flow.statuses[-1] == ("green", "ring", "(0)")
