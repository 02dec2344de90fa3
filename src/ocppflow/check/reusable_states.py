"""The reusable states of the official test cases (Part 6, 2.18): functions that bring the station into one, and judge
what it says on the way. Each takes the EVSE (the usual one by default), and does what is not done yet before it."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ocppflow.check.connector_states import connector_is, connectors_are, every_connector, of_evse
from ocppflow.check.heard import ABSENT, PRESENT, CheckFailed, Heard
from ocppflow.check.operator import OperatorCannot
from ocppflow.check.trial import Trial
from ocppflow.check.variables import get_variable
from ocppflow.check.visit import (
    Visit,
    ends_at_stop,
    maybe_event,
    start_points,
    stop_points,
    transaction_event,
    visit_of,
)
from ocppflow.messages import v21

_LOST = "EVCommunicationLost"

_MOMENT = 1.0
"""Seconds that nobody at a station is faster than: it has heard the CSMS's answer when the EV is connected."""


async def parking_bay_occupied(trial: Trial, evse: int | None = None) -> None:
    """ParkingBayOccupied. Only stations whose transactions may begin with it are asked for it."""
    visit = visit_of(trial, evse)
    if visit.parked or "ParkingBayOccupancy" not in await start_points(trial):
        return
    try:
        await trial.operator.park(visit.evse)
    except OperatorCannot:
        return  # optional: there may not be a sensor
    visit.parked = True
    event = await transaction_event(trial, visit, by="E01.FR.01")
    event.must("triggerReason", "EVDetected", by="E01.FR.01")


async def ev_connected_pre_session(trial: Trial, evse: int | None = None) -> None:
    """EVConnectedPreSession: the EV is connected."""
    visit = visit_of(trial, evse)
    await parking_bay_occupied(trial, visit.evse)
    due = visit.started or bool(await start_points(trial) & {"EVConnected"})
    due = due or (visit.authorized and "PowerPathClosed" in await start_points(trial))
    await trial.operator.plug(visit.evse, trial.connector)
    visit.plugged = True
    await connector_is(trial, "Occupied", visit.evse)
    if due:
        event = await transaction_event(trial, visit, by="E02.FR.01")
        event.must("triggerReason", "CablePluggedIn", "ChargingStateChanged", "RemoteStart")
        event.must("transactionInfo.chargingState", "EVConnected", *(_POWERED if visit.authorized else ()))
        event.must("evse.id", visit.evse, by="E01.FR.16")
        event.must("evse.connectorId", trial.connector, by="E01.FR.16")


_POWERED = ("SuspendedEVSE", "SuspendedEV", "Charging")


async def authorized(
    trial: Trial, evse: int | None = None, *, token: v21.IdTokenType | None = None, reserved: bool = False
) -> None:
    """Authorized, in the way that the tester prefers. With ``reserved`` the station need not ask for the token."""
    if trial.settings.remote_start:
        await authorized_remote(trial, evse, token=token)
    else:
        await authorized_local(trial, evse, token=token, asks=None if reserved else True)


async def authorized_local(
    trial: Trial, evse: int | None = None, *, token: v21.IdTokenType | None = None, asks: bool | None = True
) -> None:
    """Authorized, by a token that is presented. ``asks``: whether the station has to ask the CSMS; None: it may."""
    visit = visit_of(trial, evse)
    if not visit.plugged:
        await parking_bay_occupied(trial, visit.evse)
    visit.token = token or trial.token
    due = visit.started or "Authorized" in await start_points(trial)
    await trial.operator.present(visit.evse, visit.token)
    await _asked(trial, visit, asks)
    visit.authorized = True
    if not due:
        await trial.wait(_MOMENT)
    else:
        event = await transaction_event(trial, visit, by="E02.FR.13")
        event.must("triggerReason", "Authorized", by="E02.FR.13")
        _with_token(event, visit)


