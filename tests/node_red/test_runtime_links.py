"""``link call``, nested, from http and by name: the answer finds its way back."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from runtime_flow import Tab
from runtime_peers import BEAT, Peer, station

RESET = {"command": "Reset", "cbId": "CS1", "data": {"type": "Immediate"}}


async def callable_csms(tab: Tab) -> Peer:
    """A CSMS node behind a ``link in``, whose port 2 returns to the caller; the ``link in`` is called "reset"."""
    tab.add("reset", "link in", wires=[["csms"]], links=[])
    tab.add("back", "link out", mode="return", links=[])
    port = tab.csms(wires=[["all"], ["back"]])
    tab.add("caller", "link call", wires=[["after"]], links=[tab.id_of("reset")], linkType="static", timeout="10")
    tab.probe("after")
    tab.source("call", "caller")
    tab.watch_done("csms")
    await tab.deploy()
    await tab.status("csms", "(0)")
    return await station(port)


async def test_a_link_call_gets_the_response_and_port_1_does_not(tab: Tab):
    peer = await callable_csms(tab)
    tab.inject("call", {"payload": RESET, "customData": 3, "mine": 4})
    call = await peer.hears()
    await peer.says([3, call[1], {"status": "Accepted"}])
    msg = await tab.next("after")
    assert msg["payload"]["data"] == {"status": "Accepted"}
    assert (msg["customData"], msg["mine"], msg.get("_linkSource", [])) == (3, 4, [])
    assert [each for each in tab.heard.get("all", []) if "websocket" not in each["ocpp"]] == []


async def test_a_link_call_gets_errors_and_results_of_command_messages(tab: Tab):
    peer = await callable_csms(tab)
    tab.inject("call", {"payload": RESET})
    call = await peer.hears()
    await peer.says([4, call[1], "NotSupported", "", {}])
    assert (await tab.next("after"))["payload"]["error"]["code"] == "NotSupported"
    tab.inject("call", {"payload": {"msgType": 99, "command": "get_auth_cs", "data": {"name": "CS1"}}})
    assert (await tab.next("after"))["payload"]["auth_cs"] == "a-long-password-1"
    # without a result: the call completes all the same
    tab.inject("call", {"payload": {"msgType": 99, "command": "ws_open", "data": {"name": "CS1"}}, "mine": 5})
    assert (await tab.next("after"))["mine"] == 5


async def test_a_link_call_within_a_link_call(tab: Tab):
    tab.add("outer-in", "link in", wires=[["inner"]], links=[])
    tab.add("inner", "link call", wires=[["outer-back"]], links=[tab.id_of("reset")], linkType="static", timeout="10")
    tab.add("outer-back", "link out", mode="return", links=[])
    tab.add(
        "outer", "link call", wires=[["outer-after"]], links=[tab.id_of("outer-in")], linkType="static", timeout="10"
    )
    tab.probe("outer-after")
    tab.source("outer-call", "outer")
    peer = await callable_csms(tab)
    tab.inject("outer-call", {"payload": RESET})
    call = await peer.hears()
    await peer.says([3, call[1], {"status": "Rejected"}])
    assert (await tab.next("outer-after"))["payload"]["data"] == {"status": "Rejected"}


async def test_from_http_through_a_link_call_to_a_station_and_back(tab: Tab):
    url = f"/{tab.key}/reset"
    tab.add("web", "http in", url=url, method="post", wires=[["web-call"]])
    tab.add("web-call", "link call", wires=[["web-data"]], links=[tab.id_of("reset")], linkType="static", timeout="10")
    tab.add("web-data", "function", func="msg.payload = msg.payload.data; return msg", wires=[["web-out"]])
    tab.add("web-out", "http response")
    peer = await callable_csms(tab)

    def post() -> bytes:
        body = b'{"command": "Reset", "cbId": "CS1", "data": {"type": "Immediate"}}'
        request = urllib.request.Request(
            f"http://127.0.0.1:{tab.red.port}{url}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.read()

    asked = asyncio.create_task(asyncio.to_thread(post))
    call = await peer.hears()
    await peer.says([3, call[1], {"status": "Scheduled"}])
    assert await asked == b'{"status":"Scheduled"}'


async def test_requests_of_stations_are_dispatched_by_name(tab: Tab):
    """The usual machinery: a dynamic ``link call`` whose target is made of the command."""
    tab.add("name", "function", func="msg.target = 'CSMS:REQ:' + msg.payload.command; return msg", wires=[["dispatch"]])
    tab.add("dispatch", "link call", wires=[["csms"]], linkType="dynamic", links=[], timeout="10")
    tab.add("CSMS:REQ:Heartbeat", "link in", wires=[["beat"]], links=[])
    func = f"msg.payload.msgType = 3; msg.payload.data = {{ currentTime: '{BEAT['currentTime']}' }}; return msg"
    tab.add("beat", "function", func=func, wires=[["answer"]])
    tab.add("answer", "link out", mode="return", links=[])
    tab.add("only-requests", "switch", property="topic", propertyType="msg", outputs=1, wires=[["name"]],
            rules=[{"t": "cont", "v": "/Request", "vt": "str"}])  # fmt: skip
    port = tab.csms(wires=[["only-requests"], []])
    await tab.deploy()
    await tab.status("csms", "(0)")
    peer = await station(port)
    await peer.says([2, "m1", "Heartbeat", {}])
    assert await peer.hears() == [3, "m1", BEAT]


async def test_await_node_linkcall(tab: Tab):
    if tab.red.name == "nr4":
        pytest.skip("functions have node.linkcall since Node-RED 5")
    call = f"await node.linkcall('{tab.id_of('reset')}', msg)"
    func = f"const answer = {call}; return {{ payload: answer.payload.data.status }}"
    tab.add("sequence", "function", func=func, wires=[["sequence-after"]])
    tab.probe("sequence-after")
    tab.source("sequence-in", "sequence")
    peer = await callable_csms(tab)
    tab.inject("sequence-in", {"payload": RESET})
    call = await peer.hears()
    await peer.says([3, call[1], {"status": "Accepted"}])
    assert (await tab.next("sequence-after"))["payload"] == "Accepted"
