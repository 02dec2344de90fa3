"""npm's ``ocpp-rpc`` in strict mode, in both roles, with ours opposite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocppflow import CSMS, Backoff, ChargingStation, errors
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
from tests.interop.node import PATIENCE, NodePeer, RemoteFailure

VERSIONS = list(Version)
PASSWORD = "a-long-password-1"
KEY_16 = bytes.fromhex("00010203fffefd3a0d0a801a2b3c4d5e6f708192")  # 20 raw bytes: no UTF-8, a colon, line ends


def client_options(url: str, version: Version, **more: Any) -> dict[str, Any]:
    strict = {"strictMode": True, "respondWithDetailedErrors": True, "reconnect": False}
    return {"endpoint": url, "identity": "CS1", "protocols": [version.subprotocol], **strict, **more}


def server_options(*versions: Version) -> dict[str, Any]:
    return {"protocols": [version.subprotocol for version in versions], "strictMode": True}


@asynccontextmanager
async def their_csms(node: NodePeer, *versions: Version, **more: Any) -> AsyncIterator[str]:
    port = await node.do("listen", options=server_options(*versions), **more)
    yield f"ws://127.0.0.1:{port}/ocpp"


# --- their station (RPCClient), our CSMS --------------------------------------------------------------------------


def session_calls(version: Version) -> list[tuple[str, dict[str, Any]]]:
    """What a station says while it charges, with the sample sent as a station would."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("BootNotification", boot_payload(version, "Theirs")),
        ("Heartbeat", {}),
        ("StatusNotification", status_payload(version)),
    ]
    if version is Version.V16:
        sample = {"timestamp": iso_now(), "sampledValue": [{"value": "1000", "unit": "Celcius"}]}
        started = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1000, "timestamp": iso_now()}
        calls.append(("StartTransaction", started))
        calls.append(("MeterValues", {"connectorId": 1, "transactionId": 1, "meterValue": [sample]}))
        calls.append(("StopTransaction", {"meterStop": 1500, "timestamp": iso_now(), "transactionId": 1}))
        return calls
    for number, (event, reason) in enumerate([("Started", "Authorized"), ("Ended", "StopAuthorized")]):
        transaction = {
            "eventType": event,
            "timestamp": iso_now(),
            "triggerReason": reason,
            "seqNo": number,
            "transactionInfo": {"transactionId": "T1"},
            "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            "meterValue": [{"timestamp": iso_now(), "sampledValue": [{"value": 1000.5}]}],
            "customData": {"vendorId": "Theirs", "anything": [1, None, {"deep": True}]},
        }
        calls.append(("TransactionEvent", transaction))
    return calls