async def authorized_remote(
    trial: Trial,
    evse: int | None = None,
    *,
    token: v21.IdTokenType | None = None,
    asks: bool | None = None,
    charging_profile: v21.ChargingProfileType | UnsetType = UNSET,
) -> None:
    """Authorized, by RequestStartTransaction. ``asks``: whether the station has to ask the CSMS for the token; None:
    as AuthorizeRemoteStart says. ``charging_profile`` comes with it."""
    visit = visit_of(trial, evse)
    if not visit.plugged:
        await parking_bay_occupied(trial, visit.evse)
    visit.token, visit.remote, visit.remote_start_id = token or trial.token, True, trial.request_id()
    due = visit.started or "Authorized" in await start_points(trial)
    if asks is None:
        asks = await get_variable(trial, "AuthCtrlr", "AuthorizeRemoteStart") == "true"
    answer = await trial.call(
        v21.RequestStartTransactionRequest(
            id_token=visit.token,
            evse_id=visit.evse,
            remote_start_id=visit.remote_start_id,
            charging_profile=charging_profile,
        )
    )
    answer.must("status", "Accepted", by="F01.FR.01")
    if visit.started:
        answer.must("transactionId", visit.transaction, by="F01.FR.13")
    await _asked(trial, visit, asks)
    visit.authorized = True
    if not due:
        await trial.wait(_MOMENT)
    else:
        event = await transaction_event(trial, visit, by="F01.FR.19")
        event.must("triggerReason", "RemoteStart", by="F02.FR.01")
        event.must("transactionInfo.remoteStartId", visit.remote_start_id, by="F01.FR.25")
        _with_token(event, visit)


async def _asked(trial: Trial, visit: Visit, asks: bool | None) -> None:
    if trial.settings.start_button or visit.token is None:
        return
    if asks is None:
        if await trial.maybe(v21.AuthorizeRequest, within=1.0) is not None:
            trial.notes["cached"] = True
    elif not asks:
        await trial.nothing(
            v21.AuthorizeRequest, seconds=1.0, by="F01.FR.02" if visit.remote else "C12.FR.02 C14.FR.02"
        )
    else:
        trial.notes["cached"] = True
        request = await trial.expect(v21.AuthorizeRequest, by="C01.FR.02")
        request.must("idToken.idToken", visit.token.id_token)
        request.must("idToken.type", visit.token.type)


def _with_token(event: Heard[v21.TransactionEventRequest], visit: Visit) -> None:
    assert visit.token is not None  # noqa: S101 - whoever is authorized has one
    event.must("idToken.idToken", visit.token.id_token, by="E03.FR.01")
    event.must("idToken.type", visit.token.type, by="E03.FR.01")


async def energy_transfer_started(trial: Trial, evse: int | None = None) -> None:
    """EnergyTransferStarted: energy flows."""
    visit = visit_of(trial, evse)
    if not visit.authorized:
        await authorized(trial, visit.evse)
    if not visit.plugged:
        await ev_connected_pre_session(trial, visit.evse)
    begins = not visit.started
    while visit.state != "Charging":
        event = await transaction_event(trial, visit, by="E02.FR.02")
        reasons = ("ChargingStateChanged", "SignedDataReceived", "CablePluggedIn")
        event.must("triggerReason", *reasons, *(("Authorized", "RemoteStart") if begins else ()))
        event.must("transactionInfo.chargingState", *_POWERED, "EVConnected", by="E02.FR.02")


async def energy_transfer_suspended(trial: Trial, evse: int | None = None) -> None:
    """EnergyTransferSuspended: the EV does not take any for now."""
    visit = visit_of(trial, evse)
    if visit.state != "Charging":
        await energy_transfer_started(trial, visit.evse)
    await trial.wait(trial.settings.transaction_seconds)
    stops = "EnergyTransfer" in await stop_points(trial)
    await trial.operator.suspend_ev(visit.evse)
    event = await transaction_event(trial, visit, by="E02.FR.02")
    event.must("transactionInfo.chargingState", "SuspendedEV", "EVConnected")
    if event.at("transactionInfo.chargingState") == "SuspendedEV":
        event.must("triggerReason", "ChargingStateChanged")
    if event.must("eventType", "Updated", *(("Ended",) if stops else ())) == "Ended":
        event.must("transactionInfo.stoppedReason", "StoppedByEV", by="E06.FR.07")


