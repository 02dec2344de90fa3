"""OCPP 1.6, Core: remote start and stop, unlocking, availability, data transfer (5.2, 5.6, 5.11, 5.12, 5.18)."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.steps_16 import (
    V16,
    charging,
    is_fixed,
    last_status,
    number_of,
    plugged,
    set_key,
    set_key_if_there,
    started,
    status,
    stopped,
    tag,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.messages import v16

_UNKNOWN = 99


async def _start(trial: Trial, wanted: str) -> None:
    request = v16.RemoteStartTransactionRequest(id_tag=tag(trial), connector_id=number_of(trial))
    (await trial.call(request)).must("status", wanted, by="1.6/5.11")


@station_case("1.6/5.11", versions=V16)
async def TC_010_CS(trial: Trial) -> None:
    """Remote start, the EV first."""
    await set_key_if_there(trial, "AuthorizeRemoteTxRequests", "false")
    await plugged(trial)
    await _start(trial, "Accepted")
    await started(trial)
    await status(trial, "Charging", by="1.6/4.9")


@station_case("1.6/5.11", versions=V16)
async def TC_011_1_CS(trial: Trial) -> None:
    """Remote start, then the EV."""
    await _start(trial, "Accepted")
    await status(trial, "Preparing", by="1.6/4.9")
    await trial.operator.plug(trial.evse, trial.connector)
    await started(trial)
    await status(trial, "Charging", by="1.6/4.9")


@station_case("1.6/5.11", "1.6/9.1.6", versions=V16)
async def TC_011_2_CS(trial: Trial) -> None:
    """Remote start, and nobody plugs in: ConnectionTimeOut."""
    await set_key(trial, "ConnectionTimeOut", str(trial.settings.connection_timeout))
    await _start(trial, "Accepted")
    await status(trial, "Preparing", by="1.6/4.9")
    within = trial.settings.connection_timeout + 2 * trial.settings.tolerance
    await status(trial, "Available", within=within, by="1.6/9.1.6")
    await trial.nothing(v16.StartTransactionRequest, by="1.6/9.1.6")


@station_case("1.6/5.11", "1.6/9.1.3", versions=V16)
async def TC16_REMOTE_01_CS(trial: Trial) -> None:
    """Remote start that has to be authorized, and is not."""
    await set_key(trial, "AuthorizeRemoteTxRequests", "true")
    await trial.call(v16.ClearCacheRequest())
    trial.answer(v16.AuthorizeRequest, {"idTagInfo": {"status": "Invalid"}})
    await plugged(trial)
    await _start(trial, "Accepted")
    await trial.expect(v16.AuthorizeRequest, {"idTag": tag(trial)}, by="1.6/5.11")
    await trial.nothing(v16.StartTransactionRequest, by="1.6/5.11")


@station_case("1.6/5.12", versions=V16)
async def TC_012_CS(trial: Trial) -> None:
    """Remote stop."""
    number = await charging(trial)
    answer = await trial.call(v16.RemoteStopTransactionRequest(transaction_id=number))
    answer.must("status", "Accepted", by="1.6/5.12")
    await stopped(trial, "Remote", by="1.6/5.12")
    await status(trial, "Finishing", by="1.6/4.9")


@station_case("1.6/5.11", versions=V16)
async def TC_026_CS(trial: Trial) -> None:
    """Remote start where a transaction runs already."""
    await charging(trial)
    await _start(trial, "Rejected")
    await trial.nothing(v16.StartTransactionRequest, by="1.6/5.11")


@station_case("1.6/5.12", versions=V16)
async def TC_028_CS(trial: Trial) -> None:
    """Remote stop of a transaction that there is not."""
    number = await charging(trial)
    answer = await trial.call(v16.RemoteStopTransactionRequest(transaction_id=number + 1000))
    answer.must("status", "Rejected", by="1.6/5.12")
    await trial.nothing(v16.StopTransactionRequest, by="1.6/5.12")


# --- unlocking -------------------------------------------------------------------------------------------------------


async def _unlock(trial: Trial, connector: int, *wanted: str, by: str = "1.6/5.18") -> None:
    answer = await trial.call(v16.UnlockConnectorRequest(connector_id=connector))
    answer.must("status", *wanted, by=by)


def _detachable(trial: Trial, wanted: bool) -> None:
    if is_fixed(trial) is wanted:
        raise NotForThis(f"it is for a station whose cable is {'detachable' if wanted else 'fixed'}")


@station_case("1.6/5.18", versions=V16)
async def TC_017_1_CS(trial: Trial) -> None:
    """Unlocking without a transaction."""
    _detachable(trial, True)
    await _unlock(trial, number_of(trial), "Unlocked")


@station_case("1.6/errata-3.87", versions=V16)
async def TC_017_2_CS(trial: Trial) -> None:
    """Unlocking a cable that is fixed."""
    _detachable(trial, False)
    await _unlock(trial, number_of(trial), "NotSupported", by="1.6/errata-3.87")


@station_case("1.6/5.18", versions=V16)
async def TC_018_1_CS(trial: Trial) -> None:
    """Unlocking ends the transaction first."""
    _detachable(trial, True)
    await charging(trial)
    mark = trial.mark()
    await _unlock(trial, number_of(trial), "Unlocked")
    await stopped(trial, "UnlockCommand", since=mark, by="1.6/5.18")


@station_case("1.6/errata-3.87", versions=V16)
async def TC_031_CS(trial: Trial) -> None:
    """Unlocking a connector that there is not."""
    await _unlock(trial, _UNKNOWN, "NotSupported", by="1.6/errata-3.87")


# --- availability ----------------------------------------------------------------------------------------------------


async def _change(trial: Trial, connector: int, kind: v16.AvailabilityType, wanted: str) -> None:
    answer = await trial.call(v16.ChangeAvailabilityRequest(connector_id=connector, type=kind))
    answer.must("status", wanted, by="1.6/5.2")


@station_case("1.6/5.2", versions=V16)
async def TC16_AVAILABILITY_01_CS(trial: Trial) -> None:
    """A connector is taken out of service, and back."""
    await _change(trial, number_of(trial), "Inoperative", "Accepted")
    await status(trial, "Unavailable", by="1.6/5.2")
    await _change(trial, number_of(trial), "Operative", "Accepted")
    await status(trial, "Available", by="1.6/5.2")


@station_case("1.6/5.2", versions=V16)
async def TC16_AVAILABILITY_02_CS(trial: Trial) -> None:
    """The whole station is taken out of service, with all connectors, and back."""
    numbers = range(len(trial.settings.all_connectors) + 1)
    await _change(trial, 0, "Inoperative", "Accepted")
    for number in numbers:
        await status(trial, "Unavailable", connector=number, by="1.6/5.2")
    await _change(trial, 0, "Operative", "Accepted")
    for number in numbers:
        await status(trial, "Available", connector=number, by="1.6/5.2")


@station_case("1.6/5.2", versions=V16)
async def TC16_AVAILABILITY_03_CS(trial: Trial) -> None:
    """In a transaction the change is scheduled."""
    number = await charging(trial)
    await _change(trial, number_of(trial), "Inoperative", "Scheduled")
    await trial.nothing(v16.StatusNotificationRequest, {"connectorId": number_of(trial)}, by="1.6/5.2")
    await trial.call(v16.RemoteStopTransactionRequest(transaction_id=number))
    await stopped(trial, "Remote", by="1.6/5.12")
    await trial.operator.unplug(trial.evse)
    if last_status(trial) != "Unavailable":
        await status(trial, "Unavailable", by="1.6/5.2")


@station_case("1.6/5.2", versions=V16)
async def TC_034_CS(trial: Trial) -> None:
    """A connector that is out of service is so after a power cut."""
    await _change(trial, number_of(trial), "Inoperative", "Accepted")
    await status(trial, "Unavailable", by="1.6/5.2")
    await trial.operator.power_cycle()
    patience = trial.settings.reboot_patience
    await trial.expect(v16.BootNotificationRequest, within=patience, by="1.6/4.2")
    await status(trial, "Unavailable", by="1.6/5.2")


# --- data transfer ---------------------------------------------------------------------------------------------------


@station_case("1.6/4.3", "1.6/5.6", versions=V16)
async def TC_062_CS(trial: Trial) -> None:
    """A vendor that nobody knows."""
    request = v16.DataTransferRequest(vendor_id="org.example.ocppflow.check", message_id="nothing", data="{}")
    answer = await trial.call(request)
    answer.must("status", "UnknownVendorId", "UnknownMessageId", "Rejected", by="1.6/5.6")
    answer.must("data", ABSENT, by="1.6/4.3")
