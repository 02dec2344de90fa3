"""The complete station against a CSMS made of PyPI's ``ocpp``, in all versions, on real sockets and in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

import pytest
import websockets
from ocpp.routing import on

from ocppflow.messages import Role, Version, actions
from ocppflow.station import CompleteStation, ConnectorConfig, EvseConfig, StationConfig
from ocppflow.station.hardware import ElectricVehicle
from ocppflow.trace import TraceRecord
from tests.interop.blocks import iso_now

PATIENCE = 10.0
POST = StationConfig(
    evses=(EvseConfig(connectors=(ConnectorConfig("sType2"),)),) * 2, serial_number="SN-1", reboot_seconds=0.2
)
TOKEN = {"idToken": "04A2B3C4", "type": "ISO14443"}


class TheirBackend:
    """Hears all that a station may say, each message against the library's own schema, and answers as friendly as it
    can. ``said``: (action, payload in the library's spelling), in the order of coming."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.module = import_module("ocpp.v" + version.value.replace(".", ""))
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.points: list[Any] = []
        self.url = ""
        self._kind = self._charge_point()

    def _charge_point(self) -> Any:
        names = [name for name, info in actions(self.version).items() if info.sent_by(Role.CS)]
        own = {f"hear_{name}": self._handler(name) for name in names if hasattr(self.module.call_result, name)}
        return type("ChargePoint", (self.module.ChargePoint,), own)

    def _handler(self, action: str) -> Any:
        def hear(point: Any, **payload: Any) -> Any:
            self.said.append((action, payload))
            return getattr(self.module.call_result, action)(**self._answer(action))

        hear.__name__ = f"hear_{action}"
        return on(action)(hear)

    def _answer(self, action: str) -> dict[str, Any]:
        old = self.version is Version.V16
        accepted = {"status": "Accepted"}
        match action:
            case "BootNotification":
                return {"current_time": iso_now(), "interval": 300, **accepted}
            case "Heartbeat":
                return {"current_time": iso_now()}
            case "Authorize":
                return {"id_tag_info": accepted} if old else {"id_token_info": accepted}
            case "StartTransaction":
                return {"id_tag_info": accepted, "transaction_id": len(self.of("StartTransaction"))}
            case "TransactionEvent" if "id_token" in self.said[-1][1]:
                return {"id_token_info": accepted}
            case "DataTransfer" | "SignCertificate":
                return accepted
        return {}

    def of(self, action: str) -> list[dict[str, Any]]:
        """The payloads of one action."""
        return [payload for name, payload in self.said if name == action]

    async def serve(self, connection: Any) -> None:
        point = self._kind(connection.request.path.rpartition("/")[2], connection, response_timeout=PATIENCE)
        self.points.append(point)
        with suppress(websockets.ConnectionClosed):
            await point.start()

    async def until(self, holds: Callable[[], Any]) -> Any:
        """What ``holds`` returns, once that is something."""
        async with asyncio.timeout(PATIENCE):
            while not (found := holds()):  # noqa: ASYNC110 - real sockets, and a library that tells of nothing
                await asyncio.sleep(0.01)
        return found

    async def ask(self, action: str, **payload: Any) -> Any:
        """The station's answer, which the library has held against its schema."""
        request = getattr(self.module.call, action)(**payload)
        return await self.points[-1].call(request, suppress=False)


@asynccontextmanager
async def _their_backend(version: Version) -> AsyncIterator[TheirBackend]:
    backend = TheirBackend(version)
    async with websockets.serve(backend.serve, "127.0.0.1", 0, subprotocols=[version.subprotocol]) as server:
        backend.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        yield backend


@asynccontextmanager
async def _joined(version: Version) -> AsyncIterator[tuple[TheirBackend, CompleteStation]]:
    """Both, until the end; then nothing that either of them has said may have been refused by the other."""
    errors: list[bytes] = []
    seen: list[str] = []

    def look(record: TraceRecord) -> None:
        seen.append(record.event)
        if record.data.startswith(b"[4") or record.note.startswith("refused"):
            errors.append(record.data or record.note.encode())

    async with _their_backend(version) as backend:
        station = CompleteStation("CS1", backend.url, config=POST, versions=[version], trace=look)
        async with station:
            yield backend, station
    assert errors == []
    assert seen.count("in") > 20 < seen.count("out")


def _profile(version: Version, purpose: str, amps: float, transaction: Any = None) -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": amps}
    schedule: dict[str, Any] = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    common = {"stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"}
    if transaction is not None:
        common["transactionId"] = transaction
    if version is Version.V16:
        return {"chargingProfileId": 1, "chargingSchedule": schedule, **common}
    return {"id": 1, "chargingSchedule": [{"id": 1, **schedule}], **common}


class Session16:
    """What a CSMS of 1.6 does."""

    def __init__(self, backend: TheirBackend) -> None:
        self.backend = backend

    async def told(self) -> None:
        backend = self.backend
        await backend.until(lambda: {each["connector_id"] for each in backend.of("StatusNotification")} == {0, 1, 2})

    async def samples_each_second(self) -> None:
        backend = self.backend
        await backend.ask("ChangeConfiguration", key="MeterValueSampleInterval", value="1")
        answer = await backend.ask("GetConfiguration", key=["MeterValueSampleInterval", "Nothing"])
        assert answer.configuration_key[0]["value"] == "1"
        assert answer.unknown_key == ["Nothing"]
        assert len((await backend.ask("GetConfiguration")).configuration_key) > 40

    def running(self) -> Any:
        return len(self.backend.of("StartTransaction")) > len(self.backend.of("StopTransaction"))

    def values(self) -> int:
        return len(self.backend.of("MeterValues"))

    def transaction(self) -> Any:
        return len(self.backend.of("StartTransaction"))

    def ended(self) -> list[str]:
        return [each["reason"] for each in self.backend.of("StopTransaction")]

    async def start(self, amps: float) -> str:
        profile = _profile(Version.V16, "TxProfile", amps)
        answer = await self.backend.ask(
            "RemoteStartTransaction", id_tag="FAR", connector_id=2, charging_profile=profile
        )
        return str(answer.status)

    async def stop(self) -> str:
        answer = await self.backend.ask("RemoteStopTransaction", transaction_id=self.transaction())
        return str(answer.status)

    async def limits(self, amps: float) -> str:
        profile = _profile(Version.V16, "TxProfile", amps, self.transaction())
        answer = await self.backend.ask("SetChargingProfile", connector_id=2, cs_charging_profiles=profile)
        return str(answer.status)

    async def limit(self) -> Any:
        answer = await self.backend.ask("GetCompositeSchedule", connector_id=2, duration=60, charging_rate_unit="A")
        return answer.charging_schedule["charging_schedule_period"][0]["limit"]

    async def list_of_tokens(self) -> Any:
        entries = [{"idTag": "KNOWN", "idTagInfo": {"status": "Accepted"}}]
        sent = await self.backend.ask(
            "SendLocalList", list_version=3, update_type="Full", local_authorization_list=entries
        )
        assert sent.status == "Accepted"
        return (await self.backend.ask("GetLocalListVersion")).list_version

    async def triggers(self) -> Any:
        before = len(self.backend.of("MeterValues"))
        answer = await self.backend.ask("TriggerMessage", requested_message="MeterValues", connector_id=1)
        await self.backend.until(lambda: len(self.backend.of("MeterValues")) > before)
        return answer.status

    async def out_of_service(self) -> Any:
        await self.backend.ask("ChangeAvailability", connector_id=1, type="Inoperative")
        await self.backend.until(lambda: self.backend.of("StatusNotification")[-1]["status"] == "Unavailable")
        return (await self.backend.ask("ChangeAvailability", connector_id=1, type="Operative")).status

    async def reset(self) -> Any:
        return (await self.backend.ask("Reset", type="Soft")).status


class Session2(Session16):
    """What a CSMS of 2.0.1 and 2.1 does."""

    async def told(self) -> None:
        name = "StatusNotification" if self.backend.version is Version.V201 else "NotifyEvent"
        await self.backend.until(lambda: len(self.backend.of(name)) >= 2)

    async def samples_each_second(self) -> None:
        where = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        data = [{"attributeValue": "1", **where}]
        result = await self.backend.ask("SetVariables", set_variable_data=data)
        assert result.set_variable_result[0]["attribute_status"] == "Accepted"
        read = await self.backend.ask("GetVariables", get_variable_data=[where])
        assert read.get_variable_result[0]["attribute_value"] == "1"
        await self.backend.ask("GetBaseReport", request_id=1, report_base="FullInventory")
        await self.backend.until(lambda: [each for each in self.backend.of("NotifyReport") if not each.get("tbc")])
        assert sum(len(each["report_data"]) for each in self.backend.of("NotifyReport")) > 100

    def _events(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.backend.of("TransactionEvent") if each["event_type"] == kind]

    def running(self) -> Any:
        return len(self._events("Started")) > len(self._events("Ended"))

    def values(self) -> int:
        return sum("meter_value" in each for each in self._events("Updated"))

    def transaction(self) -> Any:
        return self._events("Started")[-1]["transaction_info"]["transaction_id"]

    def ended(self) -> list[str]:
        return [each["transaction_info"]["stopped_reason"] for each in self._events("Ended")]

    async def start(self, amps: float) -> str:
        answer = await self.backend.ask(
            "RequestStartTransaction",
            id_token={"idToken": "FAR", "type": "Central"},
            remote_start_id=7,
            evse_id=2,
            charging_profile=_profile(self.backend.version, "TxProfile", amps),
        )
        return str(answer.status)

    async def stop(self) -> str:
        answer = await self.backend.ask("RequestStopTransaction", transaction_id=self.transaction())
        return str(answer.status)

    async def limits(self, amps: float) -> str:
        profile = _profile(self.backend.version, "TxProfile", amps, self.transaction())
        answer = await self.backend.ask("SetChargingProfile", evse_id=2, charging_profile=profile)
        return str(answer.status)

    async def limit(self) -> Any:
        answer = await self.backend.ask("GetCompositeSchedule", evse_id=2, duration=60, charging_rate_unit="A")
        return answer.schedule["charging_schedule_period"][0]["limit"]

    async def list_of_tokens(self) -> Any:
        entries = [{"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}]
        sent = await self.backend.ask(
            "SendLocalList", version_number=3, update_type="Full", local_authorization_list=entries
        )
        assert sent.status == "Accepted"
        return (await self.backend.ask("GetLocalListVersion")).version_number

    async def triggers(self) -> Any:
        before = len(self.backend.of("MeterValues"))
        answer = await self.backend.ask("TriggerMessage", requested_message="MeterValues", evse={"id": 1})
        await self.backend.until(lambda: len(self.backend.of("MeterValues")) > before)
        return answer.status

    async def out_of_service(self) -> Any:
        before = len(self.backend.said)
        answer = await self.backend.ask("ChangeAvailability", operational_status="Inoperative", evse={"id": 1})
        assert answer.status == "Accepted"
        await self.backend.until(lambda: "Unavailable" in repr(self.backend.said[before:]))
        return (await self.backend.ask("ChangeAvailability", operational_status="Operative", evse={"id": 1})).status

    async def reset(self) -> Any:
        return (await self.backend.ask("Reset", type="Immediate")).status


@pytest.mark.parametrize("version", list(Version))
async def test_the_complete_station_and_their_csms_understand_each_other(version: Version) -> None:
    async with _joined(version) as (backend, station):
        session = Session16(backend) if version is Version.V16 else Session2(backend)
        await session.told()
        assert backend.said[0][0] == "BootNotification"
        await session.samples_each_second()
        assert await session.list_of_tokens() == 3
        assert await session.triggers() == "Accepted"
        assert await session.out_of_service() == "Accepted"

        await station.plug(1, ev=ElectricVehicle(soc=20.0, reaction=0.0))
        await station.swipe(1, TOKEN["idToken"])
        await backend.until(session.running)
        assert backend.of("Authorize")
        before = session.values()
        await backend.until(lambda: session.values() >= before + 2)
        await station.swipe(1, TOKEN["idToken"])
        await backend.until(lambda: session.ended() == ["Local"])

        await station.plug(2, ev=ElectricVehicle(soc=20.0, reaction=0.0))
        assert await session.start(10) == "Accepted"
        await backend.until(session.running)
        await backend.until(lambda: station.transactions.on_evse(2) and station.smart_charging.book)
        assert await session.limit() == 10
        assert await session.limits(8) == "Accepted"
        assert await session.limit() == 8
        assert await session.stop() == "Accepted"
        await backend.until(lambda: session.ended()[1:] == ["Remote"])

        boots = len(backend.of("BootNotification"))
        assert await session.reset() == "Accepted"
        await backend.until(lambda: len(backend.of("BootNotification")) > boots)
        await backend.until(lambda: station.provisioning.may_send and not station.message_queue.length)