async def stop_authorized(trial: Trial, evse: int | None = None, *, remote: bool | None = None) -> None:
    """StopAuthorized: by the same token again or, with ``remote``, by RequestStopTransaction."""
    visit = visit_of(trial, evse)
    if visit.transaction is None or visit.state is None:
        await energy_transfer_started(trial, visit.evse)
    await trial.wait(trial.settings.transaction_seconds)
    if trial.settings.remote_start if remote is None else remote:
        await _stop_remote(trial, visit)
    else:
        await _stop_local(trial, visit)


async def _stop_local(trial: Trial, visit: Visit) -> None:
    token = visit.token or trial.token
    await trial.operator.present(visit.evse, token)
    event = await transaction_event(trial, visit, by="E07.FR.02")
    event.must("triggerReason", "StopAuthorized", by="E07.FR.02")
    event.must("idToken.idToken", token.id_token, ABSENT)
    event.must("idToken.type", token.type, ABSENT)
    if visit.ended:
        event.must("transactionInfo.stoppedReason", "Local", ABSENT, by="E07.FR.04")


async def _stop_remote(trial: Trial, visit: Visit) -> None:
    assert visit.transaction is not None  # noqa: S101 - energy flows
    answer = await trial.call(v21.RequestStopTransactionRequest(transaction_id=visit.transaction))
    answer.must("status", "Accepted", by="F03.FR.07")
    event = await transaction_event(trial, visit, by="F03.FR.03")
    event.must("triggerReason", "RemoteStop", by="F03.FR.03")
    visit.remote = True
    if visit.ended:
        event.must("transactionInfo.stoppedReason", "Remote", by="F03.FR.03")


async def ev_connected_post_session(trial: Trial, evse: int | None = None) -> None:
    """EVConnectedPostSession: no energy flows any more, and none will without a new authorization."""
    visit = visit_of(trial, evse)
    if not visit.ended and visit.state == "Charging":
        event = await transaction_event(trial, visit)
        event.must("triggerReason", "ChargingStateChanged")
        event.must("transactionInfo.chargingState", "EVConnected")
        if event.at("eventType") == "Ended" and not visit.remote:
            event.must("transactionInfo.stoppedReason", "Local", ABSENT, by="E07.FR.04")
    while not visit.ended and await ends_at_stop(trial):
        await transaction_event(trial, visit, by="E06.FR.03")


async def ev_disconnected(trial: Trial, evse: int | None = None) -> None:
    """EVDisconnected: EV and EVSE are disconnected after a session."""
    visit = visit_of(trial, evse)
    await trial.operator.unplug(visit.evse)
    visit.plugged = visit.authorized = False
    await connector_is(trial, "Available", visit.evse)
    if visit.started:
        event = await transaction_event(trial, visit, by="E06.FR.02")
        event.must("triggerReason", _LOST)
        event.must("transactionInfo.chargingState", "Idle")


async def ev_removed(trial: Trial, evse: int | None = None) -> None:
    """EVDisconnected after a session that the driver did not end: a cable that the station keeps for its owner
    (E05.FR.11) is asked for."""
    visit = visit_of(trial, evse)
    await trial.operator.unplug(visit.evse)
    visit.plugged = visit.authorized = False
    try:
        await connector_is(trial, "Available", visit.evse, within=2.0)
    except CheckFailed:
        await maybe_updates(trial, visit)
        await trial.call(v21.UnlockConnectorRequest(evse_id=visit.evse, connector_id=trial.connector))
        await connector_is(trial, "Available", visit.evse)
    await maybe_updates(trial, visit)


