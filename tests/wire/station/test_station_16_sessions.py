"""OCPP 1.6: transactions, statuses and meter values, online and offline."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from world_16 import World16

from ocppflow.errors import RemoteCallError
from ocppflow.messages import v21
from ocppflow.station import CompleteStation, ConnectorConfig, EvseConfig
from ocppflow.station.hardware import EvDemand


@pytest.fixture
async def world() -> Any:
    async with World16() as one:
        await one.online()
        yield one


def _values(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for each in message["meterValue"] for value in each["sampledValue"]]


# --- statuses (4.9) --------------------------------------------------------------------------------------------------


async def test_a_token_before_the_cable_is_Preparing_and_back_when_nobody_plugs_in() -> None:
    """A2, B1: ConnectionTimeOut ends it, without a transaction."""
    async with World16(evses=(EvseConfig(),)) as world:
        await world.online()
        await world.change("ConnectionTimeOut", "30")
        world.hardware.swipe("TAG1")
        await world.settle(1)
        assert world.statuses(1) == ["Available", "Preparing"]
        await world.settle(31)
        assert world.statuses(1) == ["Available", "Preparing", "Available"]
        world.hardware.plug()
        await world.settle(1)
        assert world.sent("StartTransaction") == []


async def test_a_token_before_the_cable_starts_when_it_is_in() -> None:
    async with World16(evses=(EvseConfig(),)) as world:
        await world.online()
        world.hardware.swipe("TAG1")
        await world.settle(1)
        world.hardware.plug()
        await world.settle(1)
        assert world.statuses(1) == ["Available", "Preparing", "Charging"]
        assert len(world.sent("StartTransaction")) == 1


@pytest.mark.parametrize("stops", ["true", "false"])
async def test_a_cable_pulled_at_the_ev(world: World16, stops: str) -> None:
    """4.9, 4.10: with StopTransactionOnEVSideDisconnect it is Finishing, without SuspendedEV, and goes on."""
    await world.change("StopTransactionOnEVSideDisconnect", stops)
    await world.change("UnlockConnectorOnEVSideDisconnect", "false")
    await world.charge(evse=2)
    await world.settle(5)
    world.hardware.ev(EvDemand.NONE, 2)
    await world.settle(1)
    last = world.sent("StatusNotification")[-1]
    assert (last["status"], last["info"]) == ("Finishing" if stops == "true" else "SuspendedEV", "EV side disconnected")
    assert [each["reason"] for each in world.sent("StopTransaction")] == (["EVDisconnected"] if stops == "true" else [])
    world.hardware.ev(EvDemand.READY, 2)
    await world.settle(1)
    assert world.statuses(2)[-1] == ("Finishing" if stops == "true" else "Charging")
    assert len(world.sent("StartTransaction")) == 1


async def test_a_fixed_cable_pulled_at_the_ev_suspends_until_it_is_back(world: World16) -> None:
    """4.9, 4.10: what is pulled at the EV is then in nowhere."""
    await world.change("StopTransactionOnEVSideDisconnect", "false")
    await world.charge()
    world.hardware.unplug()
    await world.settle(1)
    last = world.sent("StatusNotification")[-1]
    assert (last["connectorId"], last["status"], last["info"]) == (1, "SuspendedEV", "EV side disconnected")
    world.hardware.plug()
    await world.settle(1)
    assert world.statuses(1)[-1] == "Charging"
    assert (len(world.sent("StartTransaction")), world.sent("StopTransaction")) == (1, [])


async def test_the_second_connector_of_an_evse_has_its_own_number() -> None:
    both = EvseConfig(connectors=(ConnectorConfig("sType2"), ConnectorConfig("cType1")))
    async with World16(evses=(EvseConfig(), both)) as world:
        await world.online()
        world.hardware.plug(2, 2)
        await world.settle(1)
        world.hardware.swipe("TAG1", 2)
        await world.settle(1)
        assert world.sent("StartTransaction")[0]["connectorId"] == 3
        assert world.statuses(3) == ["Available", "Preparing", "Charging"]
        assert "Charging" not in world.statuses(2)


async def test_a_second_session_of_the_same_cable(world: World16) -> None:
    """F2: presenting the token again begins anew, without unplugging."""
    await world.charge()
    for tag in ("TAG1", "TAG2"):
        world.hardware.swipe(tag)
        await world.settle(1)
    assert [each["idTag"] for each in world.sent("StartTransaction")] == ["TAG1", "TAG2"]
    assert world.statuses(1)[-3:] == ["Charging", "Finishing", "Charging"]


async def test_what_was_finished_before_an_outage_is_not_finished_for_the_next_cable(world: World16) -> None:
    await world.charge()
    world.hardware.swipe("TAG1")
    await world.settle(1)
    await world.offline()
    world.hardware.unplug()
    await world.settle(1)
    world.hardware.plug()
    await world.settle(1)
    await world.back()
    await world.settle(1)
    assert world.statuses(1)[-2:] == ["Finishing", "Preparing"]


async def test_only_the_present_status_is_told_after_an_outage(world: World16) -> None:
    """4.9, rules 1 and 3."""
    await world.offline()
    world.hardware.plug()
    await world.settle(5)
    world.hardware.unplug()
    await world.settle(5)
    world.hardware.plug(2)
    await world.settle(5)
    before = len(world.sent("StatusNotification"))
    await world.back()
    await world.settle(1)
    told = [(each["connectorId"], each["status"]) for each in world.sent("StatusNotification")[before:]]
    assert told == [(2, "Preparing")]


async def test_a_harmless_fault_is_a_warning_beside_the_status(world: World16) -> None:
    await world.charge()
    world.hardware.fault("WeakSignal", 1, 1)
    await world.settle(1)
    last = world.sent("StatusNotification")[-1]
    assert (last["status"], last["errorCode"]) == ("Charging", "WeakSignal")
    assert world.sent("StopTransaction") == []


async def test_a_fault_of_the_station_is_that_of_connector_0(world: World16) -> None:
    world.hardware.fault("InternalError", 0, 0)
    await world.settle(1)
    assert world.statuses(0)[-1] == "Faulted"
    assert world.statuses(1)[-1] == "Unavailable"


# --- authorization (3.5, 4.8) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stops", ["true", "false"])
async def test_a_start_that_is_not_accepted(world: World16, stops: str) -> None:
    """3.5.4, errata 3.17."""
    await world.change("StopTransactionOnInvalidId", stops)
    world.answers["StartTransaction"] = {"idTagInfo": {"status": "Blocked"}, "transactionId": 9}
    await world.charge()
    await world.settle(1)
    if stops == "true":
        assert world.sent("StopTransaction")[0]["reason"] == "DeAuthorized"
        assert world.statuses(1)[-1] == "Finishing"
    else:
        assert world.sent("StopTransaction") == []
        assert world.statuses(1)[-1] == "SuspendedEVSE"
    assert world.hardware.evses[0].offered.amps == 0


async def test_a_friend_of_the_same_parent_stops_and_the_stop_names_the_friend(world: World16) -> None:
    world.answers["Authorize"] = lambda call: {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    await world.charge()
    world.hardware.swipe("FRIEND")
    await world.settle(1)
    (stop,) = world.sent("StopTransaction")
    assert (stop["idTag"], stop["reason"]) == ("FRIEND", "Local")


async def test_the_same_tag_stops_without_Authorize_and_a_strangers_does_not_stop(world: World16) -> None:
    """3.4, 4.1."""
    await world.charge()
    world.hardware.swipe("STRANGER")
    await world.settle(1)
    assert world.sent("StopTransaction") == []
    asked = len(world.sent("Authorize"))
    world.hardware.swipe("TAG1")
    await world.settle(1)
    assert len(world.sent("StopTransaction")) == 1
    assert len(world.sent("Authorize")) == asked


async def test_a_conflict_with_the_local_list_is_told(world: World16) -> None:
    """3.5.2: the list has it as Accepted, StartTransaction.conf does not."""
    entries = [{"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}}]
    full = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
    assert await world.call("SendLocalList", full) == {"status": "Accepted"}
    await world.change("LocalPreAuthorize", "true")
    world.answers["StartTransaction"] = {"idTagInfo": {"status": "Expired"}, "transactionId": 9}
    await world.charge()
    conflicts = [each for each in world.sent("StatusNotification") if each["errorCode"] == "LocalListConflict"]
    assert [(each["connectorId"], each["status"]) for each in conflicts] == [(0, "Available")]
    assert world.sent("Authorize") == []


async def test_ConcurrentTx_is_no_conflict(world: World16) -> None:
    entries = [{"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}}]
    await world.call("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries})
    world.answers["StartTransaction"] = {"idTagInfo": {"status": "ConcurrentTx"}, "transactionId": 9}
    await world.charge()
    assert {each["errorCode"] for each in world.sent("StatusNotification")} == {"NoError"}


async def test_the_cache_learns_from_StartTransaction(world: World16) -> None:
    """3.5.1: a tag that is valid in the cache charges offline; one that StartTransaction.conf has spoilt does not."""
    await world.charge(tag="GOOD")
    world.hardware.swipe("GOOD")
    world.answers["StartTransaction"] = {"idTagInfo": {"status": "Blocked"}, "transactionId": 9}
    await world.charge(evse=2, tag="BAD")
    world.hardware.unplug(2)
    await world.settle(1)
    await world.offline()
    world.hardware.plug(2)
    for tag in ("BAD", "GOOD"):
        world.hardware.swipe(tag, 2)
        await world.settle(1)
        assert (world.station.transactions.on_evse(2) is not None) == (tag == "GOOD")


# --- offline, retries (3.7) ------------------------------------------------------------------------------------------


async def test_after_a_start_that_was_given_up_the_rest_is_told_under_minus_1(world: World16) -> None:
    """Errata 3.18."""
    await world.change("TransactionMessageAttempts", "2")
    await world.change("TransactionMessageRetryInterval", "5")
    world.answers["StartTransaction"] = {"nonsense": True}
    await world.charge()
    await world.settle(70)
    assert len(world.sent("StartTransaction")) == 2
    world.hardware.swipe("TAG1")
    await world.settle(1)
    assert {each["transactionId"] for each in world.sent("MeterValues")} == {-1}
    (stop,) = world.sent("StopTransaction")
    assert stop["transactionId"] == -1
    assert await world.call("RemoteStopTransaction", {"transactionId": -1}) == {"status": "Rejected"}
    world.answers.pop("StartTransaction")
    await world.charge(evse=2, tag="TAG2")
    assert world.sent("StartTransaction")[-1]["idTag"] == "TAG2"
    assert not [each for each in world.store.keys("transactions_16") if each not in world.station.transactions.running]


async def test_aligned_values_outside_of_transactions_wait_for_the_connection_in_order(world: World16) -> None:
    """3.7: periodic and clock-aligned MeterValues are transaction-related."""
    await world.change("ClockAlignedDataInterval", "60")
    await world.change("AllowOfflineTxForUnknownId", "true")
    await world.offline()
    await world.settle(130)
    await world.charge(tag="OFF")
    await world.settle(60)
    assert world.sent("MeterValues") == []
    world.heard.clear()
    await world.back()
    await world.settle(1)
    related = [(name, each) for name, each in world.heard if name in ("MeterValues", "StartTransaction")]
    times = [
        each["timestamp"] if name == "StartTransaction" else each["meterValue"][0]["timestamp"]
        for name, each in related
    ]
    assert times == sorted(times)
    before = [name for name, _ in related[: [name for name, _ in related].index("StartTransaction")]]
    assert len(before) == 4  # two dots, two connectors
    aligned = [
        each for name, each in related if name == "MeterValues" and _values(each)[0]["context"] == "Sample.Clock"
    ]
    assert {each["connectorId"]: each.get("transactionId") for each in aligned} == {1: 1, 2: None}


async def test_values_that_the_csms_never_takes_do_not_hold_up_the_rest(world: World16) -> None:
    """3.7.1."""
    await world.change("ClockAlignedDataInterval", "60")
    await world.change("TransactionMessageAttempts", "2")
    await world.change("TransactionMessageRetryInterval", "5")
    world.answers["MeterValues"] = {"nonsense": True}
    await world.settle(80)
    world.answers.pop("MeterValues")
    await world.settle(10)
    assert world.station.message_queue.length == 0


async def test_an_urgent_message_does_not_wait_for_the_queue(world: World16) -> None:
    """3.7: Authorize and StatusNotification may go before what is queued."""
    await world.change("TransactionMessageRetryInterval", "50")
    world.answers["StartTransaction"] = {"nonsense": True}
    await world.charge()
    await world.charge(evse=2, tag="TAG2")
    assert [each["idTag"] for each in world.sent("Authorize")] == ["TAG1", "TAG2"]
    assert [each["idTag"] for each in world.sent("StartTransaction")] == ["TAG1"]
    assert world.statuses(2)[-1] == "Charging"


# --- meter values (3.16) ---------------------------------------------------------------------------------------------


async def test_a_stop_has_begin_samples_dots_and_end_as_configured(world: World16) -> None:
    """3.16.1, 3.16.2, errata 3.14: one interval each for MeterValues and transactionData."""
    await world.change("MeterValueSampleInterval", "20")
    await world.change("ClockAlignedDataInterval", "60")
    await world.change("StopTxnSampledData", "Energy.Active.Import.Register,Power.Active.Import")
    await world.change("StopTxnAlignedData", "Voltage")
    await world.settle(3)
    await world.charge()
    await world.settle(65)
    world.hardware.swipe("TAG1")
    await world.settle(1)
    (stop,) = world.sent("StopTransaction")
    data = stop["transactionData"]
    contexts = [each["sampledValue"][0]["context"] for each in data]
    assert contexts == [
        "Transaction.Begin",
        "Sample.Periodic",
        "Sample.Periodic",
        "Sample.Clock",
        "Sample.Periodic",
        "Transaction.End",
    ]
    assert {each["measurand"] for each in data[3]["sampledValue"]} == {"Voltage"}
    assert {each["measurand"] for each in data[-1]["sampledValue"]} == {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
    }
    assert float(data[-1]["sampledValue"][0]["value"]) == pytest.approx(stop["meterStop"], abs=1)


async def test_no_measurands_no_values(world: World16) -> None:
    """3.16.5; an interval of 0 sends nothing."""
    for key in ("StopTxnSampledData", "StopTxnAlignedData", "StartTxnSampledData"):
        assert await world.change(key, "") == "Accepted"
    await world.change("MeterValueSampleInterval", "0")
    await world.change("ClockAlignedDataInterval", "0")
    await world.charge()
    await world.settle(3600)
    world.hardware.swipe("TAG1")
    await world.settle(1)
    assert world.sent("MeterValues") == []
    assert "transactionData" not in world.sent("StopTransaction")[0]


async def test_signed_values_are_SignedMeterValueType_as_json() -> None:
    """Application note on signed meter values, 3.2.1 and 3.3."""
    async with World16(evses=(EvseConfig(),)) as world:
        world.hardware.evses[0].signs = True
        await world.online()
        assert (await world.key("MeterPublicKey1")) == {"key": "MeterPublicKey1", "readonly": True, "value": "Key"}
        assert await world.change("MeterPublicKey1", "mine") == "Rejected"
        for key in ("SampledDataSignReadings", "SampledDataSignStartedReadings"):
            assert await world.change(key, "true") == "Accepted"
        assert await world.change("PublicKeyWithSignedMeterValue", "OncePerTransaction") == "Accepted"
        await world.change("MeterValueSampleInterval", "60")
        await world.charge()
        await world.settle(61)
        world.hardware.swipe("TAG1")
        await world.settle(1)
        started, periodic = (_values(each) for each in world.sent("MeterValues"))
        assert [each.get("format") for each in started] == [None, "SignedData"]
        signed = json.loads(started[1]["value"])
        assert signed["signedMeterData"] == "AA=="
        assert signed["encodingMethod"] == "OCMF"
        assert signed["publicKey"] == "Key"
        assert all("format" not in each for each in periodic)
        data = world.sent("StopTransaction")[0]["transactionData"]
        last = [each for each in data[-1]["sampledValue"] if each.get("format") == "SignedData"]
        assert json.loads(last[0]["value"])["publicKey"] == ""
        assert last[0]["context"] == "Transaction.End"


# --- registration (4.2) ----------------------------------------------------------------------------------------------


def _boot(world: World16, status: str, interval: int = 30) -> dict[str, Any]:
    return {"status": status, "interval": interval, "currentTime": world.now().isoformat()}


async def test_while_Pending_only_what_is_triggered_is_said_and_remote_starts_are_not_taken() -> None:
    async with World16() as world:
        world.answers["BootNotification"] = _boot(world, "Pending")
        await world.online()
        world.hardware.plug()
        await world.settle(5)
        assert {name for name, _ in world.heard} == {"BootNotification"}
        assert (await world.key("HeartbeatInterval"))["value"] == "300"
        assert await world.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1}) == {"status": "Rejected"}
        for message in ("StatusNotification", "MeterValues", "Heartbeat", "BootNotification"):
            world.heard.clear()
            answer = await world.call("TriggerMessage", {"requestedMessage": message, "connectorId": 1})
            await world.settle(1)
            assert (answer["status"], [name for name, _ in world.heard]) == ("Accepted", [message])
        world.answers["BootNotification"] = _boot(world, "Accepted")
        await world.settle(31)
        assert [world.statuses(connector) for connector in (0, 1, 2)] == [["Available"], ["Preparing"], ["Available"]]


async def test_while_Rejected_nothing_is_said_unasked() -> None:
    async with World16() as world:
        world.answers["BootNotification"] = _boot(world, "Rejected")
        await world.online()
        world.hardware.plug()
        await world.settle(5)
        assert {name for name, _ in world.heard} == {"BootNotification"}
        world.answers["BootNotification"] = _boot(world, "Accepted")
        await world.settle(40)
        assert world.statuses(1) == ["Preparing"]


async def test_a_heartbeat_interval_of_the_csms_counts(world: World16) -> None:
    world.heard.clear()
    await world.change("HeartbeatInterval", "30")
    await world.settle(31)
    assert len(world.sent("Heartbeat")) == 1


# --- handlers of one's own -------------------------------------------------------------------------------------------


async def test_a_handler_of_the_users_in_21s_words_goes_before_the_blocks(world: World16) -> None:
    @world.station.on(v21.ChangeAvailabilityRequest)
    def never(_: CompleteStation, request: v21.ChangeAvailabilityRequest) -> v21.ChangeAvailabilityResponse:
        return v21.ChangeAvailabilityResponse(status="Rejected")

    assert await world.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Rejected"}
    assert world.station.availability.operative(1, 1)


async def test_middleware_sees_the_call_of_16_once(world: World16) -> None:
    seen: list[str] = []

    @world.station.middleware
    async def look(_: Any, call: Any, proceed: Any) -> Any:
        seen.append(call.action)
        return await proceed()

    assert await world.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    await world.settle(60)
    assert seen == ["Reset"]


async def test_a_catch_all_of_the_users_does_not_take_what_a_block_answers(world: World16) -> None:
    @world.station.on_any
    def anything(_: Any, call: Any) -> Any:
        raise AssertionError(call.action)

    assert await world.call("ClearCache", {}) == {"status": "Accepted"}


async def test_a_feature_that_is_left_out_is_refused_by_the_book() -> None:
    async with World16(features=()) as world:
        await world.online()
        assert await world.call("GetLocalListVersion", {}) == {"listVersion": -1}
        nothing = {"listVersion": 1, "updateType": "Full"}
        assert await world.call("SendLocalList", nothing) == {"status": "NotSupported"}
        for action, payload in (
            ("ReserveNow", {"connectorId": 1, "idTag": "A", "reservationId": 1, "expiryDate": "2027-01-01T00:00:00Z"}),
            ("UpdateFirmware", {"location": "http://x/y", "retrieveDate": "2027-01-01T00:00:00Z"}),
            ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}),
        ):
            with pytest.raises(RemoteCallError, match="NotSupported"):
                await world.call(action, payload)
        profiles = (await world.key("SupportedFeatureProfiles"))["value"].split(",")
        assert profiles == ["Core", "RemoteTrigger"]
        keys = {each["key"] for each in (await world.call("GetConfiguration", {}))["configurationKey"]}
        assert not keys & {"StartTxnSampledData", "ReserveConnectorZeroSupported", "LocalAuthListEnabled"}


async def test_times_have_milliseconds_at_most(world: World16) -> None:
    await world.settle(0.123456)
    await world.charge()
    stamp = world.sent("StartTransaction")[0]["timestamp"]
    assert len(stamp.partition(".")[2]) <= 4
    assert world.now() - timedelta(seconds=5) < world.station.time.now() <= world.now() + timedelta(seconds=1)
