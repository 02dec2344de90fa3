"""F: remote starts and stops, unlocking, triggers."""

from __future__ import annotations

from typing import Any

import pytest
from csms_world import CSMSWorld

from ocppflow import v21
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version

TWO = [Version.V201, Version.V21]
TOKEN = v21.IdTokenType(id_token="T1", type="ISO14443")


def _profile(purpose: Any = "TxProfile", **more: Any) -> v21.ChargingProfileType:
    schedule = v21.ChargingScheduleType(
        id=1,
        charging_rate_unit="A",
        charging_schedule_period=[v21.ChargingSchedulePeriodType(start_period=0, limit=6.0)],
    )
    return v21.ChargingProfileType(
        id=1,
        stack_level=0,
        charging_profile_purpose=purpose,
        charging_profile_kind="Relative",
        charging_schedule=[schedule],
        **more,
    )


@pytest.mark.parametrize("version", TWO)
async def test_F01_F02_a_start(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await csms_world.puppet("CS1", version)
    puppet.answers["RequestStartTransaction"] = {"status": "Accepted", "transactionId": "tx-1"}
    started = await csms_world.csms.remote_control.start_transaction("CS1", TOKEN, evse=1, profile=_profile())
    assert (started.status, started.transaction_id) == ("Accepted", "tx-1")
    asked = puppet.asked("RequestStartTransaction")[0]
    assert asked["remoteStartId"] == started.remote_start_id
    assert (asked["evseId"], asked["idToken"]) == (1, {"idToken": "T1", "type": "ISO14443"})
    assert asked["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"


async def test_F01_FR_25_no_two_starts_have_one_id(csms_world: CSMSWorld) -> None:
    await csms_world.puppet("CS1")
    starts = [await csms_world.csms.remote_control.start_transaction("CS1", TOKEN) for _ in range(20)]
    assert len({start.remote_start_id for start in starts}) == 20


async def test_a_refusal_says_why(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1")
    info = {"reasonCode": "FullSlot", "additionalInfo": "no free EVSE"}
    puppet.answers["RequestStartTransaction"] = {"status": "Rejected", "statusInfo": info}
    refused = await csms_world.csms.remote_control.start_transaction("CS1", TOKEN)
    assert (refused.status, refused.reason) == ("Rejected", "FullSlot: no free EVSE")


@pytest.mark.parametrize("profile", [_profile("TxDefaultProfile"), _profile(transaction_id="tx-1")])
async def test_F01_FR_08_FR_11_a_start_takes_a_TxProfile_of_no_transaction(
    csms_world: CSMSWorld, profile: v21.ChargingProfileType
) -> None:
    puppet = await csms_world.puppet("CS1")
    with pytest.raises(ConfigurationError):
        await csms_world.csms.remote_control.start_transaction("CS1", TOKEN, profile=profile)
    assert puppet.heard == []


@pytest.mark.parametrize("version", TWO)
async def test_F03_F05_a_stop_and_an_unlocking(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await csms_world.puppet("CS1", version)
    puppet.answers["UnlockConnector"] = {"status": "OngoingAuthorizedTransaction"}
    control = csms_world.csms.remote_control
    assert (await control.stop_transaction("CS1", "tx-1")).status == "Accepted"
    assert (await control.unlock("CS1", 2)).status == "OngoingAuthorizedTransaction"
    assert puppet.heard == [
        ("RequestStopTransaction", {"transactionId": "tx-1"}),
        ("UnlockConnector", {"evseId": 2, "connectorId": 1}),
    ]


@pytest.mark.parametrize(
    ("how", "evse"),
    [({}, None), ({"evse": 1}, {"id": 1}), ({"evse": 1, "connector": 2}, {"id": 1, "connectorId": 2})],
)
async def test_F06_a_trigger(csms_world: CSMSWorld, how: dict[str, int], evse: dict[str, int] | None) -> None:
    puppet = await csms_world.puppet("CS1")
    await csms_world.csms.remote_control.trigger("CS1", "StatusNotification", **how)
    wanted: dict[str, Any] = {"requestedMessage": "StatusNotification"} | ({} if evse is None else {"evse": evse})
    assert puppet.asked("TriggerMessage") == [wanted]


async def test_F06_a_custom_trigger_has_a_name(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1", Version.V21)
    control = csms_world.csms.remote_control
    await control.trigger("CS1", "CustomTrigger", custom="Say")
    assert puppet.asked("TriggerMessage") == [{"requestedMessage": "CustomTrigger", "customTrigger": "Say"}]
    with pytest.raises(ConfigurationError):
        await control.trigger("CS1", "CustomTrigger")
    with pytest.raises(ConfigurationError):
        await control.trigger("CS1", "Heartbeat", custom="Say")