async def parking_bay_unoccupied(trial: Trial, evse: int | None = None, *, why: str = "Local") -> None:
    """ParkingBayUnoccupied: the EV has left. ``why``: the reason for which the transaction stops, if not remotely."""
    visit = visit_of(trial, evse)
    if not visit.parked:
        return
    await trial.operator.leave(visit.evse)
    visit.parked = False
    if visit.started and "ParkingBayOccupancy" in await stop_points(trial):
        event = await transaction_event(trial, visit, by="E06.FR.01")
        event.must("triggerReason", "EVDeparted")
        event.must("eventType", "Ended", by="E06.FR.01")
        event.must("transactionInfo.stoppedReason", "Remote" if visit.remote else why, ABSENT)


async def booted(trial: Trial, how: str = "reset", *, reason: str | None = None, since: int | None = None) -> None:
    """Booted: reset (``how`` is ``reset``), without power for a while (``power``), or restarting already (``""``),
    ``since`` a mark. ``reason``: what the BootNotification has to say. Every connector is reported anew, and the
    restart as a security event."""
    begin = trial.mark() if since is None else since
    if how == "power":
        try:
            await trial.operator.power_cycle()
        except OperatorCannot:
            how = "reset"
    if how == "reset":
        answer = await trial.call(v21.ResetRequest(type="Immediate"))
        answer.must("status", "Accepted", by="B11.FR.01")
    boot = await trial.expect(
        v21.BootNotificationRequest, since=begin, within=trial.settings.reboot_patience, by="B01.FR.01"
    )
    boot.must("reason", reason or PRESENT)
    await connectors_are(
        trial, every_connector(trial, "Available", _held_elsewhere(trial)), since=begin, by="B01.FR.05"
    )
    await reported_restart(trial, begin)


async def reported_restart(trial: Trial, begin: int) -> None:
    """The station tells of its restart by a security event, since the mark ``begin``."""
    kinds = ("StartupOfTheDevice", "ResetOrReboot")
    await trial.expect(v21.SecurityEventNotificationRequest, {"type": kinds}, since=begin, by="A04.FR.02")


def _held_elsewhere(trial: Trial) -> dict[tuple[int, int], str | tuple[str, ...]]:
    """Connectors that a state before has made other than Available."""
    held: dict[tuple[int, int], str | tuple[str, ...]] = trial.notes.setdefault("held", {})
    return held


async def unavailable(trial: Trial, evse: int = 0, connector: int = 0) -> None:
    """Unavailable: the whole station, an EVSE or a connector."""
    answer = await trial.call(change_availability("Inoperative", evse, connector))
    answer.must("status", "Accepted", by="G03.FR.01 G04.FR.01")
    wanted = every_connector(trial, "Unavailable") if evse == 0 else of_evse(trial, evse, "Unavailable")
    if connector:
        wanted = {(evse, connector): "Unavailable"}
    _held_elsewhere(trial).update(wanted)
    await connectors_are(trial, wanted, by="G03.FR.04 G04.FR.05")


def change_availability(
    status: v21.OperationalStatusEnumType, evse: int = 0, connector: int = 0
) -> v21.ChangeAvailabilityRequest:
    """The request for the whole station, an EVSE or a connector."""
    if evse == 0:
        return v21.ChangeAvailabilityRequest(operational_status=status)
    place = v21.EVSEType(id=evse, connector_id=connector) if connector else v21.EVSEType(id=evse)
    return v21.ChangeAvailabilityRequest(operational_status=status, evse=place)


async def maybe_updates(trial: Trial, visit: Visit, seconds: float = 1.0) -> None:
    """Take what the station still tells of the transaction, where a case does not say whether it does."""
    while await maybe_event(trial, visit, within=seconds) is not None:
        pass
