"""Cleaning: after a case the station is put back as it was before, so that the order of cases does not matter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ocppflow.check.connector_states import last_states, of_evse
from ocppflow.check.heard import CheckFailed
from ocppflow.check.operator import OperatorCannot
from ocppflow.check.steps_16 import put_back_16
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.check.variables import set_variable
from ocppflow.errors import OCPPError
from ocppflow.messages import Version, v21

Step = Callable[[Trial], Awaitable[None]]


async def clean(trial: Trial) -> list[str]:
    """Put the station back; what could not be, in words. A case that changed nothing costs nothing."""
    trial.bench.admits = True
    if trial.bench.door is not None:
        trial.bench.door.as_usual()
    troubles: list[str] = []
    for what, step in _STEPS:
        try:
            await step(trial)
        except (CheckFailed, NotPossible, OperatorCannot, OCPPError) as exc:
            troubles.append(f"{what}: {exc}")
    return troubles


async def _connected(trial: Trial) -> None:
    await trial.connected(within=trial.settings.reboot_patience)


async def _afterwards(trial: Trial) -> None:
    while trial.afterwards:
        await trial.afterwards.pop()()


async def _files(trial: Trial) -> None:
    trial.bench.workshop.shelf.clear()


_UPDATE_ENDS = ("Installed", "DownloadFailed", "InvalidSignature", "InstallationFailed", "InstallVerificationFailed")


async def _no_update(trial: Trial) -> None:
    """A firmware update that the case has left is over."""
    updates = [answer for request, answer in trial.said if isinstance(request, v21.UpdateFirmwareRequest)]
    if not any(answer.at("status") in ("Accepted", "AcceptedCanceled") for answer in updates):
        return

    def over() -> bool | None:
        told = (each for each in reversed(trial.bench.inbox) if each.action == "FirmwareStatusNotification")
        last = next(told, None)
        return True if last is None or last.at("status") in _UPDATE_ENDS else None

    patience = trial.settings.reboot_patience + trial.settings.schedule_seconds
    if await trial.bench.until(over, patience) is None:
        raise NotPossible("the update is not over")


async def _hands_off(trial: Trial) -> None:
    for evse, local_generation in sorted(trial.operator.limited):
        await trial.operator.release(evse, local_generation=local_generation)
    for evse in sorted(trial.operator.faulty):
        await trial.operator.clear(evse)
    for evse in sorted(trial.operator.plugged):
        await trial.operator.unplug(evse)
        trial.notes.setdefault("left", []).append(evse)
    for evse in sorted(trial.operator.parked):
        await trial.operator.leave(evse)


async def _cables_gone(trial: Trial) -> None:
    """Connectors are not Occupied any more; a cable that is still locked is asked for."""
    for evse in trial.notes.get("left", []) if trial.version is not Version.V16 else []:

        def free(evse: int = evse) -> bool | None:
            states = last_states(trial.bench.inbox)
            return None if any(place[0] == evse and state == "Occupied" for place, state in states.items()) else True

        if await trial.bench.until(free, 2.0) is None:
            for _, connector in of_evse(trial, evse, ""):
                await trial.call(v21.UnlockConnectorRequest(evse_id=evse, connector_id=connector))
            if await trial.bench.until(free, trial.settings.patience) is None:
                raise NotPossible(f"EVSE {evse} is still Occupied")


async def _no_transactions(trial: Trial) -> None:
    if trial.version is Version.V16:
        await put_back_16(trial)
        return
    running = trial.bench.running
    await trial.bench.until(lambda: None if running else True, min(trial.settings.patience, 5.0) if running else 0)
    for transaction in list(running):
        await trial.call(v21.RequestStopTransactionRequest(transaction_id=transaction))
    if await trial.bench.until(lambda: None if running else True, trial.settings.patience) is None:
        left = ", ".join(running)
        running.clear()  # they are told of once
        raise NotPossible(f"{left} did not end")


async def _operative(trial: Trial) -> None:
    places: dict[tuple[int, int], v21.ChangeAvailabilityRequest] = {}
    for request in _said(trial, v21.ChangeAvailabilityRequest):
        evse = request.evse
        number = evse.id if isinstance(evse, v21.EVSEType) else 0
        connector = evse.connector_id if isinstance(evse, v21.EVSEType) else 0
        places[number, connector if isinstance(connector, int) else 0] = request
    for request in places.values():
        if request.operational_status == "Inoperative":
            await trial.call(v21.ChangeAvailabilityRequest(operational_status="Operative", evse=request.evse))


async def _no_profiles(trial: Trial) -> None:
    """Each by its id (K10.FR.02). What is generated locally is not cleared (K10.FR.09), so that another profile takes
    its place first."""
    placed = {request.charging_profile.id: request for request in _said(trial, v21.SetChargingProfileRequest)}
    for number, request in placed.items():
        profile = request.charging_profile
        if profile.charging_profile_purpose == "LocalGeneration":
            other = msgspec.structs.replace(profile, charging_profile_purpose="TxDefaultProfile")
            await trial.call(v21.SetChargingProfileRequest(evse_id=request.evse_id, charging_profile=other))
        await trial.call(v21.ClearChargingProfileRequest(charging_profile_id=number))


async def _no_reservations(trial: Trial) -> None:
    for request in _said(trial, v21.ReserveNowRequest):
        await trial.call(v21.CancelReservationRequest(reservation_id=request.id))


async def _no_lists(trial: Trial) -> None:
    lists = _said(trial, v21.SendLocalListRequest)
    if lists:
        version = max(request.version_number for request in lists) + 1
        await trial.call(v21.SendLocalListRequest(version_number=version, update_type="Full"))


async def _no_cache(trial: Trial) -> None:
    """Twice: before the variables and after, as a cache that is switched off cannot be cleared (C11.FR.04)."""
    if (trial.notes.get("cached") or _told_of_token(trial)) and not trial.notes.get("cleared"):
        answer = await trial.call(v21.ClearCacheRequest())
        trial.notes["cleared"] = answer.at("status") == "Accepted"


def _told_of_token(trial: Trial) -> bool:
    """Whether the station has asked or told of a token, and learnt from the answer what it is worth (C10.FR.04,
    C10.FR.05)."""
    if trial.version is Version.V16:
        return False
    return any("idToken" in heard.payload for heard in trial.since(trial.begin))


async def _no_tariffs(trial: Trial) -> None:
    if trial.notes.get("tariffs"):
        await set_variable(trial, "TariffCostCtrlr", "Enabled", "true", instance="Tariff", remember=False)
        await trial.call(v21.ClearTariffsRequest())


async def _no_displays(trial: Trial) -> None:
    for request in _said(trial, v21.SetDisplayMessageRequest):
        await trial.call(v21.ClearDisplayMessageRequest(id=request.message.id))


async def _no_monitors(trial: Trial) -> None:
    ids: list[int] = []
    for request, answer in trial.said:
        if isinstance(request, v21.SetVariableMonitoringRequest):
            results = answer.at("setMonitoringResult")
            ids += [result["id"] for result in results if result.get("status") == "Accepted" and "id" in result]
    if ids:
        await trial.call(v21.ClearVariableMonitoringRequest(id=ids))


async def _variables(trial: Trial) -> None:
    for (component, variable, instance, evse), value in reversed(trial.changed.items()):
        if value is not None:
            await set_variable(trial, component, variable, value, instance=instance, evse=evse, remember=False)
    trial.changed.clear()


def _said(trial: Trial, kind: type[Any]) -> list[Any]:
    return [request for request, _ in trial.said if isinstance(request, kind)]


_STEPS: tuple[tuple[str, Step], ...] = (
    ("connection", _connected),
    ("EV and faults", _hands_off),
    ("transactions", _no_transactions),
    ("firmware update", _no_update),
    ("files", _files),
    ("what the case has changed", _afterwards),
    ("cables", _cables_gone),
    ("availability", _operative),
    ("charging profiles", _no_profiles),
    ("reservations", _no_reservations),
    ("local list", _no_lists),
    ("authorization cache", _no_cache),
    ("tariffs", _no_tariffs),
    ("display messages", _no_displays),
    ("monitors", _no_monitors),
    ("variables", _variables),
    ("authorization cache", _no_cache),
)
