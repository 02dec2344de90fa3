"""The tables of actions: names, directions, types; and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ocppflow.errors import ConfigurationError, UnknownAction
from ocppflow.messages import Role, Version, action_info, actions, request_type, response_type, v16, v21, v201
from ocppflow.messages.base import Request, Response, Send


@pytest.mark.parametrize(
    ("version", "total", "by_station", "by_csms"), [("1.6", 39, 14, 26), ("2.0.1", 64, 25, 40), ("2.1", 91, 37, 55)]
)
def test_counts(version: str, total: int, by_station: int, by_csms: int) -> None:
    """DataTransfer is the one that both send, so the sides add up to one more than there are."""
    table = actions(version)
    assert len(table) == total
    assert sum(info.sent_by(Role.CS) for info in table.values()) == by_station
    assert sum(info.sent_by(Role.CSMS) for info in table.values()) == by_csms
    assert [n for n, info in table.items() if len(info.senders) == 2] == ["DataTransfer"]


@pytest.mark.parametrize(
    ("version", "action", "sender"),
    [
        ("1.6", "StopTransaction", Role.CS),
        ("1.6", "SignCertificate", Role.CS),
        ("1.6", "RemoteStartTransaction", Role.CSMS),
        ("1.6", "InstallCertificate", Role.CSMS),
        ("2.0.1", "TransactionEvent", Role.CS),
        ("2.0.1", "GetCertificateStatus", Role.CS),
        ("2.0.1", "Get15118EVCertificate", Role.CS),
        ("2.0.1", "GetTransactionStatus", Role.CSMS),
        ("2.0.1", "PublishFirmware", Role.CSMS),
        ("2.1", "NotifyAllowedEnergyTransfer", Role.CSMS),
        ("2.1", "NotifyWebPaymentStarted", Role.CSMS),
        ("2.1", "NotifyPriorityCharging", Role.CS),
        ("2.1", "OpenPeriodicEventStream", Role.CS),
        ("2.1", "ClosePeriodicEventStream", Role.CS),
        ("2.1", "AdjustPeriodicEventStream", Role.CSMS),
        ("2.1", "PullDynamicScheduleUpdate", Role.CS),
        ("2.1", "UpdateDynamicSchedule", Role.CSMS),
        ("2.1", "RequestBatterySwap", Role.CSMS),
        ("2.1", "VatNumberValidation", Role.CS),
    ],
)
def test_direction(version: str, action: str, sender: Role) -> None:
    info = action_info(version, action)
    assert info.senders == {sender}
    assert not info.sent_by(sender.peer)


def test_what_2_1_took_over_from_2_0_1_keeps_its_direction() -> None:
    later = actions("2.1")
    assert {n: i.senders for n, i in actions("2.0.1").items()} == {n: later[n].senders for n in actions("2.0.1")}


@pytest.mark.parametrize("version", list(Version))
def test_types_know_what_they_are(version: Version) -> None:
    for name, info in actions(version).items():
        assert info.request.__action__ == name
        assert info.request.__version__ is version
        if info.response is None:
            assert issubclass(info.request, Send)
            continue
        assert issubclass(info.request, Request)
        assert issubclass(info.response, Response)
        assert info.request.__response__ is info.response is response_type(version, name)
        assert info.response.__action__ == name
        assert (info.request.__name__, info.response.__name__) == (f"{name}Request", f"{name}Response")


def test_only_the_periodic_event_stream_is_never_answered() -> None:
    assert [n for v in Version for n, i in actions(v).items() if not i.confirmed] == ["NotifyPeriodicEventStream"]
    assert request_type("2.1", "NotifyPeriodicEventStream") is v21.NotifyPeriodicEventStream
    with pytest.raises(UnknownAction, match="never answered"):
        response_type("2.1", "NotifyPeriodicEventStream")


def test_request_and_response_types() -> None:
    assert request_type(Version.V16, "Reset") is v16.ResetRequest
    assert response_type("ocpp2.0.1", "Reset") is v201.ResetResponse


@pytest.mark.parametrize(
    ("version", "action", "hint"),
    [
        ("2.0.1", "heartbeat", "case-sensitive: 'Heartbeat'"),
        ("2.0.1", "HeartbeatRequest", "do not end in Request or Response: 'Heartbeat'"),
        ("2.0.1", "StartTransaction", "OCPP 1.6 has it"),
        ("1.6", "GetVariables", "OCPP 2.0.1 and 2.1 have it"),
        ("2.1", "BootNotifcation", "did you mean 'BootNotification'"),
        ("2.1", "Zzzzz", "OCPP 2.1 has no action 'Zzzzz'"),
        ("2.1", "x" * 100_000, "has no action"),
    ],
)
def test_unknown_action_says_what_was_meant(version: str, action: str, hint: str) -> None:
    with pytest.raises(UnknownAction, match=hint) as caught:
        request_type(version, action)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("action", [None, 3, ["Reset"], {}])
def test_an_action_that_is_no_text(action: object) -> None:
    with pytest.raises(UnknownAction, match="an action must be a string"):
        action_info("2.1", action)  # type: ignore[arg-type]


def test_unknown_version() -> None:
    with pytest.raises(ConfigurationError, match=r"known: 1\.6, 2\.0\.1, 2\.1"):
        actions("2.0")


@pytest.mark.parametrize("module", ["", ".v16", ".v201", ".v21", ".codec", ".tolerance"])
def test_one_version_is_imported_without_the_others(module: str) -> None:
    code = f"import sys, ocppflow.messages{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    versions = {m for m in loaded if m in {f"ocppflow.messages.{v}" for v in ("v16", "v201", "v21")}}
    assert versions == ({f"ocppflow.messages{module}"} if module.startswith(".v") else set())
    assert "asyncio" not in loaded
