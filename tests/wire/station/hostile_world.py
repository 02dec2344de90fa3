"""A station under a CSMS that sends whatever the schemas allow, and what has to hold of it all the same."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from contextlib import suppress
from typing import Any

from fake_transfer import FakeTransfer
from near_payloads import TRANSACTION, is_valid, payload
from station_world import StationWorld

from ocppflow.endpoint import IncomingCall
from ocppflow.errors import CallTimeout, ConnectionLost, InvalidMessage, NotConnected, OCPPError, RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import StationConfig
from ocppflow.station.hardware import HardwareRefused
from ocppflow.station.station_config import EvseConfig
from ocppflow.trace import TraceRecord

LONGEST = 120
"""Seconds of the clock within which every request is answered, and a connection that was lost is there again."""


LEAVING = {
    "Reset",
    "UpdateFirmware",
    "SignedUpdateFirmware",
    "SetVariables",
    "ChangeConfiguration",
    "CertificateSigned",
}
"""After these the station may leave the connection, in the middle of whatever comes next."""


class _Complaints(logging.Handler):
    """What the log says that nothing a peer does may bring about."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        args = record.args if isinstance(record.args, tuple) else ()
        invalid = any(isinstance(arg, InvalidMessage) and not isinstance(arg, RemoteCallError) for arg in args)
        if record.exc_info or record.levelno >= logging.ERROR or invalid:
            self.lines.append(logging.Formatter().format(record))


