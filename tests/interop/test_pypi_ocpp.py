"""PyPI's ``ocpp`` over ``websockets``, in both roles and all versions, with ours opposite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import ocpp.exceptions
import pytest
import websockets
from ocpp.routing import after, on

from ocppflow import CSMS, ChargingStation, errors, v21
from ocppflow.messages import Version
from tests.interop.blocks import (
    answer_as_csms,
    answer_as_station,
    boot_payload,
    iso_now,
    message,
    reset_kind,
    status_payload,
)

PATIENCE = 10.0
VERSIONS = list(Version)


def theirs(version: Version) -> Any:
    return import_module("ocpp.v" + version.value.replace(".", ""))


# --- their station, our CSMS --------------------------------------------------------------------------------------


def their_station(version: Version, connection: Any) -> Any:
    module = theirs(version)

    class Station(module.ChargePoint):  # type: ignore[misc, name-defined]
        @on("Reset")
        def reset(self, type: str, **_: Any) -> Any:  # noqa: A002 - the field's name
            self.reset_asked = type
            return module.call_result.Reset(status="Accepted")

        @on("ClearCache")
        def clear_cache(self, **_: Any) -> Any:
            raise ocpp.exceptions.SecurityError(description="not you", details={"why": "because"})

    return Station("CS1", connection, response_timeout=PATIENCE)


@asynccontextmanager
async def their_station_at(csms: CSMS, version: Version) -> AsyncIterator[Any]:
    async with (
        csms.listen("ws://127.0.0.1:0/ocpp") as listener,
        websockets.connect(f"{listener.url}/CS1", subprotocols=[version.subprotocol]) as connection,
    ):
        assert connection.subprotocol == version.subprotocol
        station = their_station(version, connection)
        reading = asyncio.create_task(station.start())
        yield station
        reading.cancel()
        with suppress(asyncio.CancelledError, websockets.ConnectionClosed):
            await reading


def boot_call(version: Version) -> Any:
    call = theirs(version).call
    if version is Version.V16:
        return call.BootNotification(charge_point_model="Wallbox", charge_point_vendor="Theirs")
    return call.BootNotification(charging_station={"model": "Wallbox", "vendorName": "Theirs"}, reason="PowerUp")


def session_calls(version: Version) -> list[Any]:
    call = theirs(version).call
    if version is Version.V16:
        sample = {"timestamp": iso_now(), "sampledValue": [{"value": "1000", "unit": "Wh"}]}
        return [
            call.StatusNotification(connector_id=1, error_code="NoError", status="Preparing", timestamp=iso_now()),
            call.Authorize(id_tag="04A2B3C4"),
            call.StartTransaction(connector_id=1, id_tag="04A2B3C4", meter_start=1000, timestamp=iso_now()),
            call.MeterValues(connector_id=1, transaction_id=7, meter_value=[sample]),
            call.StopTransaction(meter_stop=1500, timestamp=iso_now(), transaction_id=7, reason="Local"),
        ]
    token = {"idToken": "04A2B3C4", "type": "ISO14443"}
    events = [
        call.TransactionEvent(
            event_type=event,
            timestamp=iso_now(),
            trigger_reason=reason,
            seq_no=number,
            transaction_info={"transactionId": "T1"},
            id_token=token,
            evse={"id": 1, "connectorId": 1},
            meter_value=[{"timestamp": iso_now(), "sampledValue": [{"value": 1000.5 + number}]}],
        )
        for number, (event, reason) in enumerate(
            [("Started", "Authorized"), ("Updated", "MeterValuePeriodic"), ("Ended", "StopAuthorized")]
        )
    ]
    status = call.StatusNotification(timestamp=iso_now(), connector_status="Occupied", evse_id=1, connector_id=1)
    return [status, call.Authorize(id_token=token), *events]


@pytest.mark.parametrize("version", VERSIONS)
async def test_their_station_boots_charges_and_is_called_by_our_csms(version: Version) -> None:
    csms = CSMS()
    heard = answer_as_csms(csms, version)
    async with their_station_at(csms, version) as station:
        boot = await station.call(boot_call(version), suppress=False)
        assert (boot.status, boot.interval) == ("Accepted", 300)
        beat = await station.call(theirs(version).call.Heartbeat(), suppress=False)
        assert datetime.fromisoformat(beat.current_time).tzinfo is not None
        for call in session_calls(version):
            answer = await station.call(call, suppress=False)
            assert type(answer).__name__ == type(call).__name__
        ours = await csms.wait_for("CS1", PATIENCE)
        kind = reset_kind(version)
        reset = await ours.call(message(version, "Reset")(type=kind))
        assert reset.status == "Accepted"
        assert station.reset_asked == kind
    assert heard[:2] == ["BootNotification", "Heartbeat"]
    assert heard[2:] == [type(call).__name__ for call in session_calls(version)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_error_of_their_station_reaches_our_caller_whole(version: Version) -> None:
    csms = CSMS()
    async with their_station_at(csms, version):
        ours = await csms.wait_for("CS1", PATIENCE)
        with pytest.raises(errors.RemoteCallError) as caught:
            await ours.call(message(version, "ClearCache")())
        assert (caught.value.code, caught.value.description, caught.value.details) == (
            "SecurityError",
            "not you",
            {"why": "because"},
        )


@pytest.mark.parametrize("version", VERSIONS)
async def test_their_station_understands_every_refusal_of_ours(version: Version) -> None:
    csms = CSMS()
    call = theirs(version).call

    @csms.on(message(version, "DataTransfer"))
    async def data_transfer(station: Any, request: Any) -> Any:
        raise errors.SecurityError("not from you", {"vendor": request.vendor_id})

    async with their_station_at(csms, version) as station:
        with pytest.raises(ocpp.exceptions.NotSupportedError):
            await station.call(call.Heartbeat(), suppress=False)
        with pytest.raises(ocpp.exceptions.SecurityError) as caught:
            await station.call(call.DataTransfer(vendor_id="Theirs"), suppress=False)
        assert (caught.value.description, caught.value.details) == ("not from you", {"vendor": "Theirs"})
        broken = call.DataTransfer(vendor_id=12)
        with pytest.raises(ocpp.exceptions.TypeConstraintViolationError, match="vendorId"):
            await station.call(broken, suppress=False, skip_schema_validation=True)


# --- their CSMS, our station --------------------------------------------------------------------------------------


class TheirCSMS:
    """A CSMS made of PyPI's ``ocpp``, with the station that is connected to it."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.module = theirs(version)
        self.connected: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.heard: list[str] = []
        self.url = ""

    async def serve(self, connection: Any) -> None:
        point = self.charge_point()(connection.request.path.rpartition("/")[2], connection, response_timeout=PATIENCE)
        self.connected.set_result(point)
        with suppress(websockets.ConnectionClosed):
            await point.start()

    def charge_point(self) -> Any:
        result, heard = self.module.call_result, self.heard

        class ChargePoint(self.module.ChargePoint):  # type: ignore[misc, name-defined]
            @on("BootNotification")
            def boot(self, **_: Any) -> Any:
                heard.append("BootNotification")
                return result.BootNotification(current_time=iso_now(), interval=60, status="Accepted")

            @on("Heartbeat")
            async def heartbeat(self, **_: Any) -> Any:
                heard.append("Heartbeat")
                return result.Heartbeat(current_time=iso_now())

            @on("StatusNotification")
            def status(self, **_: Any) -> Any:
                heard.append("StatusNotification")
                return result.StatusNotification()

            @on("DataTransfer")
            def data_transfer(self, **_: Any) -> Any:
                raise ocpp.exceptions.InternalError(description="out of order", details={"since": "noon"})

            @after("StatusNotification")
            def noticed(self, **_: Any) -> None:
                heard.append("after StatusNotification")

        return ChargePoint

    async def point(self) -> Any:
        return await asyncio.wait_for(asyncio.shield(self.connected), PATIENCE)


