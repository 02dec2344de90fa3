"""The flows of the demo: what a flow designer would draw around one CSMS node and three CS nodes.

A flow sees only msgs: it reads ``msg["payload"]``, and answers by sending the msg back with ``msgType`` 3.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ocppflow.nodes import ALL, BadInput, CSMSNode, CSNode

Pause = Callable[[], Awaitable[None]]

TOKEN = "04A2B3C4D5E680"  # noqa: S105 - an RFID card's number
STEP = 250
"""Wh that an EV takes from one meter value to the next."""


def stamp() -> str:
    """The current time as messages have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class NodeFlow:
    """A node with the flow behind its port 1. Its exceptions end up in ``failure``."""

    node: CSMSNode | CSNode

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, port: int, msg: dict[str, Any]) -> None:
        """What the node sends; Requests and connection events come out of port 1."""
        if port != ALL:
            return
        kind = msg["payload"].get("msgType")
        if kind == 2:
            self._spawn(self._respond(msg))
        elif "websocket" in msg["ocpp"]:
            self.connection_changed(msg["ocpp"]["websocket"] == "ONLINE")

    def connection_changed(self, online: bool) -> None:
        """The connection came or went."""

    async def answer(self, version: str, cb_id: str, command: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """The response to a Request of the peer's; None to refuse it."""
        raise NotImplementedError

    async def answered(self, command: str) -> None:
        """The answer has been sent."""

    async def ask(self, command: str, data: dict[str, Any], **payload: Any) -> dict[str, Any]:
        """Send a Request; the payload of the msg that comes back."""
        msg: dict[str, Any] = {"payload": {"command": command, "data": data, **payload}}
        await self.node.input(msg)
        result: dict[str, Any] = msg["payload"]
        return result

    async def _respond(self, msg: dict[str, Any]) -> None:
        ocpp, payload = msg["ocpp"], msg["payload"]
        data = await self.answer(ocpp["ocppVersion"], ocpp["cbId"], payload["command"], payload["data"])
        if data is None:
            payload |= {"msgType": 4, "error": {"code": "NotSupported", "description": "not in this demo"}}
        else:
            payload |= {"msgType": 3, "data": data}
        await self.node.input(msg)
        await self.answered(payload["command"])

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failure.done():
            self.failure.set_exception(error)


class CSMSFlow(NodeFlow):
    """The CSMS's flow: knows one token, numbers the transactions of 1.6, counts the energy that was sold."""

    def __init__(self) -> None:
        super().__init__()
        self.energy: dict[str, int] = {}
        self.transactions: dict[str, int] = {}
        self.charging: dict[str, asyncio.Event] = {}
        self._numbers = itertools.count(1001)
        self._begun: dict[str, int] = {}

    async def answer(self, version: str, cb_id: str, command: str, data: dict[str, Any]) -> dict[str, Any] | None:
        match command:
            case "BootNotification":
                return {"currentTime": stamp(), "interval": 300, "status": "Accepted"}
            case "Authorize" if version == "1.6":
                return {"idTagInfo": {"status": self._verdict(data["idTag"])}}
            case "Authorize":
                return {"idTokenInfo": {"status": self._verdict(data["idToken"]["idToken"])}}
            case "StartTransaction":
                self._begun[cb_id] = data["meterStart"]
                return {"idTagInfo": {"status": self._verdict(data["idTag"])}, "transactionId": next(self._numbers)}
            case "StopTransaction":
                self._ended(cb_id, data["meterStop"])
                return {}
            case "TransactionEvent":
                self._event(cb_id, data)
                return {}
            case "MeterValues":
                self._metered(cb_id)
                return {}
            case "StatusNotification":
                return {}
        return None

    @staticmethod
    def _verdict(token: str) -> str:
        return "Accepted" if token == TOKEN else "Invalid"

    def _event(self, cb_id: str, data: dict[str, Any]) -> None:
        register = int(data["meterValue"][0]["sampledValue"][0]["value"])
        match data["eventType"]:
            case "Started":
                self._begun[cb_id] = register
            case "Updated":
                self._metered(cb_id)
            case "Ended":
                self._ended(cb_id, register)

    def _metered(self, cb_id: str) -> None:
        self.charging.setdefault(cb_id, asyncio.Event()).set()

    def _ended(self, cb_id: str, register: int) -> None:
        self.energy[cb_id] = self.energy.get(cb_id, 0) + register - self._begun.pop(cb_id)
        self.transactions[cb_id] = self.transactions.get(cb_id, 0) + 1

    async def operate(self, cb_id: str, version: str, pause: Pause) -> None:
        """What the operator does to a station that charges: ask for its variables, then reset it."""
        await self.charging.setdefault(cb_id, asyncio.Event()).wait()
        await pause()
        if version == "1.6":
            await self.ask("GetConfiguration", {"key": ["HeartbeatInterval"]}, cbId=cb_id)
            await pause()
            await self.ask("Reset", {"type": "Hard"}, cbId=cb_id)
            return
        wanted = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        await self.ask("GetVariables", {"getVariableData": [wanted]}, cbId=cb_id)
        await pause()
        await self.ask("Reset", {"type": "Immediate"}, cbId=cb_id)


class StationFlow(NodeFlow):
    """A station's flow: boots, authorizes and charges until it is reset, then boots again."""

    def __init__(self, cb_id: str, version: str, pause: Pause) -> None:
        super().__init__()
        self.cb_id = cb_id
        self.version = version
        self.meter = 12_000
        self.variables = {"HeartbeatInterval": "0"}
        self.refusal = ""
        self._pause = pause
        self._online = asyncio.Event()
        self._reset = asyncio.Event()
        self._transaction: Any = None
        self._seq = itertools.count()

    def connection_changed(self, online: bool) -> None:
        if online:
            self._online.set()
        else:
            self._online.clear()

    async def answer(self, version: str, cb_id: str, command: str, data: dict[str, Any]) -> dict[str, Any] | None:
        match command:
            case "GetConfiguration":
                known = [key for key in data.get("key", self.variables) if key in self.variables]
                unknown = [key for key in data.get("key", []) if key not in self.variables]
                keys = [{"key": key, "readonly": False, "value": self.variables[key]} for key in known]
                return {"configurationKey": keys} | ({"unknownKey": unknown} if unknown else {})
            case "GetVariables":
                return {"getVariableResult": [self._variable(each) for each in data["getVariableData"]]}
            case "Reset":
                return {"status": "Accepted"}
        return None

    def _variable(self, wanted: dict[str, Any]) -> dict[str, Any]:
        value = self.variables.get(wanted["variable"]["name"])
        asked = {"component": wanted["component"], "variable": wanted["variable"]}
        if value is None:
            return {"attributeStatus": "UnknownVariable", **asked}
        return {"attributeStatus": "Accepted", "attributeValue": value, **asked}

    async def answered(self, command: str) -> None:
        if command == "Reset":
            self._reset.set()

    async def run(self, *, misbehave: bool) -> None:
        """The whole life of the station in this demo."""
        await self._boot("PowerUp")
        await self._charge(misbehave)
        await self._command("close")
        await self._pause()
        await self._command("connect")
        await self._boot("RemoteReset")

    async def _command(self, name: str) -> None:
        await self.node.input({"payload": {"msgType": 99, "command": name}})

    async def _step(self, command: str, data: dict[str, Any], **payload: Any) -> dict[str, Any]:
        await self._pause()
        return await self.ask(command, data, **payload)

    async def _boot(self, reason: str) -> None:
        async with asyncio.timeout(10):
            await self._online.wait()
        if self.version == "1.6":
            box: dict[str, Any] = {"chargePointVendor": "ocppflow", "chargePointModel": "Demo"}
        else:
            box = {"reason": reason, "chargingStation": {"vendorName": "ocppflow", "model": "Demo"}}
        answer = await self._step("BootNotification", box)
        self.variables["HeartbeatInterval"] = str(answer["data"]["interval"])
        await self._status("Available")

    async def _status(self, status: str) -> None:
        if self.version == "1.6":
            data: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": status}
        else:
            occupied = "Available" if status == "Available" else "Occupied"
            data = {"timestamp": stamp(), "evseId": 1, "connectorId": 1, "connectorStatus": occupied}
        await self._step("StatusNotification", data)

    async def _charge(self, misbehave: bool) -> None:
        token: dict[str, Any] = {"idToken": {"idToken": TOKEN, "type": "ISO14443"}}
        await self._step("Authorize", {"idTag": TOKEN} if self.version == "1.6" else token)
        await self._status("Charging")
        await self._begin()
        while not self._reset.is_set():
            self.meter += STEP
            await self._sample()
            if misbehave and not self.refusal:
                self.refusal = await self._misbehave()
        await self._end()

    async def _begin(self) -> None:
        if self.version == "1.6":
            data = {"connectorId": 1, "idTag": TOKEN, "meterStart": self.meter, "timestamp": stamp()}
            self._transaction = (await self._step("StartTransaction", data))["data"]["transactionId"]
        else:
            self._transaction = str(uuid.uuid4())
            await self._event("Started", "Authorized", "Transaction.Begin")

    async def _sample(self) -> None:
        if self.version == "1.6":
            sampled = {"value": str(self.meter), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            values = [{"timestamp": stamp(), "sampledValue": [sampled]}]
            data = {"connectorId": 1, "transactionId": self._transaction, "meterValue": values}
            await self._step("MeterValues", data)
        else:
            await self._event("Updated", "MeterValuePeriodic", "Sample.Periodic")

    async def _end(self) -> None:
        if self.version == "1.6":
            data = {"transactionId": self._transaction, "meterStop": self.meter, "timestamp": stamp()}
            await self._step("StopTransaction", data | {"reason": "HardReset"})
        else:
            info = {"stoppedReason": "ImmediateReset"}
            await self._event("Ended", "ResetCommand", "Transaction.End", info)

    async def _event(self, kind: str, why: str, context: str, info: dict[str, Any] | None = None) -> None:
        sampled = {"value": self.meter, "context": context, "measurand": "Energy.Active.Import.Register"}
        await self._step(
            "TransactionEvent",
            {
                "eventType": kind,
                "timestamp": stamp(),
                "triggerReason": why,
                "seqNo": next(self._seq),
                "transactionInfo": {"transactionId": self._transaction, **(info or {})},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": stamp(), "sampledValue": [sampled]}],
            },
        )

    async def _misbehave(self) -> str:
        """Send what the schema forbids; the CSMS says what is wrong with it."""
        wrong = {"timestamp": stamp(), "evseId": 1, "connectorId": 1, "connectorStatus": "Charging"}
        try:
            await self._step("StatusNotification", wrong)
        except BadInput:
            pass  # a node does not let it out, unless it is told to
        else:
            raise RuntimeError("a status that does not exist was sent without a word")
        answer = await self._step("StatusNotification", wrong, validate=False)
        error = answer["error"]
        return f"{error['code']}: {error['description']}"
