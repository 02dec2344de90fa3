"""OCPP 1.6: the same blocks, in 1.6's words."""

from __future__ import annotations

from typing import Any

import pytest
from world_16 import World16

from ocppflow.station.hardware import EvDemand


@pytest.fixture
async def world() -> Any:
    async with World16() as one:
        await one.online()
        yield one


async def test_a_boot_is_followed_by_the_status_of_all_connectors_and_of_the_station(world: World16) -> None:
    assert world.heard[0] == (
        "BootNotification",
        {"chargePointVendor": "ocppflow", "chargePointModel": "Wallbox", "firmwareVersion": "1.0.0"},
    )
    assert [world.statuses(connector) for connector in (0, 1, 2)] == [["Available"]] * 3


async def test_a_session_is_told_as_start_values_stop(world: World16) -> None:
    await world.charge()
    await world.settle(150)
    world.hardware.swipe("TAG1")
    await world.settle(1)
    world.hardware.unplug()
    await world.settle(1)
    (start,), (stop,) = world.sent("StartTransaction"), world.sent("StopTransaction")
    assert (start["connectorId"], start["idTag"], start["meterStart"]) == (1, "TAG1", 1000)
    assert stop["transactionId"] == 1
    assert stop["idTag"] == "TAG1"
    assert stop["reason"] == "Local"
    assert stop["meterStop"] == pytest.approx(1000 + 22080 * 150 / 3600, abs=10)
    values = world.sent("MeterValues")
    contexts = [each["meterValue"][0]["sampledValue"][0]["context"] for each in values]
    assert contexts == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic"]
    assert {each["transactionId"] for each in values} == {1}
    assert values[0]["meterValue"][0]["sampledValue"][0]["measurand"] == "Energy.Active.Import.Register"
    assert world.statuses(1) == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert world.station.message_queue.length == 0
    assert not world.store.keys("transactions_16")


async def test_the_ev_that_pauses_is_told(world: World16) -> None:
    await world.charge(evse=2)
    world.hardware.ev(EvDemand.CONNECTED, 2)
    await world.settle(1)
    world.hardware.ev(EvDemand.READY, 2)
    await world.settle(1)
    world.hardware.fault("GroundFailure", 2)
    await world.settle(1)
    assert world.statuses(2)[1:5] == ["Preparing", "Charging", "SuspendedEV", "Charging"]
    assert world.statuses(2)[-1] == "Faulted"
    assert world.sent("StatusNotification")[-1]["errorCode"] == "GroundFailure"


async def test_a_transaction_that_began_offline_is_told_later_with_the_registers_of_then(world: World16) -> None:
    assert await world.change("AllowOfflineTxForUnknownId", "true") == "Accepted"
    await world.offline()
    await world.charge(tag="OFF")
    await world.settle(100)
    world.hardware.swipe("OFF")
    await world.settle(1)
    world.hardware.unplug()
    await world.settle(1)
    began = world.now()
    await world.back()
    await world.settle(1)
    (start,), (stop,) = world.sent("StartTransaction"), world.sent("StopTransaction")
    assert start["idTag"] == "OFF"
    assert start["timestamp"] < began.isoformat()
    assert stop["meterStop"] - start["meterStart"] == pytest.approx(22080 * 101 / 3600, abs=12)


