"""Deploys of every kind: what they close, what they keep, what they leave behind."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from runtime_flow import SECRET, Tab
from runtime_peers import BEAT, FakeCSMS, Peer, refused, station
from runtime_process import free_port

RESET = {"command": "Reset", "cbId": "CS1", "data": {"type": "Immediate"}}


async def csms_with_station(tab: Tab, **config: Any) -> tuple[int, Peer]:
    port = tab.csms(**config)
    await tab.deploy()
    await tab.status("csms", "(0)")
    peer = await station(port)
    await tab.next("all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    return port, peer


async def still_talks(tab: Tab, peer: Peer) -> None:
    """The connection and the flow behind it work."""
    await peer.says([2, "still", "Heartbeat", {}])
    msg = await tab.message("all")
    tab.inject("in", {**msg, "payload": {"msgType": 3, "data": BEAT}})
    assert await peer.hears() == [3, "still", BEAT]


def changing(tab: Tab, node_name: str, /, **properties: Any) -> Any:
    """A change of one node in all flows."""

    def change(flows: list[dict[str, Any]]) -> None:
        next(node for node in flows if node["id"] == tab.id_of(node_name)).update(properties)

    return change


async def deployed(tab: Tab, kind: str, change: Any = lambda flows: None) -> None:
    """Deploy, and wait until the flows are back."""
    size = tab.red.log_size
    await tab.deploy_all(kind, change)
    what = "Started flows" if kind in ("full", "reload") else f"Started modified {kind}"
    await asyncio.to_thread(tab.red.wait_for_log, what, since=size)


async def test_a_node_that_no_deploy_changes_keeps_its_connections(tab: Tab):
    _, peer = await csms_with_station(tab)
    await deployed(tab, "full")
    await still_talks(tab, peer)
    await deployed(tab, "nodes", changing(tab, "all", name="another name"))
    await still_talks(tab, peer)
    await deployed(tab, "flows", changing(tab, "all", name="and another"))
    await still_talks(tab, peer)
    assert [msg["ocpp"]["websocket"] for msg in tab.heard["all"]] == []
    await peer.close()


async def test_a_changed_node_closes_with_1001_and_its_port_passes_on(tab: Tab):
    port, peer = await csms_with_station(tab)
    for kind in ("nodes", "flows", "full"):
        await deployed(tab, kind, changing(tab, "csms", path=f"/{kind}"))
        assert await peer.closed() == 1001
        await tab.status("csms", "(0)")
        peer = await station(port, path=f"/{kind}")
        await tab.status("csms", "(1)")
        assert await refused(port) == 404
    await peer.close()


async def test_restarting_the_flows_starts_the_nodes_anew(tab: Tab):
    port, peer = await csms_with_station(tab)
    await deployed(tab, "reload")
    assert await peer.closed() == 1001
    await tab.status("csms", "(0)")
    await (await station(port)).close()


async def test_two_nodes_swap_their_ports(tab: Tab):
    first, second = tab.csms(), tab.csms("other", passwords={"CS2": SECRET})
    await tab.deploy()
    await tab.status("csms", "(0)")
    await tab.status("other", "(0)")

    def swap(flows: list[dict[str, Any]]) -> None:
        changing(tab, "csms", port=str(second))(flows)
        changing(tab, "other", port=str(first))(flows)

    await deployed(tab, "nodes", swap)
    for name in ("csms", "other"):
        await tab.status(name, "(0)")
    for port, identity in [(first, "CS2"), (second, "CS1")]:
        await (await station(port, identity)).close()


async def test_what_was_pending_fails_once(tab: Tab):
    _, peer = await csms_with_station(tab)
    tab.inject("in", {"payload": RESET, "mine": 1})
    await peer.hears()
    await deployed(tab, "nodes", changing(tab, "csms", messageTimeout="5000"))
    failed = await tab.message("all")
    assert failed["mine"] == 1
    assert failed["payload"]["error"]["code"] == "ConnectionLost"
    assert "caught" not in tab.heard


async def test_a_removed_node_leaves_nothing(tab: Tab):
    port, peer = await csms_with_station(tab)
    await tab.remove()
    assert await peer.closed() == 1001
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port)
    server.close()
    await server.wait_closed()


async def test_a_busy_port_is_a_status_and_the_next_deploy_takes_it(tab: Tab):
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tab.csms(port=port)
    await tab.deploy()
    status = await tab.status("csms", "is in use")
    assert (status["fill"], status["shape"]) == ("red", "ring")
    tab.inject("in", {"payload": RESET})
    assert "is in use" in (await tab.error())["error"]["message"]
    server.close()
    await server.wait_closed()
    await deployed(tab, "nodes", changing(tab, "csms", messageTimeout="5000"))
    await tab.status("csms", "(0)")
    await (await station(port)).close()


async def test_two_csms_nodes_on_one_port(tab: Tab):
    port = tab.csms(path="/a")
    tab.csms("other", port=port, path="/b")
    await tab.deploy()
    await tab.status("csms", "(0)")
    await tab.status("other", "(0)")
    one, two = await station(port, path="/a"), await station(port, path="/b")
    await one.says([2, "a", "Heartbeat", {}])
    await two.says([2, "b", "Heartbeat", {}])
    assert (await tab.message("all"))["ocpp"]["MessageId"] == "a"
    assert (await tab.message("other-all"))["ocpp"]["MessageId"] == "b"
    await deployed(tab, "nodes", changing(tab, "other", path="/c"))
    assert await two.closed() == 1001
    await still_talks(tab, one)
    await one.close()


async def test_missing_credentials_are_a_status_and_work_once_they_are_set(tab: Tab):
    port = tab.csms(passwords={})
    tab.cs(f"ws://127.0.0.1:{port}/ocpp", password=None)
    await tab.deploy()
    status = await tab.status("csms", "no passwords")
    assert status["fill"] == "yellow"
    assert await refused(port) == 404
    await deployed(tab, "nodes", changing(tab, "csms", credentials={"basic_auths": json.dumps({"CS1": SECRET})}))
    assert "no password is set" in (await tab.status("cs", "HTTP 401"))["text"]
    await deployed(tab, "nodes", changing(tab, "cs", credentials={"csms_pw": SECRET}))
    await tab.status("cs", "Connected...")


async def test_a_list_changed_by_a_flow_outlives_redeploys(tab: Tab):
    port, peer = await csms_with_station(tab)
    tab.inject("in", {"payload": {"msgType": 99, "command": "set_auth_list", "data": {"CS1": SECRET, "CS7": SECRET}}})
    await tab.status("csms", "(1)")
    await deployed(tab, "full")
    await deployed(tab, "nodes", changing(tab, "csms", path="/new"))
    assert await peer.closed() == 1001
    await tab.status("csms", "(0)")
    seven = await station(port, "CS7", path="/new")
    await tab.status("csms", "(1)")
    await deployed(tab, "reload")
    assert await seven.closed() == 1001
    await tab.status("csms", "(0)")
    await (await station(port, "CS7", path="/new")).close()


async def test_flows_in_the_older_format(tab: Tab):
    port = free_port()
    tab.probe("all")
    tab.probe("cs-all")
    tab.add("csms", "CSMS", port=str(port), path="/old", ws_user="CS1", ws_pw=SECRET, log=False, logpath="",
            wires=[["all"], []])  # fmt: skip
    tab.add("cs", "CS", cbId="CS1", csms_url=f"ws://127.0.0.1:{port}/old", csms_user="CS1", csms_pw=SECRET,
            ws_rt_minimum="1", wires=[["cs-all"], []])  # fmt: skip
    tab.source("cs-in", "cs")
    await tab.deploy()
    assert (await tab.next("cs-all"))["ocpp"]["websocket"] == "ONLINE"
    tab.inject("cs-in", {"payload": {"command": "Heartbeat"}})
    assert (await tab.message("all"))["payload"]["command"] == "Heartbeat"


async def test_a_cs_node_whose_target_changes_connects_anew(tab: Tab, fake_csms: FakeCSMS):
    await fake_csms.start()
    tab.cs(fake_csms.url)
    await tab.deploy()
    first = await fake_csms.peer()
    await deployed(tab, "nodes", changing(tab, "cs-target", url=fake_csms.url + "/other"))
    assert await first.closed() == 1001
    second = await fake_csms.peer()
    assert second.socket.request.path == "/ocpp/other/CS1"


async def test_stop_and_start_of_the_flows(tab: Tab):
    """Node-RED can stop its flows and go on; passwords are sent to nobody meanwhile."""
    port, peer = await csms_with_station(tab)
    export = await asyncio.to_thread(tab.red.admin, "GET", "/flows")
    secrets = await asyncio.to_thread(tab.red.admin, "GET", f"/credentials/CSMS/{tab.id_of('csms')}")
    assert SECRET not in json.dumps(export) + json.dumps(secrets) + tab.red.log
    assert secrets["has_basic_auths"] is True
    await asyncio.to_thread(tab.red.admin, "POST", "/flows/state", {"state": "stop"})
    assert await peer.closed() == 1001
    await asyncio.to_thread(tab.red.admin, "POST", "/flows/state", {"state": "start"})
    await tab.status("csms", "(0)")
    await (await station(port)).close()
