"""The nodes ``ocpp request`` and ``ocpp router`` in a real Node-RED, with a station or a CSMS at the other end."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_flow import Tab
from runtime_peers import FakeCSMS, Peer, station

ON_5 = pytest.mark.parametrize("red", ["nr5"], indirect=True)


def request(tab: Tab, *, wires: list[list[str]] | None = None, via: str = "csms", **config: Any) -> None:
    """An ocpp request node called ``ask``, with its source and its probes."""
    given = {"version": "2.0.1", "direction": "CSMS", "via": [tab.id_of(via)], "station": "CS1", "stationType": "str",
             "action": "Reset", "data": '{"type": "Immediate"}', "dataType": "json", "timeout": "", "validate": True,
             **config}  # fmt: skip
    tab.probe("answer")
    tab.probe("error")
    tab.add("ask", "ocpp-request", wires=[["answer"], ["error"]] if wires is None else wires, **given)
    tab.source("go", "ask")


async def with_station(tab: Tab, **config: Any) -> Peer:
    port = tab.csms()
    request(tab, **config)
    tab.watch_done("ask")
    await tab.deploy()
    await tab.status("csms", "(0)")
    peer = await station(port)
    await tab.next("all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    return peer


async def test_the_answer_leaves_output_1_on_the_msg_that_came_in(tab: Tab):
    peer = await with_station(tab)
    tab.inject("go", {"payload": "anything", "mine": {"deep": [1]}, "topic": "old"})
    kind, ident, action, data = await peer.hears()
    assert (kind, action, data) == (2, "Reset", {"type": "Immediate"})
    await peer.says([3, ident, {"status": "Accepted"}])
    msg = await tab.next("answer")
    assert msg["mine"] == {"deep": [1]}
    assert msg["topic"] == "CS1/Response"
    assert msg["payload"] == {"msgType": 3, "command": "Reset", "data": {"status": "Accepted"}, "MessageId": ident,
                              "cbId": "CS1"}  # fmt: skip
    assert (await tab.status("ask", "Reset: Accepted"))["fill"] == "green"
    await tab.next("completed")
    assert "error" not in tab.heard


@ON_5
@pytest.mark.parametrize("guard", ["frozen", "sealed", "read-only payload"])
async def test_a_msg_that_nobody_may_write_to_loses_no_answer(tab: Tab, guard: str):
    peer = await with_station(tab)
    for kind, rest, output in ((3, [{"status": "Accepted"}], "answer"), (4, ["NotSupported", "no", {}], "error")):
        tab.inject("go", {"payload": "anything", "mine": 1, "_msgid": "id"}, guard=guard)
        ident = (await peer.hears())[1]
        await peer.says([kind, ident, *rest])
        msg = await tab.next(output)
        assert (msg["payload"]["msgType"], msg["mine"]) == (kind, 1)
    assert "caught" not in tab.heard


@ON_5
async def test_the_router_answers_for_a_frozen_msg(tab: Tab):
    tab.probe("answers")
    tab.add("router", "ocpp-router", rules=RULES[:1], outputs=3, wires=[[], [], ["answers"]])
    tab.source("go", "router")
    tab.csms()
    await tab.deploy()
    await tab.status("csms", "(0)")  # then the other nodes are there, too
    ocpp = {"ocppVersion": "2.0.1", "MessageId": "1", "command": "Heartbeat", "cbId": "CS1"}
    tab.inject("go", {"ocpp": ocpp, "payload": {"msgType": 2, "command": "Heartbeat", "data": {}}}, guard="frozen")
    msg = await tab.next("answers")
    assert msg["ocpp"] == ocpp
    assert msg["payload"]["msgType"] == 3
    assert msg["payload"]["data"].keys() == {"currentTime"}


async def test_an_error_of_the_station_leaves_output_2(tab: Tab):
    peer = await with_station(tab)
    tab.inject("go", {"mine": 1})
    ident = (await peer.hears())[1]
    await peer.says([4, ident, "NotSupported", "not here", {"a": 1}])
    msg = await tab.next("error")
    assert msg["mine"] == 1
    assert msg["payload"]["error"] == {"code": "NotSupported", "description": "not here", "details": {"a": 1}}
    await tab.next("completed")
    assert "caught" not in tab.heard


async def test_a_time_out_leaves_output_2(tab: Tab):
    peer = await with_station(tab, timeout="50")
    tab.inject("go", {})
    await peer.hears()
    error = (await tab.next("error"))["payload"]["error"]
    assert (error["code"], error["local"]) == ("Timeout", True)


@ON_5
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"data": '{"type": "Now"}'}, "type"),
        ({"station": "CS7"}, "CS7"),
        ({"station": "who", "stationType": "msg"}, "no station to send to"),
        ({"via": "nobody"}, "is not there"),
        ({"data": "{"}, "the data cannot be had"),
        ({"dataType": "jsonata", "dataFrom": "$$$("}, "the data cannot be had"),
    ],
    ids=["schema", "no such station", "no station", "no node", "no JSON", "no JSONata"],
)
async def test_what_cannot_be_sent_leaves_output_2_and_says_why(tab: Tab, config: dict[str, Any], said: str):
    peer = await with_station(tab, **config)
    tab.inject("go", {"mine": 1})
    msg = await tab.next("error")
    assert msg["mine"] == 1
    assert msg["payload"]["error"]["local"] is True
    assert said in msg["payload"]["error"]["description"]
    await peer.says([2, "1", "Heartbeat", {}])
    assert (await tab.message("all"))["payload"]["command"] == "Heartbeat"  # nothing came before it, nothing broke


@ON_5
async def test_without_a_wire_at_output_2_a_catch_node_hears_of_it(tab: Tab):
    await with_station(tab, wires=[["answer"], []], station="CS7")
    tab.inject("go", {})
    assert "CS7" in (await tab.error())["error"]["message"]


@ON_5
async def test_data_and_station_may_come_from_the_msg(tab: Tab):
    peer = await with_station(
        tab, dataType="jsonata", dataFrom='{"type": kind}', station="to.whom", stationType="msg"
    )  # fmt: skip
    tab.inject("go", {"kind": "OnIdle", "to": {"whom": "CS1"}})
    assert (await peer.hears())[3] == {"type": "OnIdle"}


@ON_5
async def test_forbidden_data_may_be_sent_on_purpose(tab: Tab):
    peer = await with_station(tab, data='{"type": "Now"}', validate=False)
    tab.inject("go", {})
    assert (await peer.hears())[3] == {"type": "Now"}


@ON_5
async def test_many_requests_may_wait_at_once(tab: Tab):
    peer = await with_station(tab, action="GetLocalListVersion", data="{}")
    for number in range(3):
        tab.inject("go", {"number": number})
    for number in range(3):
        ident = (await peer.hears())[1]
        await peer.says([3, ident, {"versionNumber": number}])
    answers = [await tab.next("answer") for _ in range(3)]
    assert [(msg["number"], msg["payload"]["data"]["versionNumber"]) for msg in answers] == [(0, 0), (1, 1), (2, 2)]


@ON_5
async def test_a_station_may_ask_its_csms(tab: Tab, fake_csms: FakeCSMS):
    await fake_csms.start()
    tab.cs(fake_csms.url)
    request(tab, via="cs", direction="CS", action="Heartbeat", data="{}", station="")
    await tab.deploy()
    peer = await fake_csms.peer()
    await tab.next("cs-all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    tab.inject("go", {})
    ident = (await peer.hears())[1]
    await peer.says([3, ident, {"currentTime": "2026-01-01T00:00:00Z"}])
    assert (await tab.next("answer"))["payload"]["data"] == {"currentTime": "2026-01-01T00:00:00Z"}


RULES = [
    {"kind": "Request", "version": "2.0.1", "action": "Heartbeat", "station": "", "answers": True,
     "answerType": "jsonata", "answer": '{"currentTime": $now()}'},
    {"kind": "Request", "version": "", "action": "Boot*", "station": "CS?", "answers": True, "answerType": "json",
     "answer": '{"currentTime": "2026-01-01T00:00:00Z", "interval": 5, "status": "Accepted"}'},
    {"kind": "Connection", "version": "", "action": "", "station": ""},
    {"kind": "Request", "version": "", "action": "StatusNotification", "station": "", "answers": True,
     "answerType": "jsonata", "answer": "$$$("},
]  # fmt: skip


async def test_the_router_answers_by_itself_and_gives_each_msg_to_its_output(tab: Tab):
    probes = ["beat", "boot", "connection", "status-notification", "others"]
    for name in probes:
        tab.probe(name)
    tab.add("router", "ocpp-router", rules=RULES, outputs=6, wires=[*[[name] for name in probes], ["csms"]])
    port = tab.csms(wires=[["router"], []])
    await tab.deploy()
    await tab.status("csms", "(0)")
    peer = await station(port)
    assert (await tab.next("connection"))["ocpp"]["websocket"] == "ONLINE"

    await peer.says([2, "1", "BootNotification",
                     {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}])  # fmt: skip
    assert await peer.hears() == [3, "1", {"currentTime": "2026-01-01T00:00:00Z", "interval": 5, "status": "Accepted"}]
    boot = await tab.next("boot")
    assert boot["payload"]["msgType"] == 2  # a copy: the answer went another way
    assert boot["payload"]["data"]["reason"] == "PowerUp"

    await peer.says([2, "2", "Heartbeat", {}])
    kind, ident, data = await peer.hears()
    assert (kind, ident) == (3, "2")
    assert data["currentTime"].endswith("Z")

    await peer.says([2, "3", "StatusNotification", {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": "Available",
                                                    "evseId": 1, "connectorId": 1}])  # fmt: skip
    assert "rule 4" in (await tab.error())["error"]["message"]

    await peer.says([2, "4", "Authorize", {"idToken": {"idToken": "a", "type": "Central"}}])
    assert (await tab.next("others"))["payload"]["command"] == "Authorize"