@asynccontextmanager
async def their_csms(version: Version) -> AsyncIterator[TheirCSMS]:
    csms = TheirCSMS(version)
    async with websockets.serve(csms.serve, "127.0.0.1", 0, subprotocols=[version.subprotocol]) as server:
        csms.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        yield csms


@pytest.mark.parametrize("version", VERSIONS)
async def test_our_station_boots_reports_and_is_called_by_their_csms(version: Version) -> None:
    async with their_csms(version) as csms:
        station = ChargingStation("CS1", csms.url, versions=[version])
        heard = answer_as_station(station, version)
        async with station:
            boot = await station.call_raw("BootNotification", boot_payload(version))
            assert (boot.message.status, boot.message.interval) == ("Accepted", 60)
            beat = await station.call(message(version, "Heartbeat")())
            assert abs((beat.current_time - datetime.now(UTC)).total_seconds()) < 60
            await station.call_raw("StatusNotification", status_payload(version))
            point = await csms.point()
            kind = reset_kind(version)
            reset = await point.call(csms.module.call.Reset(type=kind), suppress=False)
            assert reset.status == "Accepted"
            assert heard == [("Reset", kind)]
    assert csms.heard == ["BootNotification", "Heartbeat", "StatusNotification", "after StatusNotification"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_errors_between_our_station_and_their_csms(version: Version) -> None:
    async with their_csms(version) as csms:
        station = ChargingStation("CS1", csms.url, versions=[version])

        @station.on(message(version, "ClearCache"))
        async def clear_cache(station: Any, request: Any) -> Any:
            raise errors.SecurityError("not now", {"until": "noon"})

        async with station:
            with pytest.raises(errors.RemoteCallError) as caught:
                await station.call(message(version, "DataTransfer")(vendor_id="Ours"))
            # PyPI's ocpp tells the peer nothing of what it knows but the code and the details.
            assert (caught.value.code, caught.value.details) == ("InternalError", {"since": "noon"})
            point = await csms.point()
            with pytest.raises(ocpp.exceptions.SecurityError) as refused:
                await point.call(csms.module.call.ClearCache(), suppress=False)
            assert (refused.value.description, refused.value.details) == ("not now", {"until": "noon"})
            with pytest.raises(ocpp.exceptions.NotSupportedError):
                await point.call(csms.module.call.Reset(type=reset_kind(version)), suppress=False)


async def test_21_our_send_passes_their_csms_and_the_calls_around_it_are_answered() -> None:
    """PyPI's ``ocpp`` does not know SEND (message type 6); it must neither lose the connection nor mix up answers."""
    version = Version.V21
    async with their_csms(version) as csms, ChargingStation("CS1", csms.url, versions=[version]) as station:
        stream = [v21.StreamDataElementType(t=1.5, v="230.4")]
        station.send(v21.NotifyPeriodicEventStream(id=1, pending=0, basetime=datetime.now(UTC), data=stream))
        await station.call(message(version, "Heartbeat")())
    assert csms.heard == ["Heartbeat"]
