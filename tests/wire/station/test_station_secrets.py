"""Secrets that a station is given are in nothing that it shows: log, trace, diagnostics, reports, state, live view."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from fake_transfer import FakeTransfer
from rich.console import Console
from station_world import StationWorld

from ocppflow.cli.station_view import draw
from ocppflow.messages import Version
from ocppflow.trace import TraceRecord, to_line

MARK = "Marker-7f3a"
PASSWORD = f"{MARK}-password-1"
PIN = f"{MARK}-1234"
HEX = "4D61726B65722D37663361AA55AA55AA55AA55AA"  # of a 1.6 AuthorizationKey
URL = f"ftp://user:{MARK}-url@127.0.0.1:9/"


class Shown:
    """All that a station and its CSMS show, as text."""

    def __init__(self, world: StationWorld) -> None:
        self.parts: list[str] = []
        self.world = world
        self.transfer = FakeTransfer(world.clock)
        world.station.transfer = self.transfer
        world.station.add_trace(self._trace)
        world.csms.add_trace(self._trace)

    def _trace(self, record: TraceRecord) -> None:
        self.parts += [repr(record), to_line(record).decode()]

    async def everything(self) -> str:
        station, world = self.world.station, self.world
        shown = station.snapshot()
        console = Console(file=io.StringIO(), width=200, record=True)
        console.print(draw(shown, ()))
        self.parts += [console.export_text(), repr(shown), msgspec.json.encode(shown).decode(), repr(station)]
        for kind in ("DiagnosticsLog", "SecurityLog"):
            self.parts.append(station.diagnostics.content(kind, None, None).decode())
        self.parts += [content.decode() for content in self.transfer.brought.values()]
        if world.version is Version.V16:
            self.parts.append(json.dumps(await world.call("GetConfiguration", {})))
        else:
            await world.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
            await world.clock.advance(5)
            await world.clock.advance(5)
            assert world.sent("NotifyReport")
            self.parts.append(json.dumps(world.sent("NotifyReport")))
            place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
            self.parts.append(json.dumps(await world.call("GetVariables", {"getVariableData": [place]})))
        self.parts += [repr(each) for each in station.certificates.own.values()]
        return "\n".join(self.parts)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter().format(record) + repr(record.args))

    handler, logger = Everything(logging.DEBUG), logging.getLogger("ocppflow")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)


async def given_2(world: StationWorld) -> None:
    """Every secret that 2.x can give a station, in every message that has one."""
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    answer = await world.call("SetVariables", {"setVariableData": [{**place, "attributeValue": PASSWORD}]})
    assert answer["setVariableResult"][0]["attributeStatus"] in ("Accepted", "RebootRequired")
    await world.clock.advance(60)
    connection = {
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppCsmsUrl": f"ws://user:{MARK}-csms@a.example/ocpp",
    }
    if world.version is Version.V21:
        connection["basicAuthPassword"] = PASSWORD
    else:
        connection["ocppVersion"] = "OCPP20"
    for more in (
        {},
        {"ocppCsmsUrl": "ws://a.example/ocpp"},
        {"apn": {"apn": "x", "apnAuthentication": "PAP", "apnPassword": PASSWORD[:20]}},
        {"vpn": {"server": "x", "user": "u", "password": PASSWORD[:20], "key": PASSWORD, "type": "PPTP"}},
    ):
        await world.call("SetNetworkProfile", {"configurationSlot": 2, "connectionData": {**connection, **more}})
    token = {"idToken": PIN, "type": "KeyCode"}
    await world.call("RequestStartTransaction", {"evseId": 1, "remoteStartId": 1, "idToken": token})
    await world.station.plug(1)
    await world.clock.advance(60)
    await world.station.swipe(1, PIN, "KeyCode")
    await world.clock.advance(10)
    log = {"remoteLocation": URL}
    await world.call("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": 1})
    firmware = {"location": URL, "retrieveDateTime": "2026-01-01T00:00:00Z"}
    await world.call("UpdateFirmware", {"firmware": firmware, "requestId": 2})
    data = {"vendorId": "x", "data": {"password": PASSWORD}}
    await world.call("DataTransfer", data)


async def given_16(world: StationWorld) -> None:
    for key in (HEX, PASSWORD):
        await world.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": key})
        await world.clock.advance(60)  # it may connect anew with it
    await world.call("GetDiagnostics", {"location": URL})
    await world.call("UpdateFirmware", {"location": URL, "retrieveDate": "2026-01-01T00:00:00Z"})
    await world.call("DataTransfer", {"vendorId": "x", "data": json.dumps({"password": PASSWORD})})


@pytest.mark.parametrize("version", list(Version))
async def test_no_secret_is_shown(version: Version, logged: list[str]) -> None:
    async with StationWorld(version, password=f"{MARK}-first-password") as world:
        shown = Shown(world)
        await world.station.connect()
        await world.clock.advance(1)
        await (given_16 if version is Version.V16 else given_2)(world)
        await world.clock.advance(60)
        asking = {"location": URL} if version is Version.V16 else None
        await world.call("GetDiagnostics", asking) if asking else None
        await world.clock.advance(60)
        rebooting = asyncio.ensure_future(world.station.reboot())
        await world.clock.advance(60)
        await rebooting
        text = await shown.everything()
        assert shown.transfer.brought, "a log was uploaded"
        found = [line[:400] for part in (text, "\n".join(logged)) for line in part.splitlines() if _is_marked(line)]
        assert not found
        kept: Any = world.store
        assert any(_is_marked(value.decode()) for area in kept._areas.values() for value in area.values()), (
            "it was kept"
        )


def _is_marked(text: str) -> bool:
    return MARK.lower() in text.lower() or HEX.lower() in text.lower() or PIN in text