async def test_a_transaction_keeps_its_number_over_a_power_cut(world: World16) -> None:
    await world.charge()
    await world.settle(60)
    world.station.power_down()
    await world.station.stop()
    world.hardware.events = None
    again = world.complete_station(hardware=world.hardware)
    await again.connect()
    await world.settle(5)
    answer = await world.call("RemoteStopTransaction", {"transactionId": 1})
    await world.settle(1)
    assert answer == {"status": "Accepted"}
    assert len(world.sent("StartTransaction")) == 1
    (stop,) = world.sent("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (1, "Remote")


async def test_a_start_that_the_csms_refuses_at_first_is_sent_again_alike(world: World16) -> None:
    answers = iter([{"nonsense": 1}])
    world.answers["StartTransaction"] = lambda call: next(answers, None)
    await world.change("TransactionMessageRetryInterval", "10")
    await world.charge()
    await world.settle(100)
    first, second = world.sent("StartTransaction")
    assert first == second
    world.hardware.swipe("TAG1")
    await world.settle(1)
    assert world.sent("StopTransaction")[0]["transactionId"] == 2


async def test_remote_start_and_stop(world: World16) -> None:
    world.hardware.plug(2)
    await world.settle(1)
    assert await world.call("RemoteStartTransaction", {"idTag": "FAR", "connectorId": 2}) == {"status": "Accepted"}
    await world.settle(5)
    (start,) = world.sent("StartTransaction")
    assert (start["connectorId"], start["idTag"]) == (2, "FAR")
    assert await world.call("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
    assert await world.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    await world.settle(1)
    assert world.sent("StopTransaction")[0]["reason"] == "Remote"
    assert await world.call("RemoteStartTransaction", {"idTag": "FAR", "connectorId": 7}) == {"status": "Rejected"}


async def test_unlocking_ends_the_transaction_first(world: World16) -> None:
    await world.charge(evse=2)
    await world.settle(10)
    assert await world.call("UnlockConnector", {"connectorId": 2}) == {"status": "Unlocked"}
    await world.settle(1)
    assert world.sent("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert await world.call("UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}  # a fixed cable
    assert await world.call("UnlockConnector", {"connectorId": 9}) == {"status": "NotSupported"}


async def test_keys_are_views_on_the_device_model(world: World16) -> None:
    assert await world.key("HeartbeatInterval") == {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    assert await world.change("heartbeatinterval", "77") == "Accepted"
    assert world.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval") == 77
    assert await world.change("HeartbeatInterval", "soon") == "Rejected"
    assert await world.change("NumberOfConnectors", "3") == "Rejected"
    assert await world.change("NoSuchKey", "3") == "NotSupported"
    assert (await world.key("NumberOfConnectors"))["value"] == "2"
    assert "SmartCharging" in (await world.key("SupportedFeatureProfiles"))["value"].split(",")
    answer = await world.call("GetConfiguration", {"key": ["HeartbeatInterval", "Foo"]})
    assert answer["unknownKey"] == ["Foo"]


async def test_every_key_that_is_listed_can_be_read_and_the_password_is_not_shown(world: World16) -> None:
    answer = await world.call("GetConfiguration", {})
    keys = {each["key"]: each for each in answer["configurationKey"]}
    core = """AuthorizeRemoteTxRequests ClockAlignedDataInterval ConnectionTimeOut ConnectorPhaseRotation
        GetConfigurationMaxKeys HeartbeatInterval LocalAuthorizeOffline LocalPreAuthorize MeterValuesAlignedData
        MeterValuesSampledData MeterValueSampleInterval NumberOfConnectors ResetRetries
        StopTransactionOnEVSideDisconnect StopTransactionOnInvalidId StopTxnAlignedData StopTxnSampledData
        SupportedFeatureProfiles TransactionMessageAttempts TransactionMessageRetryInterval
        UnlockConnectorOnEVSideDisconnect LocalAuthListEnabled LocalAuthListMaxLength SendLocalListMaxLength
        ChargeProfileMaxStackLevel ChargingScheduleAllowedChargingRateUnit ChargingScheduleMaxPeriods
        MaxChargingProfilesInstalled MessageTimeout StopTransactionMaxMeterValues MeterValuesSampledDataMaxLength
        PublicKeyWithSignedMeterValue SampledDataSignReadings SampledDataSignStartedReadings
        SampledDataSignUpdatedReadings StartTxnSampledData AlignedDataSignReadings AlignedDataSignUpdatedReadings
        SupportedFileTransferProtocols CertificateStoreMaxLength CertificateSignedMaxChainSize AuthorizationKey
        SecurityProfile CpoName AdditionalRootCertificateCheck"""
    assert set(core.split()) - keys.keys() == set()
    assert "value" not in keys["AuthorizationKey"]
    assert keys["ChargingScheduleAllowedChargingRateUnit"]["value"] == "Current,Power"


async def test_availability_and_reservation(world: World16) -> None:
    assert await world.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Accepted"}
    await world.settle(1)
    assert world.statuses(1) == ["Available", "Unavailable"]
    booking = {"connectorId": 2, "idTag": "TAG1", "reservationId": 5, "expiryDate": "2026-01-01T01:00:00Z"}
    assert await world.call("ReserveNow", booking) == {"status": "Accepted"}
    await world.settle(1)
    assert world.statuses(2) == ["Available", "Reserved"]
    await world.charge(evse=2)
    assert world.sent("StartTransaction")[0]["reservationId"] == 5
    assert await world.call("CancelReservation", {"reservationId": 5}) == {"status": "Rejected"}


async def test_a_local_list(world: World16) -> None:
    assert await world.call("GetLocalListVersion", {}) == {"listVersion": 0}
    entries = [{"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}}]
    full = {"listVersion": 4, "updateType": "Full", "localAuthorizationList": entries}
    await world.change("LocalAuthListEnabled", "true")
    assert await world.call("SendLocalList", full) == {"status": "Accepted"}
    assert await world.call("GetLocalListVersion", {}) == {"listVersion": 4}


def _profile(**changes: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {**schedule, "startSchedule": "2026-01-01T00:00:00Z"},
    }
    return {**profile, **changes}


async def test_smart_charging(world: World16) -> None:
    asked = {"connectorId": 1, "csChargingProfiles": _profile()}
    assert await world.call("SetChargingProfile", asked) == {"status": "Accepted"}
    await world.charge()
    assert world.hardware.evses[0].offered.amps == 10
    tx = _profile(chargingProfileId=2, chargingProfilePurpose="TxProfile", transactionId=1)
    tx["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 8.0
    asked = {"connectorId": 1, "csChargingProfiles": tx}
    assert await world.call("SetChargingProfile", asked) == {"status": "Accepted"}
    await world.settle(1)
    assert world.hardware.evses[0].offered.amps == 8
    answer = await world.call("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"})
    assert answer["status"] == "Accepted"
    assert answer["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 8.0
    assert await world.call("ClearChargingProfile", {"id": 2}) == {"status": "Accepted"}
    assert await world.call("ClearChargingProfile", {"id": 2}) == {"status": "Unknown"}
    assert await world.call("ClearChargingProfile", {}) == {"status": "Accepted"}
    wrong = {"connectorId": 2, "csChargingProfiles": {**tx, "transactionId": 77}}
    assert await world.call("SetChargingProfile", wrong) == {"status": "Rejected"}


async def test_a_status_that_does_not_last_is_not_told_if_so_configured(world: World16) -> None:
    assert await world.change("MinimumStatusDuration", "20") == "Accepted"
    world.hardware.plug(1)
    await world.settle(5)
    world.hardware.unplug(1)
    await world.settle(60)
    assert world.statuses(1) == ["Available"]
    world.hardware.plug(1)
    await world.settle(21)
    assert world.statuses(1) == ["Available", "Preparing"]


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
async def test_a_reset_ends_the_transaction_with_its_kind(world: World16, kind: str, reason: str) -> None:
    await world.charge()
    await world.settle(10)
    assert await world.call("Reset", {"type": kind}) == {"status": "Accepted"}
    await world.settle(120)
    (stop,) = world.sent("StopTransaction")
    assert stop["reason"] == reason
    assert "idTag" not in stop
    assert len(world.sent("BootNotification")) == 2


async def test_triggers(world: World16) -> None:
    world.heard.clear()
    for message in ("Heartbeat", "MeterValues", "FirmwareStatusNotification"):
        answer = await world.call("TriggerMessage", {"requestedMessage": message, "connectorId": 1})
        await world.settle(1)
        assert answer["status"] == "Accepted", message
        assert len(world.sent(message)) == 1, message
    answer = await world.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    assert answer["status"] == "Rejected"  # errata 3.35
    await world.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
    await world.settle(1)
    assert [each["connectorId"] for each in world.sent("StatusNotification")] == [0, 1, 2]
    await world.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 0})
    await world.call("ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2})
    await world.settle(1)
    assert [each["connectorId"] for each in world.sent("StatusNotification")][3:] == [0, 2]
    answer = await world.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 5})
    assert answer["status"] == "Rejected"
    await world.call("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
    await world.call("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
    await world.call("ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
    await world.settle(1)
    assert world.sent("DiagnosticsStatusNotification") == [{"status": "Idle"}]
    assert world.sent("LogStatusNotification") == [{"status": "Idle"}]
    assert world.sent("SignedFirmwareStatusNotification") == [{"status": "Idle"}]


async def test_triggered_meter_values_have_the_transaction_and_connector_0_is_the_sum(world: World16) -> None:
    """5.17: all measurands of MeterValuesSampledData; 4.7: connector 0 is the whole station."""
    await world.change("MeterValuesSampledData", "Energy.Active.Import.Register, Power.Active.Import,Voltage")
    await world.charge()
    await world.settle(10)
    world.heard.clear()
    await world.call("TriggerMessage", {"requestedMessage": "MeterValues"})
    await world.call("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 0})
    await world.settle(1)
    busy, idle, whole = world.sent("MeterValues")
    assert [each["connectorId"] for each in (busy, idle, whole)] == [1, 2, 0]
    assert busy["transactionId"] == 1
    assert "transactionId" not in idle | whole
    power = {
        each["connectorId"]: next(
            float(value["value"])
            for value in each["meterValue"][0]["sampledValue"]
            if value["measurand"] == "Power.Active.Import"
        )
        for each in (busy, idle, whole)
    }
    assert power[0] == power[1] + power[2] > 0
    assert {each["context"] for each in busy["meterValue"][0]["sampledValue"]} == {"Trigger"}
    assert {each["location"] for each in whole["meterValue"][0]["sampledValue"]} == {"Inlet"}
