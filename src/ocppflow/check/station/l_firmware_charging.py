"""L01: an update while somebody charges."""

from __future__ import annotations

from typing import Final

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is, connectors_are
from ocppflow.check.firmware_course import FirmwareCourse, firmware_offered
from ocppflow.check.reusable_states import (
    energy_transfer_started,
    ev_connected_post_session,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import transaction_event, visit_of

_NEW_SESSIONS: Final = ("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate")
_PROVES: Final = ("L01.FR.01", "L01.FR.06", "L01.FR.07", "L01.FR.10", "L01.FR.20")
_A_WHILE: Final = 45.0
"""Seconds that a station gets to install while somebody charges; the text has 30 to 60."""


async def _drives_off(trial: Trial, evse: int) -> None:
    """ParkingBayUnoccupied, at a station that may become Unavailable at once for the update."""
    visit = visit_of(trial, evse)
    await stop_authorized(trial, evse)
    await ev_connected_post_session(trial, evse)
    await trial.operator.unplug(evse)
    visit.plugged = visit.authorized = False
    await connector_is(trial, ("Available", "Unavailable"), evse)
    if visit.started:
        await transaction_event(trial, visit, {"triggerReason": "EVCommunicationLost"}, by="E06.FR.02")
    await parking_bay_unoccupied(trial, evse)


async def _while_charging(trial: Trial) -> FirmwareCourse:
    await energy_transfer_started(trial)
    course = FirmwareCourse(trial, await firmware_offered(trial))
    (await course.request()).must("status", "Accepted", by="L01.FR.21")
    return course


async def _others_unavailable(trial: Trial, course: FirmwareCourse) -> None:
    """L01.FR.07: what nobody uses is Unavailable."""
    others = {place: "Unavailable" for place in trial.settings.all_connectors if place[0] != trial.evse}
    await connectors_are(trial, dict(others), since=course.begin, by="L01.FR.07")


@station_case(*_PROVES)
async def TC_L_12_CS(trial: Trial) -> None:
    """The download waits for transactions; new ones may begin."""
    await configure_if_there(trial, *_NEW_SESSIONS, "true")
    course = await _while_charging(trial)
    await course.status("DownloadScheduled", by="L01.FR.06")
    await energy_transfer_started(trial, trial.settings.second_evse)
    await _drives_off(trial, trial.evse)
    await _drives_off(trial, trial.settings.second_evse)
    await course.downloaded()
    await course.installed()


@station_case(*_PROVES)
async def TC_L_13_CS(trial: Trial) -> None:
    """The download waits for transactions; no new ones may begin."""
    await configure(trial, *_NEW_SESSIONS, "false")
    course = await _while_charging(trial)
    await _others_unavailable(trial, course)
    await _drives_off(trial, trial.evse)
    if await course.status("DownloadScheduled", "Downloading", by="L01.FR.06") == "DownloadScheduled":
        await course.status("Downloading", by="L01.FR.06")
    await course.status("Downloaded")
    await course.status("SignatureVerified", by="L01.FR.04")
    await course.installed()


async def _installing(trial: Trial, course: FirmwareCourse) -> str:
    await course.downloaded()
    return await course.status("InstallScheduled", "Installing", by="L01.FR.06")


@station_case(*_PROVES)
async def TC_L_14_CS(trial: Trial) -> None:
    """The installation, or the reboot, waits for transactions; new ones may begin."""
    await configure_if_there(trial, *_NEW_SESSIONS, "true")
    course = await _while_charging(trial)
    status = await _installing(trial, course)
    await energy_transfer_started(trial, trial.settings.second_evse)
    if status == "Installing":
        await trial.wait(_A_WHILE)
    await _drives_off(trial, trial.evse)
    await _drives_off(trial, trial.settings.second_evse)
    await course.installed("" if status == "InstallScheduled" else status)


@station_case(*_PROVES)
async def TC_L_15_CS(trial: Trial) -> None:
    """The installation, or the reboot, waits for transactions; no new ones may begin."""
    await configure(trial, *_NEW_SESSIONS, "false")
    course = await _while_charging(trial)
    status = await _installing(trial, course)
    await _others_unavailable(trial, course)
    if status == "Installing":
        await trial.wait(_A_WHILE)
    await _drives_off(trial, trial.evse)
    await course.installed("" if status == "InstallScheduled" else status)


@station_case("L01.FR.01", "L01.FR.06", "L01.FR.10", "L01.FR.20")
async def TC_L_16_CS(trial: Trial) -> None:
    """Firmware is installed while somebody charges."""
    course = await _while_charging(trial)
    await course.downloaded()
    await course.status("Installing")
    await course.installed("Installing")
