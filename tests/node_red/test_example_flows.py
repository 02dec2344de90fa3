"""Each example, imported into a real Node-RED, does at once what its comments say, and nothing complains."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from examples_runner import EXAMPLES, Example
from runtime_process import PACKAGE, NodeRed

TOOLS = Path(__file__).parents[2] / "tools"
CORE = {
    "tab", "comment", "inject", "debug", "function", "switch", "change", "delay", "catch", "file", "file in",
    "link in", "link out", "link call", "http request",
}  # fmt: skip


def _flows() -> list[tuple[str, list[dict]]]:
    return [(file.name, json.loads(file.read_text(encoding="utf-8"))) for file in sorted(EXAMPLES.glob("*.json"))]


def test_the_files_are_what_the_generator_writes():
    tool = Path(__file__).parents[2] / "tools" / "generate_flows.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "flow"), _flows(), ids=lambda value: value if isinstance(value, str) else "")
def test_an_example_needs_core_nodes_alone_has_comments_and_carries_no_secret(name: str, flow: list[dict]):
    ours = set(json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["node-red"]["nodes"])
    kinds = {node["type"] for node in flow}
    assert {kind.lower() for kind in kinds - CORE} <= ours
    assert "comment" in kinds
    assert flow[0]["info"]
    assert not any("credentials" in node for node in flow)


@pytest.mark.parametrize(("name", "flow"), _flows(), ids=lambda value: value if isinstance(value, str) else "")
def test_nodes_of_an_example_have_their_places_and_ids_that_nothing_else_looks_like(name: str, flow: list[dict]):
    ids = [node["id"] for node in flow]
    assert len(set(ids)) == len(ids)
    places = [(node["x"], node["y"]) for node in flow if "x" in node]
    assert len(set(places)) == len(places)
    for node in flow:
        for key, value in node.items():
            named = [value] if isinstance(value, str) else value if key in ("links", "scope") and value else []
            referring = key in ("id", "z", "csms", "tls", "via", "links", "scope")
            assert referring or not set(named) & set(ids), f"{name}: {key} of {node['name']}"


TOLERATED = {"09": "needs a certificate"}


@pytest.mark.parametrize("red", ["nr5"], indirect=True)
@pytest.mark.parametrize("number", [name[:2] for name, _ in _flows()])
async def test_no_function_of_an_example_trips_over_the_result_of_a_command(red: NodeRed, number: str):
    example = Example(red, number, tolerated=TOLERATED.get(number))
    buttons = example.add_questions()
    async with example:
        for node, button in buttons.items():
            at_work = "(" if "CSMS" in node else ""  # a CSMS shows how many stations there are
            await example.until(
                lambda node=node, text=at_work: node in example.status and example.status[node].startswith(text),
                f"{node} to start",
            )
            await example.press(button)
            await example.shows(button, "connections" if "CSMS" in button else "connected")


async def test_hello(red: NodeRed):
    async with Example(red, "01") as example:
        await example.shows("the CSMS hears", "EVSE1 Request BootNotification")
        boot = await example.shows("EVSE1 hears", "BootNotification", "Accepted")
        assert boot["payload"]["msgType"] == 3
        await example.press("Heartbeat")
        await example.shows("EVSE1 hears", "currentTime", "Heartbeat")
        await example.press("reset EVSE1")
        await example.shows("the CSMS hears", 'EVSE1 Response Reset {"status":"Accepted"}')


async def test_transaction_with_meter_values(red: NodeRed):
    async with Example(red, "02") as example:
        await example.shows("power", "0.0 kW 0.00 kWh Started")
        line = await example.shows("power", "Updated")
        bar = line.split()[0]
        assert len(bar) == 25
        assert set(bar) == {"█", "░"}


async def test_sequence_by_link_call(red: NodeRed):
    async with Example(red, "03") as example:
        msg = await example.shows("the whole msg at the end", "TransactionEvent")
        assert msg["payload"]["msgType"] == 3
        assert msg["transaction"]
        assert "_linkSource" not in msg
        example.shown.clear()
        await example.press("again")
        await example.shows("the whole msg at the end", "TransactionEvent")


async def test_sequence_with_await(red: NodeRed):
    if red.name == "nr4":
        pytest.skip("Node-RED 4 has no node.linkcall, as the example's name says")
    async with Example(red, "04") as example:
        await example.shows("the end", "is over after 3 events")
        example.shown.clear()
        await example.press("again")
        await example.shows("the end", "is over after 3 events")


async def test_dispatch_by_action(red: NodeRed):
    async with Example(red, "05") as example:
        await example.shows("EVSE1 hears", "BootNotification", "Accepted")
        await example.press("StatusNotification")
        await example.shows("EVSE1 hears", "'msgType': 3", "StatusNotification")
        await example.press("LogStatusNotification")
        told = await example.shows("EVSE1 hears", "NotImplemented")
        assert told["error"]["description"] == "there is no flow named CSMS:REQ:LogStatusNotification"


async def test_three_versions_on_one_port(red: NodeRed):
    async with Example(red, "06") as example:
        for name, version in (("CS16", "1.6"), ("CS201", "2.0.1"), ("CS21", "2.1")):
            await example.shows("stations", f"{name} speaks OCPP {version}: Authorize")
            await example.shows("the stations hear", f"{name} hears Authorize", '"status":"Accepted"')
        assert example.status["CSMS"] == "(3)"


async def test_log_to_file(start: Callable[..., NodeRed], tmp_path: Path):
    red = start(env={"TMPDIR": str(tmp_path)})
    async with Example(red, "07") as example:
        await example.shows("written", "CSMS", "[3,")
        lines = (tmp_path / "ocppflow-example-log.jsonl").read_text(encoding="utf-8").splitlines()
        call = json.loads(lines[0])
        assert (call["station"], call["from"], call["message"][2]) == ("EVSE1", "CS", "BootNotification")
        await example.press("read")
        await example.shows("the log, line by line", "BootNotification")


async def test_control_commands(red: NodeRed):
    async with Example(red, "08", tolerated="EVSE1 is blocked until ws_open") as example:
        await example.until(lambda: example.status.get("EVSE1", "").startswith(("Connected", "REQ")), "EVSE1 online")
        await example.press("connections")
        connections = (await example.shows("results", "connections"))["connections"]
        assert connections["EVSE1"]["securityProfile"] == 1
        await example.press("get_auth_cs EVSE1")
        assert len((await example.shows("results", "auth_cs"))["auth_cs"]) == 20
        await example.press("commands")
        await example.shows("results", "'commands': {")
        await example.press("status")
        assert (await example.shows("EVSE1's state", "url"))["connected"] is True
        await example.press("retrybackoff")
        await example.press("ws_close and block")
        await example.shows("comes and goes", "REFUSED")
        await example.press("ws_open EVSE1")
        await example.press("connect")
        await example.until(lambda: example.shown.count(("comes and goes", "ONLINE")) == 2, "EVSE1 to be back")
        await example.press("close")
        await example.until(lambda: example.status["EVSE1"] == "Closed", "EVSE1 to close")
        await example.press("status")
        await example.shows("EVSE1's state", "'connected': False")


async def test_security_profiles(red: NodeRed):
    async with Example(red, "09", tolerated="needs a certificate") as example:
        for profile in (2, 3):
            online = await example.shows(f"EVSE{profile} is online", "securityProfile")
            assert online["securityProfile"] == profile
            await example.until(lambda name=f"CSMS {profile}": example.status[name] == "(1)", "the CSMS to count one")


async def test_test_station(red: NodeRed):
    async with Example(red, "10", RESTART="100") as example:
        heard = "the CSMS hears"
        await example.shows(heard, "Request BootNotification", "PowerUp")
        await example.shows(heard, "Request StatusNotification", "Available")
        await example.press("GetVariables")
        await example.shows(heard, "Response GetVariables", '"attributeValue":"300"')
        await example.press("SetVariables")
        await example.shows(heard, "Response SetVariables", "Accepted")
        await example.press("GetVariables")
        await example.shows(heard, "Response GetVariables", '"attributeValue":"60"')
        await example.press("TriggerMessage")
        await example.shows(heard, "Request Heartbeat")
        for command in ("ChangeAvailability", "UnlockConnector"):
            await example.press(command)
            await example.shows(heard, f"Response {command}")
        await example.press("ClearCache: NotSupported")
        await example.shows(heard, "EVSE1 ClearCache: NotSupported")


async def test_the_test_station_charges_when_it_has_accepted_a_remote_start(red: NodeRed):
    """OCPP 2.0.1 Part 2, F02: the station that accepts a RequestStartTransaction begins the transaction."""
    async with Example(red, "10", RESTART="100") as example:
        heard = "the CSMS hears"
        await example.shows(heard, "Request StatusNotification", "Available")
        await example.press("RequestStopTransaction")
        await example.shows(heard, 'Response RequestStopTransaction {"status":"Rejected"}')

        await example.press("RequestStartTransaction")
        answer = await example.shows(heard, 'Response RequestStartTransaction {"status":"Accepted"')
        transaction = answer.partition('"transactionId":"')[2].rstrip('"}')
        started = await example.shows(heard, "Request TransactionEvent", '"eventType":"Started"', transaction)
        assert '"remoteStartId":1' in started
        assert example.shown.index((heard, answer)) < example.shown.index((heard, started))
        await example.press("every 10 seconds")
        await example.shows(
            heard, "TransactionEvent", '"eventType":"Updated"', transaction, '"seqNo":1', '"value":12200'
        )
        await example.press("RequestStartTransaction")
        await example.shows(heard, 'Response RequestStartTransaction {"status":"Rejected"}')
        await example.press("UnlockConnector")
        await example.shows(heard, "Response UnlockConnector", "OngoingAuthorizedTransaction")
        await example.press("ChangeAvailability")
        await example.shows(heard, 'Response ChangeAvailability {"status":"Scheduled"}')
        await example.press("RequestStopTransaction")
        await example.shows(heard, 'Response RequestStopTransaction {"status":"Accepted"}')
        await example.shows(heard, "TransactionEvent", '"eventType":"Ended"', transaction, '"stoppedReason":"Remote"')

        await example.press("RequestStartTransaction")
        await example.until(lambda: sum('"Started"' in str(each) for each in example.shown) == 2, "another transaction")
        await example.press("Reset")
        await example.shows(heard, 'Response Reset {"status":"Accepted"}')
        await example.shows(heard, "TransactionEvent", '"eventType":"Ended"', '"stoppedReason":"ImmediateReset"')
        await example.shows(heard, "EVSE1 is OFFLINE")
        await example.shows(heard, "Request BootNotification", "RemoteReset")


async def test_request_and_router(red: NodeRed):
    async with Example(red, "11") as example:
        await example.shows("a station boots", "BootNotification")
        await example.press("Reset at EVSE1")
        assert (await example.shows("Reset: the answer", "Accepted"))["data"] == {"status": "Accepted"}
        await example.press("ClearCache at EVSE1")
        error = (await example.shows("ClearCache: no answer", "ClearCache"))["error"]
        assert (error["code"], error["description"]) == ("NotSupported", "EVSE1 does not support ClearCache")


@contextlib.asynccontextmanager
async def demo_stations(ports: dict[str, int]) -> AsyncIterator[None]:
    """The stations of the demo, as ``make run`` starts them."""
    url = f"ws://127.0.0.1:{ports['9100']}/ocpp"
    control = [str(ports[port]) for port in ("9121", "9122", "9123")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TOOLS / "demo_stations.py"), url, *control, stdin=asyncio.subprocess.PIPE
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_demo(red: NodeRed):
    example = Example(red, "12", tolerated="is not charging")
    async with example, demo_stations(example.ports):
        for name, event in (("CS1", "StartTransaction"), ("CS2", "TransactionEvent"), ("CS3", "TransactionEvent")):
            await example.shows("conversation", f"{name} ──▶ CSMS", event)
            await example.shows("energy sold", name)
        await example.until(lambda: "kW" in example.status.get("CS3, OCPP 2.1", ""), "the state of CS3")
        await example.press("limit CS1")
        await example.shows("conversation", "CS1 ◀── CSMS", "SetChargingProfile")
        await example.shows("conversation", "CS1 ──▶ CSMS", "↳ SetChargingProfile", "Accepted")
        await example.press("stop CS1")
        await example.shows("conversation", "CS1 ──▶ CSMS", "StopTransaction", "Remote")
        await example.press("limit CS2")
        await example.shows("conversation", "CS2 ──▶ CSMS", "↳ SetChargingProfile", "Accepted")
        await example.press("unplug CS2")
        await example.shows("conversation", "CS2 ──▶ CSMS", "TransactionEvent", "Ended")
        await example.press("unplug CS2")
        assert "plugged in" in str(await example.shows("at the station", "error"))
        await example.press("fault CS3")
        await example.until(lambda: "GroundFailure" in example.status.get("CS3, OCPP 2.1", ""), "the fault of CS3")
        await example.press("clear CS3")
        await example.press("unplug CS1")
        await example.press("plug CS1")
        await example.press("start CS1")
        await example.shows("conversation", "CS1 ◀── CSMS", "RemoteStartTransaction")
        await example.shows("conversation", "CS1 ──▶ CSMS", "↳ RemoteStartTransaction", "Accepted")