class HostileWorld(StationWorld):
    """``faults`` has what must not be; empty at the end of a good test."""

    def __init__(self, version: Version, **settings: Any) -> None:
        evses = (EvseConfig(), EvseConfig(current="DC", phases=1, max_amps=200, voltage=500))
        config = StationConfig(evses=evses, reboot_seconds=1.0)
        super().__init__(version, config, **settings)
        transfer = FakeTransfer(self.clock)
        transfer.files["http://files.example/f.bin"] = b"firmware"
        transfer.seconds = 2.0
        self.station.transfer = transfer
        self.faults: list[str] = []
        self.given: list[int] = []  # ids of transactions in 1.6
        self.last = "at first"
        self.asked: set[str] = set()
        self.log = _Complaints()
        self.csms.add_trace(self._traced)

    async def __aenter__(self) -> HostileWorld:
        await super().__aenter__()
        logger = logging.getLogger("ocppflow")
        logger.addHandler(self.log)
        logger.setLevel(logging.DEBUG)
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.faults.append(f"loop: {context.get('message')} {context.get('exception')!r}")
        )
        return self

    async def __aexit__(self, *how: Any) -> None:
        logging.getLogger("ocppflow").removeHandler(self.log)
        await super().__aexit__(*how)

    def _traced(self, record: TraceRecord) -> None:
        if record.event == "in" and record.note and not record.note.startswith("refused: "):
            self.faults.append(f"the station sent {record.data[:600]!r}: {record.note}")

    # --- what the CSMS does --------------------------------------------------------------------------------------

    def real(self, value: Any) -> Any:
        """A payload with the id of a transaction where it is to have one."""
        if isinstance(value, dict):
            return {name: self.real(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.real(each) for each in value]
        return self.transaction() if value is TRANSACTION or value == TRANSACTION else value

    def transaction(self) -> Any:
        """The id of a transaction that runs."""
        if self.version is Version.V16:
            return self.given[-1] if self.given else 1
        running = self.station.transactions.running if self.station.is_up else ()
        return next(iter(running), "none")

    async def request(self, action: str, seed: int) -> None:
        """Send a random request, and judge the answer."""
        name = f"{action}Request"
        await self.up()
        asked = self.real(payload(self.station, self.version, name, seed))
        if not is_valid(self.version, name, asked):
            return
        registration = self.station.provisioning.registration
        rejected = self.version is Version.V16 and registration.name == "REJECTED"  # it must not answer (1.6, 4.2)
        self.asked.add(action)
        self.last = f"{action} {json.dumps(asked)[:1500]}"
        try:
            call = asyncio.ensure_future(self.csms["CS1"].call_raw(action, asked))
        except OCPPError as exc:
            self.faults.append(f"{self.last}: {exc!r}")
            return
        await self._until(call.done)
        if not call.done():
            call.cancel()
            self.faults.append(f"{self.last}: no answer")
            return
        try:
            call.result()
        except RemoteCallError as exc:
            if exc.error.code in ("InternalError", "GenericError"):
                self.faults.append(f"{self.last}: {exc}")
        except (ConnectionLost, NotConnected) as exc:
            if not self.asked & LEAVING:
                self.faults.append(f"{self.last}: {exc!r}")
        except CallTimeout as exc:
            if not rejected:
                self.faults.append(f"{self.last}: {exc!r}")
        except Exception as exc:
            self.faults.append(f"{self.last}: {exc!r}")

    def answer(self, action: str, seed: int) -> None:
        """Answer the next request of this action with something random."""
        name = f"{action}Response"
        made = self.real(payload(self.station, self.version, name, seed)) if self.station.is_up else None
        if made is None or not is_valid(self.version, name, made):
            return

        def once(call: Any) -> Any:
            self.answers.pop(action, None)
            return made

        self.answers[action] = once

    async def _until(self, done: Any) -> None:
        await self.clock.advance(0)
        for _ in range(LONGEST):
            if done():
                return
            await self.clock.advance(1)

    async def up(self) -> None:
        """Wait until the station is connected."""
        await self._until(lambda: self.station.is_connected and self.station.is_up)
        if not self.station.is_connected:
            self.faults.append(f"{self.last}: it is not connected any more")
            raise AssertionError(self.report())

    # --- what a driver does --------------------------------------------------------------------------------------

    async def hands(self, verb: str, evse: int) -> None:
        if not self.station.is_up:
            return
        with suppress(HardwareRefused):
            await (self.station.swipe(evse, "ANN") if verb == "swipe" else getattr(self.station, verb)(evse))
        await self.clock.advance(1)

    # --- afterwards ----------------------------------------------------------------------------------------------

    def report(self) -> str:
        return "\n".join([*self.faults, *self.log.lines])

    def judge(self) -> None:
        """Nothing was wrong so far."""
        assert not self.report(), self.report()

    async def heal(self) -> None:
        """Take back what a CSMS may have set, and what the driver did: all of it can be taken back."""
        self.answers.clear()
        await self._until(lambda: self.station.is_up)
        for evse in (1, 2):
            await self.hands("clear", evse)
            await self.hands("unplug", evse)
        await self.clock.advance(LONGEST)
        rebooting = asyncio.ensure_future(self.station.reboot())  # it may have been told not to boot for a century
        await self._until(rebooting.done)
        await self.up()
        await self.clock.advance(10)
        await (self._heal_16 if self.version is Version.V16 else self._heal_2)()
        for number in list(self.station.reservations._all):
            await self.call("CancelReservation", {"reservationId": number})
        await self.clock.advance(LONGEST)

    async def _heal_16(self) -> None:
        for key, value in (("LocalPreAuthorize", "false"), ("AuthorizeRemoteTxRequests", "false")):
            await self.call("ChangeConfiguration", {"key": key, "value": value})
        await self.call("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
        for connector in (1, 2):
            await self.call("ChangeAvailability", {"connectorId": connector, "type": "Operative"})
        await self.call("ClearChargingProfile", {})

    async def _heal_2(self) -> None:
        model = self.station.device_model
        changed = [
            each for each in model.declared.values() if each.mutability == "ReadWrite" and each.value is not None
        ]
        for each in changed:
            if (model.shown(each) or "") != each.value:
                component: dict[str, Any] = {"name": each.key.component}
                if each.key.component_instance:
                    component["instance"] = each.key.component_instance
                if each.key.evse:
                    component["evse"] = {"id": each.key.evse}
                    if each.key.connector:
                        component["evse"]["connectorId"] = each.key.connector
                variable = {"name": each.key.variable}
                if each.key.variable_instance:
                    variable["instance"] = each.key.variable_instance
                item = {"component": component, "variable": variable, "attributeValue": each.value}
                await self.call("SetVariables", {"setVariableData": [item]})
        for evse in (1, 2):
            for where in ({"id": evse}, {"id": evse, "connectorId": 1}):
                await self.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": where})
        await self.call("ChangeAvailability", {"operationalStatus": "Operative"})
        with suppress(RemoteCallError):  # smart charging may have been read-only disabled
            await self.call("ClearChargingProfile", {})

    async def session(self) -> None:
        """A driver plugs in, the CSMS starts and stops, and all of it is told."""
        await self.hands("plug", 1)
        token = {"idToken": "ANN", "type": "ISO14443"}
        if self.version is Version.V16:
            answer = await self.call("RemoteStartTransaction", {"idTag": "ANN", "connectorId": 1})
        else:
            answer = await self.call("RequestStartTransaction", {"idToken": token, "evseId": 1, "remoteStartId": 1})
        assert answer["status"] == "Accepted", (answer, self.station.snapshot())
        await self.clock.advance(600)
        transaction = self.station.transactions.on_evse(1)
        assert transaction is not None
        assert self.station.simulated.evses[0].read().power > 0, self.station.snapshot()
        if self.version is Version.V16:
            number = self.given[-1]
            answer = await self.call("RemoteStopTransaction", {"transactionId": number})
        else:
            answer = await self.call("RequestStopTransaction", {"transactionId": transaction.id})
        assert answer["status"] == "Accepted", answer
        await self.clock.advance(10)
        await self.hands("unplug", 1)
        await self.clock.advance(600)
        assert not self.station.transactions.running
        assert self.station.message_queue.length == 0

    def check_books(self) -> None:
        """No transaction has been told of twice, in part, or not at all."""
        books: dict[str, dict[int, Any]] = defaultdict(dict)
        for event in self.sent("TransactionEvent"):
            book = books[event["transactionInfo"]["transactionId"]]
            assert book.setdefault(event["seqNo"], event) == event, "one seqNo with two contents"
        for book in books.values():
            kinds = [book[number]["eventType"] for number in sorted(book)]
            assert sorted(book) == list(range(len(book))), "a seqNo is missing"
            assert kinds[0] == "Started"
            assert kinds[-1] == "Ended"
            assert "Started" not in kinds[1:]
            assert "Ended" not in kinds[:-1]
        starts = {json.dumps(each) for each in self.sent("StartTransaction")}
        stops = {json.dumps(each) for each in self.sent("StopTransaction")}
        assert len(starts) == len(stops)
        assert {each["transactionId"] for each in self.sent("StopTransaction")} <= set(self.given)

    def _answer(self, station: Any, call: IncomingCall) -> Any:
        answer = super()._answer(station, call)
        if call.action == "StartTransaction":
            self.given.append(answer["transactionId"])
        return answer
