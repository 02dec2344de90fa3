"""B01 to B03: who may speak before a BootNotification was accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rpc_sides import Side, sides

from ocppflow.messages import Role, Version
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import CallAnswered, CallReceived, Ignored, Refused
from ocppflow.rpc.history import History

NOW = "2026-01-01T00:00:00Z"


def boot(version: Version) -> dict[str, Any]:
    if version is Version.V16:
        return {"chargePointVendor": "Acme", "chargePointModel": "Box"}
    return {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Box"}}


def verdict(status: str) -> dict[str, Any]:
    return {"currentTime": NOW, "interval": 300, "status": status}


def booted(side: Side, status: str) -> None:
    """Let the station boot, and be told ``status``."""
    if side.role is Role.CSMS:
        side.hear([2, "boot", "BootNotification", boot(side.version)])
        assert isinstance(side.event, CallReceived)
        side.reply("boot", verdict(status))
    else:
        message_id = side.session.call(
            RawMessage("BootNotification", json.dumps(boot(side.version)).encode()), side.now
        )
        side.sent()
        side.hear([3, message_id, verdict(status)])
        assert isinstance(side.event, CallAnswered)


@sides(roles=(Role.CSMS,))
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_B01_FR_10_a_call_before_acceptance_gets_a_security_error(side: Side, status: str) -> None:
    booted(side, status)
    [answer] = side.hear([2, "1", "Heartbeat", {}])
    assert answer[:3] == [4, "1", "SecurityError"]
    assert status in answer[3]
    assert isinstance(side.event, Refused)


@sides(roles=(Role.CSMS,))
def test_B01_FR_10_holds_only_after_the_csms_said_no(side: Side) -> None:
    """A CSMS that was restarted knows nothing of its stations, and locks none of them out."""
    assert side.hear([2, "1", "Heartbeat", {}]) == []
    assert isinstance(side.event, CallReceived)


@sides(roles=(Role.CSMS,))
def test_B01_FR_10_while_the_boot_is_being_answered_nothing_is_held_back(side: Side) -> None:
    side.hear([2, "boot", "BootNotification", boot(side.version)])
    assert side.hear([2, "1", "Heartbeat", {}]) == []


@sides(roles=(Role.CSMS,))
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_B01_FR_10_the_next_boot_may_come_and_be_accepted(side: Side, status: str) -> None:
    booted(side, status)
    booted(side, "Accepted")
    assert side.hear([2, "1", "Heartbeat", {}]) == []


@sides(roles=(Role.CSMS,))
def test_B01_FR_10_it_outlives_the_connection(side: Side) -> None:
    booted(side, "Pending")
    side.session.lost()
    again = Side(side.version, side.role, {"history": side.session.history})
    assert again.hear([2, "1", "Heartbeat", {}])[0][2] == "SecurityError"


@sides(roles=(Role.CSMS,))
def test_B01_FR_10_an_answer_that_the_station_cannot_get_any_more_decides_nothing(side: Side) -> None:
    side.hear([2, "boot", "BootNotification", boot(side.version)])
    side.session.lost()
    side.reply("boot", verdict("Rejected"))
    again = Side(side.version, side.role, {"history": side.session.history})
    assert again.hear([2, "1", "Heartbeat", {}]) == []


@sides(roles=(Role.CSMS,))
def test_B02_FR_09_what_the_csms_triggered_may_come(side: Side) -> None:
    booted(side, "Pending")
    side.session.call(RawMessage("TriggerMessage", b'{"requestedMessage":"Heartbeat"}'), side.now)
    side.sent()
    assert side.hear([2, "1", "Heartbeat", {}]) == []
    assert side.hear([2, "2", "DataTransfer", {"vendorId": "a"}])[0][2] == "SecurityError"
    booted(side, "Pending")  # a new verdict, and what was triggered before is over
    assert side.hear([2, "3", "Heartbeat", {}])[0][2] == "SecurityError"


@sides(roles=(Role.CSMS,), versions=(Version.V201, Version.V21))
@pytest.mark.parametrize("trigger", ["SignChargingStationCertificate", "SignV2GCertificate", "SignCombinedCertificate"])
def test_B02_FR_09_a_trigger_for_a_certificate_lets_sign_certificate_come(side: Side, trigger: str) -> None:
    booted(side, "Pending")
    side.session.call(RawMessage("TriggerMessage", f'{{"requestedMessage":"{trigger}"}}'.encode()), side.now)
    side.sent()
    assert side.hear([2, "1", "SignCertificate", {"csr": "x"}]) == []


@sides(roles=(Role.CSMS,), versions=(Version.V16,))
def test_B02_FR_09_in_1_6_there_is_an_extended_trigger_too(side: Side) -> None:
    booted(side, "Pending")
    raw = b'{"requestedMessage":"SignChargePointCertificate"}'
    side.session.call(RawMessage("ExtendedTriggerMessage", raw), side.now)
    side.sent()
    assert side.hear([2, "1", "SignCertificate", {"csr": "x"}]) == []


@sides(roles=(Role.CSMS,), versions=(Version.V201, Version.V21))
@pytest.mark.parametrize(
    ("action", "payload"),
    [("GetBaseReport", b'{"requestId":1,"reportBase":"FullInventory"}'), ("GetReport", b'{"requestId":1}')],
)
def test_B01_FR_10_a_report_that_was_asked_for_may_come(side: Side, action: str, payload: bytes) -> None:
    booted(side, "Pending")
    report = {"requestId": 1, "generatedAt": NOW, "seqNo": 0}
    assert side.hear([2, "1", "NotifyReport", report])[0][2] == "SecurityError"
    side.session.call(RawMessage(action, payload), side.now)
    side.sent()
    assert side.hear([2, "2", "NotifyReport", report]) == []
    assert side.hear([2, "3", "NotifyReport", {**report, "seqNo": 1}]) == []


@sides(roles=(Role.CSMS,), versions=(Version.V21,))
def test_B01_FR_10_a_send_before_acceptance_is_dropped(side: Side) -> None:
    booted(side, "Pending")
    payload = {"id": 1, "pending": 0, "basetime": NOW, "data": [{"t": 1, "v": "1"}]}
    assert side.hear([6, "s", "NotifyPeriodicEventStream", payload]) == []
    assert isinstance(side.event, Ignored)


@sides(roles=(Role.CS,), versions=(Version.V16,))
def test_a_rejected_station_of_16_does_not_answer_the_csms(side: Side) -> None:
    """1.6, 4.2."""
    booted(side, "Rejected")
    assert side.hear([2, "1", "ClearCache", {}]) == []
    assert isinstance(side.event, Ignored)
    booted(side, "Accepted")
    side.hear([2, "2", "ClearCache", {}])
    assert side.reply("2", {"status": "Accepted"}) == [[3, "2", {"status": "Accepted"}]]


@sides(roles=(Role.CS,), versions=(Version.V201, Version.V21))
def test_B03_FR_08_a_rejected_station_refuses_the_calls_of_the_csms(side: Side) -> None:
    booted(side, "Rejected")
    [answer] = side.hear([2, "1", "ClearCache", {}])
    assert answer[:3] == [4, "1", "SecurityError"]
    booted(side, "Accepted")
    assert side.hear([2, "2", "ClearCache", {}]) == []


@sides(roles=(Role.CS,))
def test_B02_FR_01_a_pending_station_answers_the_csms(side: Side) -> None:
    booted(side, "Pending")
    assert side.hear([2, "1", "ClearCache", {}]) == []
    assert side.reply("1", {"status": "Accepted"}) == [[3, "1", {"status": "Accepted"}]]


@sides(roles=(Role.CSMS,))
def test_B01_FR_10_a_verdict_sent_without_validation_counts_too(side: Side) -> None:
    side.hear([2, "boot", "BootNotification", boot(side.version)])
    side.session.reply("boot", b'{"status":"Pending"}', validate=False)
    side.sent()
    assert side.hear([2, "1", "Heartbeat", {}])[0][2] == "SecurityError"


@sides(roles=(Role.CSMS,))
def test_a_boot_notification_tells_vendor_and_model(side: Side) -> None:
    history = History()
    side = Side(side.version, side.role, {"history": history})
    booted(side, "Accepted")
    assert (history.vendor, history.model) == ("Acme", "Box")