@pytest.mark.parametrize("version", VERSIONS)
async def test_their_station_charges_in_strict_mode_and_is_called(node: NodePeer, version: Version) -> None:
    csms = CSMS()
    heard = answer_as_csms(csms, version)
    await node.do("answer", method="Reset", result={"status": "Accepted"})
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        chosen = await node.do("connect", options=client_options(listener.url, version))
        assert chosen == version.subprotocol
        for action, payload in session_calls(version):
            assert isinstance(await node.do("call", identity="CS1", method=action, params=payload), dict)
        station = await csms.wait_for("CS1", PATIENCE)
        assert (await station.call(message(version, "Reset")(type=reset_kind(version)))).status == "Accepted"
        assert (await node.next("call"))["params"] == {"type": reset_kind(version)}
        assert not node.happened("invalid"), "the strict validator found fault with a message of ours"
        assert not node.happened("bad")
        await node.do("close", identity="CS1", code=1000, reason="done")
    assert heard == [action for action, _ in session_calls(version)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_J_4_1_1_calls_of_both_sides_cross_without_a_deadlock(node: NodePeer, version: Version) -> None:
    csms = CSMS()

    @csms.on(message(version, "DataTransfer"))
    async def data_transfer(station: Any, request: Any) -> Any:
        answer = await station.call(message(version, "Reset")(type=reset_kind(version)))
        return {"status": "Accepted", "data": answer.status}

    await node.do("answer", method="Reset", result={"status": "Rejected"})
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        await node.do("connect", options=client_options(listener.url, version))
        got = await node.do("call", identity="CS1", method="DataTransfer", params={"vendorId": "Theirs"})
        assert got == {"status": "Accepted", "data": "Rejected"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_our_refusals_arrive_as_their_errors(node: NodePeer, version: Version) -> None:
    csms = CSMS()

    @csms.on(message(version, "DataTransfer"))
    async def data_transfer(station: Any, request: Any) -> Any:
        raise errors.CallError.of(request.vendor_id, "as you like", {"code": request.vendor_id})

    codes = ["SecurityError", "FormatViolation", "OccurrenceConstraintViolation", "InternalError", "GenericError"]
    spelled = {"FormatViolation": "FormationViolation", "OccurrenceConstraintViolation": "OccurenceConstraintViolation"}
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        await node.do("connect", options=client_options(listener.url, version))
        for code in codes:
            with pytest.raises(RemoteFailure) as caught:
                await node.do("call", identity="CS1", method="DataTransfer", params={"vendorId": code})
            wire = spelled.get(code, code) if version is Version.V16 else code  # 1.6 spells two codes differently
            assert (caught.value.code, caught.value.message) == (wire, "as you like")
            assert caught.value.details == {"code": code}
        with pytest.raises(RemoteFailure) as caught:
            await node.do("call", identity="CS1", method="Heartbeat", params={})
        assert caught.value.code == "NotSupported"


@pytest.mark.parametrize("version", VERSIONS)
async def test_their_errors_arrive_as_ours(node: NodePeer, version: Version) -> None:
    csms = CSMS()
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        await node.do("connect", options=client_options(listener.url, version))
        station = await csms.wait_for("CS1", PATIENCE)
        call = message(version, "ClearCache")()
        with pytest.raises(errors.RemoteCallError) as caught:
            await station.call(call)
        assert (caught.value.code, caught.value.description) == ("NotImplemented", "nothing prepared for ClearCache")
        for code in ("SecurityError", "FormatViolation", "PropertyConstraintViolation"):
            await node.do("answer", method="ClearCache", error={"code": code, "description": "no", "details": {"a": 1}})
            with pytest.raises(errors.RemoteCallError) as caught:
                await station.call(call)
            assert (caught.value.code, caught.value.description, caught.value.details) == (code, "no", {"a": 1})


@pytest.mark.parametrize("version", VERSIONS)
async def test_their_strict_validator_refuses_what_we_send_on_purpose(node: NodePeer, version: Version) -> None:
    csms = CSMS()
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        await node.do("connect", options=client_options(listener.url, version))
        station = await csms.wait_for("CS1", PATIENCE)
        await node.do("answer", method="Reset", result={"status": "Accepted"})
        for payload, code in [
            ({"type": 7}, "TypeConstraintViolation"),
            ({}, "OccurrenceConstraintViolation"),
            ({"type": "Sideways"}, "FormatViolation"),
            ({"type": reset_kind(version), "more": 1}, "PropertyConstraintViolation"),
        ]:
            with pytest.raises(errors.RemoteCallError) as caught:
                await station.call_raw("Reset", payload, validate=False)
            assert caught.value.code == code, payload


async def test_A00_FR_203_basic_authentication_and_a_wrong_password(node: NodePeer) -> None:
    csms = CSMS(passwords={"CS1": PASSWORD})
    refused: asyncio.Queue[Any] = asyncio.Queue()
    csms.on_refused(refused.put_nowait)
    options = {"version": Version.V201}
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        for identity, password, status in [("CS1", b"a-long-password-2", 401), ("CS9", PASSWORD.encode(), 404)]:
            with pytest.raises(RemoteFailure) as caught:
                await node.do(
                    "connect",
                    options=client_options(listener.url, identity=identity, **options),
                    password=password.hex(),
                )
            assert caught.value.code == status
            assert (await asyncio.wait_for(refused.get(), PATIENCE)).status == status
        chosen = await node.do(
            "connect", options=client_options(listener.url, **options), password=PASSWORD.encode().hex()
        )
        assert chosen == "ocpp2.0.1"
        assert (await csms.wait_for("CS1", PATIENCE)).peer.security_profile == 1


async def test_A00_FR_205_the_raw_key_of_1_6_from_their_station(node: NodePeer) -> None:
    csms = CSMS(passwords={"CS1": KEY_16.hex()})
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        options = client_options(listener.url, Version.V16)
        with pytest.raises(RemoteFailure) as caught:
            await node.do("connect", options=options, password=KEY_16[:-1].hex())
        assert caught.value.code == 401
        assert await node.do("connect", options=options, password=KEY_16.hex()) == "ocpp1.6"


async def test_J_3_3_their_station_is_told_that_no_version_fits(node: NodePeer) -> None:
    csms = CSMS(versions=["1.6"])
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        with pytest.raises(RemoteFailure, match="Server sent no subprotocol"):
            await node.do("connect", options=client_options(listener.url, Version.V201))
        assert await node.do("connect", options=client_options(listener.url, Version.V16)) == "ocpp1.6"


async def test_their_station_reconnects_and_the_newer_connection_counts(node: NodePeer) -> None:
    csms = CSMS()
    answer_as_csms(csms, Version.V201)
    backoff = {"initialDelay": 1, "maxDelay": 10, "factor": 2, "randomisationFactor": 0}
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        options = client_options(listener.url, Version.V201, reconnect=True, backoff=backoff)
        await node.do("connect", options=options)
        assert (await node.next("open"))["protocol"] == "ocpp2.0.1"
        first = await csms.wait_for("CS1", PATIENCE)
        await first.close(1001, "restart")
        await node.next("open")
        second = await csms.wait_for("CS1", PATIENCE)
        assert second is not first
        assert not first.is_open
        assert "currentTime" in await node.do("call", identity="CS1", method="Heartbeat", params={})
        await node.do("close", identity="CS1")


# --- their CSMS (RPCServer), our station --------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_our_station_passes_their_strict_csms_and_is_called(node: NodePeer, version: Version) -> None:
    accepted = {"currentTime": iso_now(), "interval": 60, "status": "Accepted"}
    await node.do("answer", method="BootNotification", result=accepted)
    await node.do("answer", method="Heartbeat", result={"currentTime": iso_now()})
    await node.do("answer", method="StatusNotification", result={})
    async with their_csms(node, version) as url:
        station = ChargingStation("CS1", url, versions=[version])
        heard = answer_as_station(station, version)
        async with station:
            boot = await station.call_raw("BootNotification", boot_payload(version))
            assert boot.message.interval == 60
            await station.call(message(version, "Heartbeat")())
            await station.call_raw("StatusNotification", status_payload(version))
            got = await node.do("call", identity="CS1", method="Reset", params={"type": reset_kind(version)})
            assert got == {"status": "Accepted"}
            assert not node.happened("invalid"), "the strict validator found fault with a message of ours"
            assert not node.happened("bad")
        assert heard == [("Reset", reset_kind(version))]
        assert (await node.next("closed"))["code"] == 1001


@pytest.mark.parametrize("version", VERSIONS)
async def test_errors_between_our_station_and_their_csms(node: NodePeer, version: Version) -> None:
    async with their_csms(node, version) as url:
        station = ChargingStation("CS1", url, versions=[version])

        @station.on(message(version, "ClearCache"))
        async def clear_cache(station: Any, request: Any) -> Any:
            raise errors.SecurityError("not now", {"until": "noon"})

        async with station:
            with pytest.raises(errors.RemoteCallError) as caught:
                await station.call(message(version, "Heartbeat")())
            assert caught.value.code == "NotImplemented"
            await node.do("answer", method="BootNotification", result={})
            with pytest.raises(errors.RemoteCallError) as caught:
                await station.call_raw("BootNotification", {}, validate=False)
            assert caught.value.code == "OccurrenceConstraintViolation"
            for method, params, code in [
                ("ClearCache", {}, "SecurityError"),
                ("Reset", {"type": reset_kind(version)}, "NotSupported"),
            ]:
                with pytest.raises(RemoteFailure) as refused:
                    await node.do("call", identity="CS1", method=method, params=params)
                assert refused.value.code == code


async def test_A00_FR_203_our_station_proves_itself_to_their_csms(node: NodePeer) -> None:
    passwords = {"CS1": PASSWORD.encode().hex(), "CS2": KEY_16.hex()}
    async with their_csms(node, Version.V201, Version.V16, passwords=passwords) as url:
        async with ChargingStation("CS1", url, versions=["2.0.1"], password=PASSWORD) as station:
            assert station.version is Version.V201
        async with ChargingStation("CS2", url, versions=["1.6"], password=KEY_16) as station:
            assert station.version is Version.V16
        for identity, status, says in [("CS1", 401, "check the password"), ("CS9", 404, "check the identity")]:
            station = ChargingStation(identity, url, versions=["2.0.1"], password="wrong-password-99")
            with pytest.raises(errors.ConnectionRefused, match=says) as caught:
                await station.connect()
            assert caught.value.status == status


async def test_J_3_1_2_their_csms_chooses_among_the_versions_we_offer(node: NodePeer) -> None:
    async with their_csms(node, Version.V16) as url:
        async with ChargingStation("CS1", url, versions=["2.1", "2.0.1", "1.6"]) as station:
            assert station.version is Version.V16
        station = ChargingStation("CS2", url, versions=["2.1", "2.0.1"])
        with pytest.raises(errors.ConnectionRefused, match="versions") as caught:
            await station.connect()
        assert "2.1" in caught.value.reason


async def test_J_5_4_our_station_comes_back_to_their_csms(node: NodePeer) -> None:
    await node.do("answer", method="Heartbeat", result={"currentTime": iso_now()})
    connected: asyncio.Queue[Any] = asyncio.Queue()
    async with their_csms(node, Version.V201) as url:
        backoff = Backoff(0.01, 0.0, 0)
        station = ChargingStation("CS1", url, versions=["2.0.1"], backoff=backoff)
        station.on_connect(connected.put_nowait)
        async with station:
            await asyncio.wait_for(connected.get(), PATIENCE)
            for _ in range(3):
                await node.next("client")
                await node.do("drop", identity="CS1")
                await asyncio.wait_for(connected.get(), PATIENCE)
            await node.next("client")
            await station.call(message(Version.V201, "Heartbeat")())
            await node.next("call")
