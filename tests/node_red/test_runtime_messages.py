"""What flows send to the nodes and get from them, in a real Node-RED: the JavaScript passes every kind of
message through, and keeps the msg of the flow."""

from __future__ import annotations

from typing import Any

import javascript
import pytest
from runtime_flow import Tab
from runtime_peers import BEAT, FakeCSMS, Peer, station

RESET = {"command": "Reset", "cbId": "CS1", "data": {"type": "Immediate"}}
ACCEPTED = {"status": "Accepted"}


async def csms_with_station(tab: Tab, **config: Any) -> Peer:
    port = tab.csms(**config)
    tab.watch_done("csms")
    await tab.deploy()
    await tab.status("csms", "(0)")
    peer = await station(port)
    await tab.next("all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    return peer


async def cs_with_csms(tab: Tab, fake_csms: FakeCSMS, **config: Any) -> Peer:
    await fake_csms.start()
    tab.cs(fake_csms.url, **config)
    tab.watch_done("cs")
    await tab.deploy()
    peer = await fake_csms.peer()
    await tab.next("cs-all", lambda msg: msg["ocpp"].get("websocket") == "ONLINE")
    return peer


@pytest.fixture(params=["CSMS", "CS"])
async def node(request: pytest.FixtureRequest, tab: Tab, fake_csms: FakeCSMS):
    """(peer at the other end, prefix of the probes' names) of each of the two nodes, with its log on."""
    if request.param == "CSMS":
        yield await csms_with_station(tab, ocpp_logging=True, messageTimeout="1500"), ""
    else:
        yield await cs_with_csms(tab, fake_csms, ocpp_logging=True, messageTimeout="1500"), "cs-"


def action(prefix: str) -> dict[str, Any]:
    """A request that the node may send."""
    return {"command": "Heartbeat"} if prefix else dict(RESET)


def incoming(prefix: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A request that the peer may send, and a good answer."""
    return ("Reset", {"type": "Immediate"}, ACCEPTED) if prefix else ("Heartbeat", {}, BEAT)


async def test_a_request_of_the_peer_comes_out_of_port_1_and_the_flow_answers_it(tab: Tab, node):
    peer, prefix = node
    name, data, answer = incoming(prefix)
    await peer.says([2, "m1", name, data])
    msg = await tab.message(f"{prefix}all")
    msgid = msg.pop("_msgid")
    assert msgid
    assert msg == {
        "ocpp": {"ocppVersion": "2.0.1", "MessageId": "m1", "command": name, "cbId": "CS1"},
        "payload": {"msgType": 2, "command": name, "data": data, "MessageId": "m1", "cbId": "CS1"},
        "topic": "CS1/Request",
    }
    tab.inject(f"{prefix}in", {**msg, "payload": {"msgType": "3", "data": answer}})
    assert await peer.hears() == [3, "m1", answer]
    assert (await tab.next("completed"))["ocpp"]["MessageId"] == "m1"
    assert "caught" not in tab.heard


async def test_the_flow_refuses_a_request_with_an_error(tab: Tab, node):
    peer, prefix = node
    name, data, _ = incoming(prefix)
    await peer.says([2, "m1", name, data])
    msg = await tab.message(f"{prefix}all")
    error = {"code": "NotSupported", "description": "not today", "details": {"why": 1}}
    tab.inject(f"{prefix}in", {**msg, "payload": {"msgType": 4, "error": error}})
    assert await peer.hears() == [4, "m1", "NotSupported", "not today", {"why": 1}]


async def test_a_flow_that_does_not_answer_is_not_silence(tab: Tab, node):
    peer, prefix = node
    name, data, answer = incoming(prefix)
    await peer.says([2, "m1", name, data])
    msg = await tab.message(f"{prefix}all")
    assert (await peer.hears())[:4] == [4, "m1", "InternalError", "no answer from the flow"]
    tab.inject(f"{prefix}in", {**msg, "payload": {"msgType": 3, "data": answer}})
    text = (await tab.error())["error"]["message"]
    assert "expired" in text
    assert "m1" in text
    assert name in text


async def test_the_response_is_the_msg_of_the_request(tab: Tab, node):
    peer, prefix = node
    mine = {"customData": {"keep": [1, None]}, "mine": {"deep": [1]}, "parts": {"id": "p", "index": 0}}
    sent = {"payload": action(prefix), "_msgid": "id-of-mine", "topic": "before", **mine}
    tab.inject(f"{prefix}in", sent, adorn=True)
    call = await peer.hears()
    answer = BEAT if prefix else ACCEPTED
    await peer.says([3, call[1], answer])
    msg = await tab.message(f"{prefix}all")
    ours = {"MessageId": call[1], "command": call[2], "cbId": "CS1"}
    assert msg == {
        "ocpp": {"ocppVersion": "2.0.1", **ours},
        "payload": {"msgType": 3, "data": answer, **ours},
        "topic": "CS1/Response",
        "customData": {"keep": [1, None]},
        "mine": {"deep": [1]},
        "parts": {"id": "p", "index": 0},
        "_msgid": "id-of-mine",
        "callback": "function",
        "self": "seen",
        "big": "bigint",
    }
    done = await tab.next("completed")
    assert done["_msgid"] == "id-of-mine"
    assert done["payload"]["msgType"] == 3
    assert tab.heard["completed"] == []
    assert "caught" not in tab.heard


async def test_an_error_of_the_peer_is_a_msg(tab: Tab, node):
    peer, prefix = node
    tab.inject(f"{prefix}in", {"payload": {**action(prefix), "MessageId": "own-id"}, "customData": 7})
    call = await peer.hears()
    assert call[1] == "own-id"
    await peer.says([4, "own-id", "NotSupported", "never", {"a": 1}])
    msg = await tab.message(f"{prefix}all")
    assert msg["payload"]["msgType"] == 4
    assert msg["payload"]["error"] == {"code": "NotSupported", "description": "never", "details": {"a": 1}}
    assert msg["topic"] == "CS1/Error"
    assert msg["customData"] == 7
    await tab.next("completed")


GUARDS = ["frozen", "deeply frozen", "sealed", "read-only payload", "payload without a setter"]


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_msg_that_nobody_may_write_to_loses_no_response_and_no_error(tab: Tab, fake_csms: FakeCSMS, guard: str):
    peer = await cs_with_csms(tab, fake_csms)
    for number, frame in enumerate([[3, "", BEAT], [4, "", "NotSupported", "never", {}]]):
        sent = {"payload": {"command": "Heartbeat", "MessageId": number}, "_msgid": "mine", "mine": {"deep": [1]}}
        tab.inject("cs-in", sent, guard=guard)
        call = await peer.hears()
        assert call[1] == str(number)
        frame[1] = call[1]
        await peer.says(frame)
        msg = await tab.message("cs-all")
        assert (msg["payload"]["msgType"], msg["payload"]["MessageId"]) == (frame[0], call[1])
        assert (msg["_msgid"], msg["mine"]) == ("mine", {"deep": [1]})
        await tab.next("completed")
    assert "caught" not in tab.heard


async def test_a_frozen_msg_finds_its_way_back_through_a_link_call(tab: Tab):
    peer = await csms_with_station(tab)
    # What a link call hands over: the last entry names the node that waits for the answer.
    source = {"id": "none", "node": "none"}
    tab.inject("in", {"payload": dict(RESET), "_linkSource": [source]}, guard="deeply frozen")
    call = await peer.hears()
    await peer.says([3, call[1], ACCEPTED])
    msg = await tab.message("link")
    assert msg["_linkSource"] == [source]
    assert msg["payload"]["data"] == ACCEPTED
    popped = javascript.run(
        "nodes/lib/changed-msg.js",
        "const msg = it.changedMsg(Object.freeze({ _linkSource: Object.freeze([1, 2]) }), {});"
        "return [msg._linkSource.pop(), msg]",
        None,
    )
    assert popped == [2, {"_linkSource": [1]}]


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_msg_that_nobody_may_write_to_may_be_an_answer(tab: Tab, fake_csms: FakeCSMS, guard: str):
    peer = await cs_with_csms(tab, fake_csms)
    await peer.says([2, "m1", "Reset", {"type": "Immediate"}])
    msg = await tab.message("cs-all")
    tab.inject("cs-in", {**msg, "payload": {"msgType": 3, "data": ACCEPTED}}, guard=guard)
    assert await peer.hears() == [3, "m1", ACCEPTED]


async def test_time_out_and_lost_connection_are_errors_too(tab: Tab, node):
    peer, prefix = node
    tab.inject(f"{prefix}in", {"payload": {**action(prefix), "timeout": 100}})
    await peer.hears()
    error = (await tab.message(f"{prefix}all"))["payload"]["error"]
    assert (error["code"], error["local"]) == ("Timeout", True)
    tab.inject(f"{prefix}in", {"payload": action(prefix)})
    await peer.hears()
    await peer.close()
    error = (await tab.message(f"{prefix}all"))["payload"]["error"]
    assert (error["code"], error["local"]) == ("ConnectionLost", True)
    for _ in range(2):
        await tab.next("completed")


async def test_the_ocpp_log_has_both_directions_before_what_they_belong_to(tab: Tab, node):
    peer, prefix = node
    name, data, answer = incoming(prefix)
    await peer.says([2, "m1", name, data])
    msg = await tab.message(f"{prefix}all")
    entry = tab.heard[f"{prefix}log"][0]
    assert isinstance(entry.pop("timestamp"), int)
    entry.pop("_msgid")
    assert entry == {"cbId": "CS1", "msgFrom": "CSMS" if prefix else "CS", "payload": [2, "m1", name, data]}
    tab.inject(f"{prefix}in", {**msg, "payload": {"msgType": 3, "data": {"nonsense": 1}}})
    await tab.error()  # what was refused is not logged as sent
    tab.inject(f"{prefix}in", {**msg, "payload": {"msgType": 3, "data": answer}})
    entry = await tab.next(f"{prefix}log", lambda entry: entry["payload"][0] == 3)
    assert (entry["msgFrom"], entry["payload"]) == ("CS" if prefix else "CSMS", [3, "m1", answer])
    assert await peer.hears() == [3, "m1", answer]


def bad_inputs(good: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """msgs, and a word of the error that each must get."""
    return [
        ({}, "msg.payload is missing"),
        ({"payload": None}, "msg.payload is missing"),
        ({"payload": "Reset"}, "msg.payload is a string"),
        ({"payload": {"msgType": 2}}, "msg.payload.command is missing"),
        ({"payload": {**good, "command": "Nonsense"}}, "Nonsense"),
        ({"payload": {**good, "data": {"type": 5}}}, "$.type"),
        ({"payload": {**good, "command": "heartbeat"}}, "heartbeat"),
        ({"payload": {**good, "MessageId": "x" * 37}}, "36"),
        ({"payload": {**good, "timeout": "soon"}}, "msg.payload.timeout"),
        ({"payload": {**good, "msgType": 7}}, "msg.payload.msgType is 7"),
        ({"payload": {"msgType": 99, "command": "nonsense"}}, "valid: "),
        ({"payload": {"msgType": 3, "data": {}}}, "msg.ocpp.MessageId is missing"),
    ]


async def test_every_bad_input_gets_one_error_and_nothing_else(tab: Tab, node):
    peer, prefix = node
    for index, (msg, word) in enumerate(bad_inputs(action(prefix))):
        tab.inject(f"{prefix}in", {**msg, "mark": index})
        caught = await tab.error()
        assert word in caught["error"]["message"], (msg, caught)
        assert not caught["error"]["message"].startswith("Error")
        assert caught["error"]["code"] in ("InvalidMessage", "UnknownAction", "InvalidMessageId", "Expired"), caught
        assert caught["mark"] == index
        assert caught["error"]["source"]["type"] == ("CS" if prefix else "CSMS")
    assert tab.heard["caught"] == []
    assert "completed" not in tab.heard
    assert tab.heard.get(f"{prefix}all", []) == []
    await peer.says([2, "m1", *incoming(prefix)[:2]])  # and nothing has gone over the wire
    assert (await tab.message(f"{prefix}all"))["ocpp"]["MessageId"] == "m1"


async def test_what_cannot_be_written_as_json_is_an_error(tab: Tab):
    tab.add("twist", "function", wires=[["csms"]], func="""
        if (msg.how === 'circle') msg.payload.data.self = msg.payload
        if (msg.how === 'bigint') msg.payload.data.big = 10n
        if (msg.how === 'deep') for (let i = 0; i < 500; i++) msg.payload.data = { a: msg.payload.data }
        if (msg.how === 'long') msg.payload.data.text = 'x'.repeat(9e6)
        if (msg.how === 'half') msg.payload.data.type += '\\\\ud800 \ud800'
        return msg
    """)  # fmt: skip
    tab.source("twisted", "twist")
    peer = await csms_with_station(tab)
    for how, word in [("circle", "circular"), ("bigint", "BigInt"), ("deep", "nested"), ("long", "longer than"),
                      ("half", "surrogate")]:  # fmt: skip
        tab.inject("twisted", {"payload": {**RESET, "data": {"type": "Immediate"}}, "how": how})
        assert word in (await tab.error())["error"]["message"]
    tab.inject(
        "in", {"payload": {**RESET, "data": {"type": "Immediate", "customData": {"vendorId": "\\ud800 \U0001f600"}}}}
    )
    assert (await peer.hears())[3]["customData"] == {"vendorId": "\\ud800 \U0001f600"}


# --- Command Messages ------------------------------------------------------------------------------------------------


async def test_command_messages_of_the_csms(tab: Tab):
    peer = await csms_with_station(tab, passwords={"CS1": "a-long-password-1", "CS2": "a-long-password-2"})

    async def ask(command: str, data: Any = None, kind: Any = 99) -> dict[str, Any]:
        tab.inject("in", {"payload": {"msgType": kind, "command": command, "data": data}, "mine": 1})
        msg = await tab.message("all")
        assert msg["mine"] == 1
        await tab.next("completed")
        return msg["payload"]

    async def tell(command: str, data: Any) -> None:
        tab.inject("in", {"payload": {"msgType": 99, "command": command, "data": data}})
        await tab.next("completed")

    connections = (await ask("Connections", kind=4))["connections"]
    assert connections["CS1"].keys() == {"since", "version", "remote", "securityProfile", "lastSeen"}
    await peer.says([2, "m1", "Heartbeat", {}])
    await tab.message("all")
    listing = (await ask("cmds"))["commands"]
    assert {**listing["m1"], "time": 0} == {"cbId": "CS1", "command": "Heartbeat", "time": 0, "direction": "in"}
    assert (await ask("get_auth_list"))["auth_list"] == {"CS1": "a-long-password-1", "CS2": "a-long-password-2"}
    await tell("set_auth_user", {"name": "CS3", "password": "a-long-password-3"})
    assert (await ask("get_auth_cs", {"name": "CS3"}))["auth_cs"] == "a-long-password-3"
    await tell("remove_auth_cs", {"name": "CS2"})
    assert (await ask("get_auth_user", {"name": "CS2"}))["auth_cs"] == "NOT FOUND"
    await tell("ws_close", {"name": "CS1", "block": True, "code": 3001, "reason": "out"})
    assert await peer.closed() == 3001
    offline = await tab.next("all")
    assert (offline["ocpp"]["websocket"], offline["topic"]) == ("OFFLINE", "CS1/Connection")
    await tell("ws_open", {"name": "CS1"})
    assert "caught" not in tab.heard


async def test_command_messages_of_the_cs(tab: Tab, fake_csms: FakeCSMS):
    await fake_csms.start()
    tab.cs(fake_csms.url, auto_connect=False, cbId="CS9")
    tab.watch_done("cs")
    await tab.deploy()
    await tab.status("cs", "Closed")

    async def status() -> dict[str, Any]:
        tab.inject("cs-in", {"payload": {"msgType": 99, "command": "status"}})
        told = (await tab.message("cs-all"))["payload"]["status"]
        await tab.next("completed")
        return told

    assert (await status())["connected"] is False
    tab.inject(
        "cs-in", {"payload": {"msgType": "99", "command": "retrybackoff", "data": {"RetryBackoffRepeateTimes": 0}}}
    )
    await tab.next("completed")
    tab.inject(
        "cs-in",
        {"payload": {"msgType": 99, "command": "Connect", "data": {"cbId": "CS1", "password": "a-long-password-9"}}},
    )
    await tab.next("completed")
    peer = await fake_csms.peer()
    assert (await tab.next("cs-all"))["ocpp"] == {"websocket": "ONLINE", "cbId": "CS1", "ocppVersion": "2.0.1"}
    assert await tab.status("cs", "Connected...") == {"fill": "green", "shape": "dot", "text": "Connected..."}
    assert (await status())["connected"] is True
    tab.inject("cs-in", {"payload": {"msgType": 99, "command": "close"}})
    assert await peer.closed() == 1000
    assert (await tab.next("cs-all"))["ocpp"]["websocket"] == "OFFLINE"
    await tab.status("cs", "Closed")
