"""OCPP 1.6: what the CSMS asks for: keys, availability, lists, reservations, profiles, files, certificates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_transfer import FakeTransfer
from pki import Authority
from world_16 import World16

from ocppflow.endpoint import LATER, IncomingCall
from ocppflow.errors import ConnectionRefused, RemoteCallError
from ocppflow.messages import v21
from ocppflow.messages.tolerance import TOLERANT
from ocppflow.station import CompleteStation, EvseConfig
from ocppflow.station.transfers import TransferFault


@pytest.fixture
async def world() -> Any:
    async with World16() as one:
        await one.online()
        yield one


def _ok(status: str = "Accepted") -> dict[str, str]:
    return {"status": status}


# --- keys (9; security whitepaper, 7) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValuesSampledData", "Energy.Active.Import.Register,NoSuchThing", "Rejected"),  # 3.16.4
        ("MeterValuesSampledData", "Voltage, SoC", "Accepted"),
        ("StopTransactionOnInvalidId", "TRUE", "Accepted"),
        ("StopTransactionOnInvalidId", "maybe", "Rejected"),
        ("WebSocketPingInterval", "-1", "Rejected"),  # 9.1.34
        ("ConnectionTimeOut", "1.5", "Rejected"),
        ("ConnectorPhaseRotation", "0.RST, 1.RTS,2.NotApplicable", "Accepted"),
        ("ConnectorPhaseRotation", "1.RST,1.RTS", "Rejected"),
        ("ConnectorPhaseRotation", "3.RST", "Rejected"),
        ("ConnectorPhaseRotation", "RST", "Rejected"),
        ("SupportedFeatureProfiles", "Core", "Rejected"),
        ("GetConfigurationMaxKeys", "1", "Rejected"),
        ("CpoName", "Somebody else", "Accepted"),
        ("AuthorizationKey", "short", "Rejected"),
        ("Unheard", "1", "NotSupported"),
    ],
)
async def test_a_key_takes_what_it_may(world: World16, key: str, value: str, status: str) -> None:
    before = (await world.call("GetConfiguration", {"key": [key]})).get("configurationKey", [{}])
    assert await world.change(key, value) == status
    after = (await world.call("GetConfiguration", {"key": [key]})).get("configurationKey", [{}])
    assert (after != before) == (status == "Accepted" and key != "StopTransactionOnInvalidId")


async def test_one_interval_of_16_is_two_of_21(world: World16) -> None:
    await world.change("ClockAlignedDataInterval", "120")
    await world.change("MeterValueSampleInterval", "30")
    model = world.station.device_model
    assert [model.integer("AlignedDataCtrlr", name) for name in ("Interval", "TxEndedInterval")] == [120, 120]
    assert [model.integer("SampledDataCtrlr", name) for name in ("TxUpdatedInterval", "TxEndedInterval")] == [30, 30]


async def test_a_new_AuthorizationKey_is_used_for_the_next_connection(world: World16) -> None:
    """A01: hexadecimal digits are sent as bytes."""
    arrivals = len(world.network.links)
    assert await world.change("AuthorizationKey", "00112233445566778899aabbccddeeff") == "Accepted"
    await world.settle(5)
    assert world.station.is_connected
    assert len(world.network.links) == arrivals + 1
    assert world.station.password == bytes.fromhex("00112233445566778899aabbccddeeff")
    assert "value" not in await world.key("AuthorizationKey")


async def test_a_higher_SecurityProfile_is_gone_over_to_and_fallen_back_from(world: World16) -> None:
    """A05.FR.01 to A05.FR.08."""
    assert await world.key("SecurityProfile") == {"key": "SecurityProfile", "readonly": False, "value": "0"}
    for value in ("0", "1", "2", "x", ""):
        assert await world.change("SecurityProfile", value) == "Rejected", value
    assert await world.change("AuthorizationKey", "00112233445566778899aabbccddeeff") == "Accepted"
    await world.settle(5)
    assert (await world.key("SecurityProfile"))["value"] == "0"  # in memory nobody asks for a password
    assert await world.change("SecurityProfile", "2") == "Rejected"  # no root
    root = Authority("root")
    certificate = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem}
    assert await world.call("InstallCertificate", certificate) == _ok()
    assert await world.change("SecurityProfile", "3") == "Rejected"  # no certificate of its own
    tried: list[str] = []

    def note(*_: Any) -> None:
        tried.append(world.station.url)

    world.station.on_retry(note)
    world.network.refusals += [ConnectionRefused("no TLS here")] * 3
    assert await world.change("SecurityProfile", "2") == "Accepted"
    await world.settle(120)
    assert world.station.is_connected
    assert any(url.startswith("wss:") for url in tried)
    assert world.station.url.startswith("ws:")
    world.heard.clear()
    assert await world.change("SecurityProfile", "2") == "Accepted"
    await world.settle(60)
    assert world.station.url.startswith("wss:")
    assert next(name for name, _ in world.heard) == "BootNotification"


# --- availability (5.2) ----------------------------------------------------------------------------------------------


async def _availability(world: World16, connector: int, kind: str) -> str:
    status: str = (await world.call("ChangeAvailability", {"connectorId": connector, "type": kind}))["status"]
    await world.settle(1)
    return status


async def test_connector_0_is_the_station_with_all_its_connectors(world: World16) -> None:
    assert await _availability(world, 1, "Inoperative") == "Accepted"
    assert await _availability(world, 0, "Inoperative") == "Accepted"
    assert [world.statuses(each)[-1] for each in (0, 1, 2)] == ["Unavailable"] * 3
    assert await _availability(world, 0, "Operative") == "Accepted"
    assert [world.statuses(each)[-1] for each in (0, 1, 2)] == ["Available"] * 3


async def test_one_connector_of_a_station_that_is_out_of_service_can_be_used_again(world: World16) -> None:
    await _availability(world, 0, "Inoperative")
    assert await _availability(world, 2, "Operative") == "Accepted"
    assert [world.statuses(each)[-1] for each in (1, 2)] == ["Unavailable", "Available"]
    await world.charge(evse=2)
    assert len(world.sent("StartTransaction")) == 1
    await world.charge(evse=1)
    assert len(world.sent("StartTransaction")) == 1


async def test_a_change_is_scheduled_for_the_end_of_the_transaction_and_outlives_a_boot(world: World16) -> None:
    await world.charge()
    assert await _availability(world, 0, "Inoperative") == "Scheduled"
    assert [world.statuses(each)[-1] for each in (1, 2)] == ["Charging", "Unavailable"]
    world.hardware.swipe("TAG1")
    await world.settle(1)
    world.hardware.unplug()
    await world.settle(1)
    assert world.statuses(1)[-1] == "Unavailable"
    await world.call("Reset", {"type": "Hard"})
    await world.settle(60)
    assert [world.statuses(each)[-1] for each in (0, 1, 2)] == ["Unavailable"] * 3
    assert await _availability(world, 9, "Operative") == "Rejected"


# --- local list (5.10, 5.15) -----------------------------------------------------------------------------------------


async def test_the_version_of_a_list(world: World16) -> None:
    entries = [{"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}}]
    full = {"listVersion": 4, "updateType": "Full", "localAuthorizationList": entries}
    assert await world.call("SendLocalList", full) == _ok()
    more = {"listVersion": 5, "updateType": "Differential", "localAuthorizationList": [{"idTag": "TAG1"}]}
    assert await world.call("SendLocalList", {**more, "listVersion": 4}) == _ok("VersionMismatch")
    assert await world.call("GetLocalListVersion") == {"listVersion": 4}
    assert await world.call("SendLocalList", more) == _ok()
    assert await world.call("GetLocalListVersion") == {"listVersion": 0}  # it is empty
    for version in (0, -1):
        assert await world.call("SendLocalList", {**full, "listVersion": version}) == _ok("Failed")
    await world.change("LocalAuthListEnabled", "false")
    assert await world.call("GetLocalListVersion") == {"listVersion": -1}
    assert await world.call("SendLocalList", full) == _ok("NotSupported")


# --- reservations (5.13) ---------------------------------------------------------------------------------------------


def _booking(world: World16, connector: int, **changes: Any) -> dict[str, Any]:
    until = (world.now() + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    return {"connectorId": connector, "idTag": "MINE", "reservationId": 5, "expiryDate": until, **changes}


async def test_a_reservation_is_for_the_tag_and_its_parent(world: World16) -> None:
    parents = {"KIN": "FAMILY", "OTHER": "STRANGERS"}
    world.answers["Authorize"] = lambda call: {
        "idTagInfo": {"status": "Accepted", "parentIdTag": parents[call.data["idTag"]]}
    }
    assert await world.call("ReserveNow", _booking(world, 2, parentIdTag="FAMILY")) == _ok()
    await world.settle(1)
    assert world.statuses(2)[-1] == "Reserved"
    await world.charge(evse=2, tag="OTHER")
    assert world.sent("StartTransaction") == []
    world.hardware.swipe("KIN", 2)
    await world.settle(1)
    assert world.sent("StartTransaction")[0]["reservationId"] == 5


async def test_a_reservation_that_is_not_used_expires(world: World16) -> None:
    await world.call("ReserveNow", _booking(world, 1))
    assert await world.call("ReserveNow", _booking(world, 1, reservationId=6)) == _ok("Occupied")
    assert await world.call("ReserveNow", _booking(world, 1, idTag="ANOTHER")) == _ok()  # replaces it
    await world.settle(601)
    assert world.statuses(1) == ["Available", "Reserved", "Available"]
    assert await world.call("CancelReservation", {"reservationId": 5}) == _ok("Rejected")


async def test_the_statuses_of_ReserveNow(world: World16) -> None:
    assert await world.call("ReserveNow", _booking(world, 7)) == _ok("Rejected")
    await _availability(world, 1, "Inoperative")
    assert await world.call("ReserveNow", _booking(world, 1)) == _ok("Unavailable")
    world.hardware.fault("GroundFailure", 2, 1)
    await world.settle(1)
    assert await world.call("ReserveNow", _booking(world, 2)) == _ok("Faulted")
    assert (await world.key("ReserveConnectorZeroSupported"))["value"] == "true"
    await _availability(world, 1, "Operative")
    assert await world.call("ReserveNow", _booking(world, 0)) == _ok()
    world.hardware.plug(1)
    await world.settle(1)
    world.hardware.swipe("MINE")
    await world.settle(2)
    assert world.sent("StartTransaction")[0]["reservationId"] == 5


# --- charging profiles (3.13, 5.16) ----------------------------------------------------------------------------------


def _profile(number: int, amps: float, **changes: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}],
        },
        **changes,
    }


async def _set(world: World16, connector: int, profile: dict[str, Any]) -> str:
    asked = {"connectorId": connector, "csChargingProfiles": profile}
    status: str = (await world.call("SetChargingProfile", asked))["status"]
    await world.settle(1)
    return status


async def test_a_profile_of_the_same_level_and_purpose_is_replaced(world: World16) -> None:
    """3.13.2, where 2.x refuses it."""
    assert await _set(world, 1, _profile(1, 10)) == "Accepted"
    assert await _set(world, 1, _profile(2, 12)) == "Accepted"
    await world.charge()
    assert world.hardware.evses[0].offered.amps == 12
    assert await world.call("ClearChargingProfile", {"id": 1}) == _ok("Unknown")
    assert await world.call("ClearChargingProfile", {"id": 2}) == _ok()


async def test_a_default_of_one_connector_goes_before_that_of_all(world: World16) -> None:
    """3.13.1."""
    assert await _set(world, 0, _profile(1, 10)) == "Accepted"
    assert await _set(world, 1, _profile(2, 16)) == "Accepted"
    await world.charge()
    await world.charge(evse=2, tag="TAG2")
    assert [each.offered.amps for each in world.hardware.evses] == [16, 10]
    assert await world.call("ClearChargingProfile", {"connectorId": 1, "stackLevel": 0}) == _ok()
    await world.settle(1)
    assert [each.offered.amps for each in world.hardware.evses] == [10, 10]


async def test_where_profiles_may_be_set(world: World16) -> None:
    """3.13.1, errata 3.39."""
    with pytest.raises(RemoteCallError, match="PropertyConstraintViolation"):
        await _set(world, 9, _profile(1, 10))
    most = {"chargingProfilePurpose": "ChargePointMaxProfile", "chargingProfileKind": "Absolute"}
    maximum = _profile(1, 20, **most)
    maximum["chargingSchedule"]["startSchedule"] = "2026-01-01T00:00:00Z"
    assert await _set(world, 1, maximum) == "Rejected"
    assert await _set(world, 0, maximum) == "Accepted"
    own = _profile(2, 8, chargingProfilePurpose="TxProfile")
    assert await _set(world, 1, own) == "Rejected"  # no transaction
    await world.charge()
    assert await _set(world, 1, {**own, "transactionId": 77}) == "Rejected"
    assert await _set(world, 0, {**own, "transactionId": 1}) == "Rejected"
    assert await _set(world, 1, own) == "Accepted"
    assert world.hardware.evses[0].offered.amps == 8
    await world.change("ChargeProfileMaxStackLevel", "1")
    assert await _set(world, 1, {**own, "stackLevel": 99}) == "Rejected"


async def test_a_remote_start_with_a_profile_that_is_replaced_later(world: World16) -> None:
    """5.16.2."""
    world.hardware.plug()
    await world.settle(1)
    start = {"idTag": "FAR", "connectorId": 1}
    wrong = {**start, "chargingProfile": _profile(3, 9)}
    assert await world.call("RemoteStartTransaction", wrong) == _ok("Rejected")
    tx = _profile(3, 9, chargingProfilePurpose="TxProfile")
    assert await world.call("RemoteStartTransaction", {**start, "chargingProfile": tx}) == _ok()
    await world.settle(2)
    assert world.hardware.evses[0].offered.amps == 9
    new = _profile(4, 7, chargingProfilePurpose="TxProfile", transactionId=1)
    assert await _set(world, 1, new) == "Accepted"
    assert world.hardware.evses[0].offered.amps == 7
    assert await world.call("ClearChargingProfile", {"id": 3}) == _ok("Unknown")


async def test_the_composite_schedule_of_connector_0_is_that_of_the_whole(world: World16) -> None:
    whole = await world.call("GetCompositeSchedule", {"connectorId": 0, "duration": 60, "chargingRateUnit": "W"})
    assert whole["status"] == "Accepted"
    assert "startSchedule" not in whole["chargingSchedule"]
    assert await world.call("GetCompositeSchedule", {"connectorId": 9, "duration": 60}) == _ok("Rejected")


# --- remote start, unlocking, data transfer --------------------------------------------------------------------------


async def test_a_remote_start_is_authorized_first_if_so_configured(world: World16) -> None:
    """5.11."""
    await world.change("AuthorizeRemoteTxRequests", "true")
    world.refused.add("FAR")
    world.hardware.plug()
    await world.settle(1)
    assert await world.call("RemoteStartTransaction", {"idTag": "FAR", "connectorId": 1}) == _ok()
    await world.settle(5)
    assert (len(world.sent("Authorize")), world.sent("StartTransaction")) == (1, [])
    await world.change("AuthorizeRemoteTxRequests", "false")
    assert await world.call("RemoteStartTransaction", {"idTag": "FAR"}) == _ok()  # where, is up to the station
    await world.settle(5)
    assert len(world.sent("Authorize")) == 1
    assert world.sent("StartTransaction")[0]["connectorId"] == 1


async def test_a_connector_that_stays_locked_is_told(world: World16) -> None:
    async def stuck(connector: int) -> bool:
        return False

    world.hardware.evses[1].unlock = stuck  # type: ignore[method-assign]
    assert await world.call("UnlockConnector", {"connectorId": 2}) == _ok("UnlockFailed")
    assert await world.call("UnlockConnector", {"connectorId": 9}) == _ok("NotSupported")


async def test_data_transfer_both_ways(world: World16) -> None:
    assert await world.call("DataTransfer", {"vendorId": "org.nobody"}) == _ok("UnknownVendorId")

    @world.station.on(v21.DataTransferRequest)
    def known(_: CompleteStation, request: v21.DataTransferRequest) -> v21.DataTransferResponse:
        return v21.DataTransferResponse(status="Accepted", data=f"{request.data}!")

    answer = await world.call("DataTransfer", {"vendorId": "org.x", "messageId": "m", "data": "hello"})
    assert answer == {"status": "Accepted", "data": "hello!"}
    world.answers["DataTransfer"] = {"status": "UnknownMessageId"}
    said = await world.station.call(v21.DataTransferRequest(vendor_id="org.x", data="text"))
    assert said.status == "UnknownMessageId"
    assert world.sent("DataTransfer") == [{"vendorId": "org.x", "data": "text"}]


# --- files (4.4, 4.5, 5.9, 5.19) -------------------------------------------------------------------------------------


@pytest.fixture
async def with_files() -> Any:
    async with World16(evses=(EvseConfig(),)) as one:
        one.station = one.complete_station(hardware=one.hardware, transfer=FakeTransfer(one.clock))
        await one.online()
        yield one


def _transfer(world: World16) -> FakeTransfer:
    transfer = world.station.transfer
    assert isinstance(transfer, FakeTransfer)
    return transfer


async def test_an_update_is_told_step_by_step(with_files: World16) -> None:
    world = with_files
    _transfer(world).files["http://files/fw_2.bin"] = b"image"
    later = (world.now() + timedelta(seconds=30)).isoformat()
    assert await world.call("UpdateFirmware", {"location": "http://files/fw_2.bin", "retrieveDate": later}) == {}
    await world.settle(20)
    assert world.sent("FirmwareStatusNotification") == []
    await world.call("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
    await world.settle(60)
    told = [each["status"] for each in world.sent("FirmwareStatusNotification")]
    assert told == ["Idle", "Downloading", "Downloaded", "Installing", "Installed"]
    assert len(world.sent("BootNotification")) == 2
    assert world.sent("SignedFirmwareStatusNotification") == []


async def test_an_update_that_cannot_be_fetched_is_told_as_failed(with_files: World16) -> None:
    world = with_files
    where = {"location": "http://files/none", "retrieveDate": world.now().isoformat(), "retries": 1, "retryInterval": 5}
    assert await world.call("UpdateFirmware", where) == {}
    await world.settle(30)
    told = [each["status"] for each in world.sent("FirmwareStatusNotification")]
    assert told == ["Downloading", "Downloading", "DownloadFailed"]
    assert await world.call("UpdateFirmware", {**where, "location": "gopher://files"}) == {}
    await world.settle(1)
    assert [each["status"] for each in world.sent("FirmwareStatusNotification")][3:] == ["DownloadFailed"]


async def test_diagnostics_are_uploaded_and_told(with_files: World16) -> None:
    world = with_files
    _transfer(world).seconds = 10
    answer = await world.call("GetDiagnostics", {"location": "ftp://files/in/"})
    await world.settle(1)
    await world.call("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
    await world.settle(20)
    assert _transfer(world).brought["ftp://files/in/", answer["fileName"]]
    told = [each["status"] for each in world.sent("DiagnosticsStatusNotification")]
    assert told == ["Uploading", "Uploading", "Uploaded"]
    future = (world.now() + timedelta(days=2)).isoformat()
    assert await world.call("GetDiagnostics", {"location": "ftp://files/", "startTime": future}) == {}
    _transfer(world).faults = [TransferFault.DENIED]
    await world.call("GetDiagnostics", {"location": "ftp://files/in/"})
    await world.settle(20)
    assert [each["status"] for each in world.sent("DiagnosticsStatusNotification")][3:] == ["Uploading", "UploadFailed"]


async def test_a_log_is_told_by_the_messages_of_the_extension(with_files: World16) -> None:
    world = with_files
    _transfer(world).seconds = 10
    asked = {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": "http://files/"}}
    answer = await world.call("GetLog", asked)
    assert answer["status"] == "Accepted"
    await world.settle(1)
    await world.call("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
    await world.settle(20)
    told = [(each["status"], each["requestId"]) for each in world.sent("LogStatusNotification")]
    assert told == [("Uploading", 7), ("Uploading", 7), ("Uploaded", 7)]
    assert world.sent("DiagnosticsStatusNotification") == []


# --- the security extension ------------------------------------------------------------------------------------------


async def test_certificates_in_16s_words(world: World16) -> None:
    root = Authority("root")
    use = "CentralSystemRootCertificate"
    assert await world.call("GetInstalledCertificateIds", {"certificateType": use}) == _ok("NotFound")
    assert await world.call("InstallCertificate", {"certificateType": use, "certificate": root.pem}) == _ok()
    assert await world.call("InstallCertificate", {"certificateType": use, "certificate": "nothing"}) == _ok("Rejected")
    found = await world.call("GetInstalledCertificateIds", {"certificateType": use})
    (data,) = found["certificateHashData"]
    assert await world.call("DeleteCertificate", {"certificateHashData": data}) == _ok()
    assert await world.call("DeleteCertificate", {"certificateHashData": data}) == _ok("NotFound")


async def test_a_certificate_is_asked_for_signed_and_taken(world: World16) -> None:
    """A02."""
    root = Authority("root")
    await world.call("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem})
    asked = {"requestedMessage": "SignChargePointCertificate"}
    assert await world.call("ExtendedTriggerMessage", asked) == _ok()
    await world.settle(1)
    assert world.sent("SignCertificate")[0]["csr"].startswith("-----BEGIN CERTIFICATE REQUEST")
    assert await world.call("CertificateSigned", {"certificateChain": Authority("other").pem}) == _ok("Rejected")
    await world.settle(1)
    assert world.sent("SecurityEventNotification")[-1]["type"] == "InvalidChargePointCertificate"


async def test_security_events_have_the_names_of_16(world: World16) -> None:
    world.network.refusals.append(ConnectionRefused("no such root", tls=True, tls_fault="certificate"))
    world.network.links[-1].break_()
    await world.settle(1)
    while not world.station.is_connected:
        await world.settle(10)
    await world.settle(5)
    types = [each["type"] for each in world.sent("SecurityEventNotification")]
    assert "InvalidCentralSystemCertificate" in types


# --- what stations meet in the field ---------------------------------------------------------------------------------


async def test_a_csms_that_answers_too_much_or_without_a_time_zone_is_borne_with() -> None:
    """FC62, FC63, FC64: what a tolerant station takes."""

    def as_it_comes(payload: bytes) -> Any:
        def answer(call: IncomingCall) -> Any:
            call.reply(payload, validate=False)
            return LATER

        return answer

    async with World16(evses=(EvseConfig(),)) as world:
        world.station = world.complete_station(hardware=world.hardware, policy=TOLERANT)
        world.answers["StatusNotification"] = as_it_comes(b'{"connectorId":1,"status":"Available"}')
        world.answers["BootNotification"] = as_it_comes(
            b'{"currentTime":"2026-06-13T12:16:34.207573","interval":10,"status":"Accepted"}'
        )
        await world.online()
        assert world.station.time.now().isoformat().startswith("2026-06-13T12:16:34")
        assert world.statuses(1) == ["Available"]  # once: the answer was taken
        loose = await world.csms["CS1"].call_raw(
            "ChangeConfiguration", b'{"key":"HeartbeatInterval","value":60}', validate=False
        )
        assert b"Accepted" in loose.payload
        assert world.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval") == 60
        anywhere = await world.call("RemoteStartTransaction", {"connectorId": 0, "idTag": "A"})
        assert anywhere == _ok("Rejected")  # connectorId > 0 (6.33)
        assert (await world.call("GetConfiguration", {"key": []}))["configurationKey"]
