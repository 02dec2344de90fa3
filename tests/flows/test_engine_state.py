"""What the engine keeps beyond its own life: changed auth lists, and who the stations are."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from engine_runtime import Runtime, auths
from flow_peers import PATIENCE
from websockets.asyncio.client import connect

LIST = {"payload": {"msgType": 99, "command": "get_auth_list"}}


def _set(node: str, password: str) -> dict[str, Any]:
    payload = {"msgType": 99, "command": "set_auth_list", "data": {"CS1": password}}
    return {"op": "input", "node": node, "msg": {"payload": payload}}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _auth_list(runtime: Runtime, node: str) -> Any:
    runtime.say(op="input", node=node, msg=LIST)
    return (await runtime.next("output", node=node))["msg"]["payload"]["auth_list"]


async def test_a_changed_auth_list_outlives_a_restart_of_the_engine(tmp_path: Path):
    state = tmp_path / "state"
    one = Runtime(stateDir=str(state))
    await one.csms("m")
    one.say(**_set("m", "from-the-flow-1"))
    await one.next("credentials", node="m")
    await asyncio.wait_for(one.engine.detach(), PATIENCE)

    two = Runtime(stateDir=str(state))
    two.create("m", "CSMS", {"port": 0, "host": "127.0.0.1"}, auths())
    told = await two.next("credentials", node="m")  # the runtime stored the old list, and its dialog would show it
    assert told["credentials"] == {"basic_auths": {"CS1": "from-the-flow-1"}}
    await two.next("created", node="m")
    assert await _auth_list(two, "m") == {"CS1": "from-the-flow-1"}
    two.say(op="credentials", node="m", credentials={"basic_auths": {"CS8": "from-the-editor-1"}}, ref=1)
    await two.next("credentials_set")
    assert await _auth_list(two, "m") == {"CS8": "from-the-editor-1"}
    await asyncio.wait_for(two.engine.detach(), PATIENCE)

    three = Runtime(stateDir=str(state))
    await three.csms("m")  # the list before, again: the flow's change is history
    assert await _auth_list(three, "m") == auths()["basic_auths"]
    await asyncio.wait_for(three.engine.detach(), PATIENCE)


async def test_the_files_of_changed_auth_lists_are_the_owners_alone_and_go_with_the_node(tmp_path: Path):
    runtime = Runtime(stateDir=str(tmp_path / "state"))
    await runtime.csms("m")
    for number in range(20):
        runtime.say(**_set("m", f"password-{number}"))
    await runtime.engine.nodes.state.auths.written()
    (file,) = _files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "password-19" in file.read_text()
    runtime.say(op="close", node="m", removed=True)
    await runtime.next("closed")
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    assert not file.exists()


async def test_instances_of_a_subflow_do_not_share_a_changed_auth_list(tmp_path: Path):
    """Node-RED names them after the instance and the node in the template; their credentials are the template's."""
    runtime = Runtime(stateDir=str(tmp_path))
    for node in ("one-m", "two-m"):
        await runtime.csms(node)
    runtime.say(**_set("one-m", "of-one-alone"))
    assert await _auth_list(runtime, "one-m") == {"CS1": "of-one-alone"}
    assert await _auth_list(runtime, "two-m") == auths()["basic_auths"]
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)

    again = Runtime(stateDir=str(tmp_path))
    for node in ("one-m", "two-m"):
        await again.csms(node)
    assert await _auth_list(again, "one-m") == {"CS1": "of-one-alone"}
    assert await _auth_list(again, "two-m") == auths()["basic_auths"]
    await asyncio.wait_for(again.engine.detach(), PATIENCE)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b'{"node":"x","configured":"","list":{}}', b"\xff"])
async def test_an_unusable_file_costs_the_changes_and_nothing_else(tmp_path: Path, content: bytes):
    runtime = Runtime(stateDir=str(tmp_path))
    await runtime.csms("m")
    runtime.say(**_set("m", "from-the-flow-1"))
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    (file,) = _files(tmp_path)
    file.write_bytes(content)
    again = Runtime(stateDir=str(tmp_path))
    await again.csms("m")
    assert await _auth_list(again, "m") == auths()["basic_auths"]
    await asyncio.wait_for(again.engine.detach(), PATIENCE)


async def test_a_state_directory_that_cannot_be_written_costs_a_log_line(tmp_path: Path, caplog):
    (tmp_path / "state").write_text("in the way")
    runtime = Runtime(stateDir=str(tmp_path / "state"))
    runtime.say(op="hello", protocol=1, log="error")
    await runtime.csms("m")
    runtime.say(**_set("m", "from-the-flow-1"))
    assert await _auth_list(runtime, "m") == {"CS1": "from-the-flow-1"}
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    assert "node m: the changed auth list cannot be kept beyond a restart" in caplog.text


@pytest.mark.parametrize("value", [5, "relative/path", ""])
async def test_a_state_directory_is_an_absolute_path(runtime: Runtime, value: Any):
    runtime.say(op="hello", protocol=1, stateDir=value, ref=1)
    error = await runtime.next("error")
    assert (error["code"], error["ref"]) == ("bad_field", 1)
    assert "stateDir" in error["text"]


BOOT_16 = {"chargePointVendor": "Acme", "chargePointModel": "Box"}
METER_16 = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2026-03-01T10:00:00Z", "sampledValue": [{"value": 12.5}]}],
}
ACME = [{"vendor": "Acme*", "action": "MeterValues", "forgive": ["type"]}]


async def test_FC19_a_rule_for_a_vendor_holds_after_a_restart_although_the_station_does_not_boot(tmp_path: Path):
    """The engine keeps who the stations are in its state directory, until the node is removed."""

    async def told(runtime: Runtime, *calls: tuple[str, Any]) -> list[Any]:
        config = {"versions": ["1.6"], "securityProfile": 0, "validation": "rules", "rules": ACME}
        port = (await runtime.csms("m", **config))["port"]
        answers = []
        async with connect(f"ws://127.0.0.1:{port}/ocpp/BOX", subprotocols=["ocpp1.6"], proxy=None) as station:
            for action, payload in calls:
                await station.send(json.dumps([2, action, action, payload]))
                if action == "BootNotification":
                    await runtime.request("m", action)
                    continue
                answer = asyncio.ensure_future(station.recv())
                request = asyncio.ensure_future(runtime.request("m", action))
                await asyncio.wait({answer, request}, return_when=asyncio.FIRST_COMPLETED)
                answers.append(json.loads(answer.result())[2] if answer.done() else "to the flow")
                answer.cancel()
                request.cancel()
        return answers

    one = Runtime(stateDir=str(tmp_path))
    assert await told(one, ("MeterValues", METER_16), ("BootNotification", BOOT_16), ("MeterValues", METER_16)) == [
        "TypeConstraintViolation",
        "to the flow",
    ]
    await asyncio.wait_for(one.engine.detach(), PATIENCE)
    two = Runtime(stateDir=str(tmp_path))
    assert await told(two, ("MeterValues", METER_16)) == ["to the flow"]
    two.say(op="close", node="m", removed=True)
    await two.next("closed")
    await asyncio.wait_for(two.engine.detach(), PATIENCE)
    assert _files(tmp_path) == []
