"""OCPP 1.6: Firmware Management and Remote Trigger (4.4, 4.5, 5.9, 5.17, 5.19)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from ocppflow.check.cases import station_case
from ocppflow.check.heard import PRESENT
from ocppflow.check.steps_16 import V16, charging, file_place, number_of, number_of_transaction, profile
from ocppflow.check.trial import Trial
from ocppflow.messages import Message, v16

_FIRMWARE: Final = "/firmware-16.bin"
_IMAGE: Final = b"ocppflow-firmware 9.9.9\nwhat the check has made up\n"

# --- Firmware Management ---------------------------------------------------------------------------------------------


async def _update(trial: Trial, location: str, *, retries: int | None = None) -> int:
    await profile(trial, "FirmwareManagement")
    request = v16.UpdateFirmwareRequest(
        location=location,
        retrieve_date=trial.now(),
        retries=UNSET if retries is None else retries,
        retry_interval=UNSET if retries is None else 1,
    )
    await trial.call(request)
    return len(trial.bench.inbox) - len(trial.since())


async def _steps(trial: Trial, begin: int, *wanted: str) -> None:
    for step in wanted:
        told = await trial.expect(
            v16.FirmwareStatusNotificationRequest, since=begin, within=trial.settings.reboot_patience, by="1.6/5.19"
        )
        told.must("status", step, by="1.6/4.5 1.6/5.19")


@station_case("1.6/4.5", "1.6/5.19", versions=V16)
async def TC_044_1_CS(trial: Trial) -> None:
    """Firmware is downloaded and installed, and each step told."""
    await profile(trial, "FirmwareManagement")
    location = await file_place(trial, _FIRMWARE)
    trial.bench.workshop.shelf.files[_FIRMWARE] = _IMAGE
    begin = await _update(trial, location)
    await _steps(trial, begin, "Downloading", "Downloaded", "Installing", "Installed")


@station_case("1.6/4.5", "1.6/5.19", versions=V16)
async def TC_044_2_CS(trial: Trial) -> None:
    """Firmware that is not there."""
    await profile(trial, "FirmwareManagement")
    begin = await _update(trial, await file_place(trial, "/not-there.bin"), retries=0)
    await _steps(trial, begin, "Downloading", "DownloadFailed")


async def _diagnostics(trial: Trial, folder: str, *wanted: str) -> str:
    await profile(trial, "FirmwareManagement")
    location = await file_place(trial, folder)
    answer = await trial.call(v16.GetDiagnosticsRequest(location=location, retries=0))
    begin = len(trial.bench.inbox) - len(trial.since())
    name = str(answer.must("fileName", PRESENT, by="1.6/5.9"))
    for step in wanted:
        told = await trial.expect(v16.DiagnosticsStatusNotificationRequest, since=begin, by="1.6/5.9")
        told.must("status", step, by="1.6/4.4 1.6/5.9")
    return name


@station_case("1.6/4.4", "1.6/5.9", versions=V16)
async def TC_045_1_CS(trial: Trial) -> None:
    """Diagnostics are brought."""
    name = await _diagnostics(trial, "/diagnostics/", "Uploading", "Uploaded")
    come = trial.bench.workshop.shelf.brought
    trial.check(come.get(f"/diagnostics/{name}"), f"{name} has not come; there came {', '.join(come)}", by="1.6/5.9")


@station_case("1.6/4.4", "1.6/5.9", versions=V16)
async def TC_045_2_CS(trial: Trial) -> None:
    """Diagnostics that cannot be brought."""
    trial.bench.workshop.shelf.refusals["/refused/"] = 403
    await _diagnostics(trial, "/refused/", "Uploading", "UploadFailed")


# --- Remote Trigger --------------------------------------------------------------------------------------------------


async def _trigger(trial: Trial, wanted: v16.MessageTrigger, kind: type[Message], connector: int | None = None) -> None:
    request = v16.TriggerMessageRequest(
        requested_message=wanted, connector_id=UNSET if connector is None else connector
    )
    answer = await trial.call(request)
    if answer.must("status", "Accepted", "NotImplemented", by="1.6/5.17") == "NotImplemented":
        trial.omit(f"{wanted} is NotImplemented")
        return
    where = {"connectorId": connector} if connector is not None else None
    begin = len(trial.bench.inbox) - len(trial.since())
    await trial.expect(kind, where, since=begin, by="1.6/5.17")


@station_case("1.6/5.17", versions=V16)
async def TC_054_CS(trial: Trial) -> None:
    """What is triggered is sent, after the answer."""
    await profile(trial, "RemoteTrigger")
    await _trigger(trial, "Heartbeat", v16.HeartbeatRequest)
    await _trigger(trial, "MeterValues", v16.MeterValuesRequest, number_of(trial))
    await _trigger(trial, "StatusNotification", v16.StatusNotificationRequest, number_of(trial))
    await _trigger(trial, "FirmwareStatusNotification", v16.FirmwareStatusNotificationRequest)
    await _trigger(trial, "DiagnosticsStatusNotification", v16.DiagnosticsStatusNotificationRequest)


@station_case("1.6/5.17", versions=V16)
async def TC_055_CS(trial: Trial) -> None:
    """A connector that there is not."""
    await profile(trial, "RemoteTrigger")
    request = v16.TriggerMessageRequest(requested_message="MeterValues", connector_id=99)
    (await trial.call(request)).must("status", "Rejected", by="1.6/5.17")


@station_case("1.6/5.17", versions=V16)
async def TC16_TRIGGER_01_CS(trial: Trial) -> None:
    """Without a connectorId, the status of the station and of each of its connectors is told."""
    await profile(trial, "RemoteTrigger")
    answer = await trial.call(v16.TriggerMessageRequest(requested_message="StatusNotification"))
    answer.must("status", "Accepted", by="1.6/5.17")
    begin = len(trial.bench.inbox) - len(trial.since())
    for number in range(len(trial.settings.all_connectors) + 1):
        await trial.expect(v16.StatusNotificationRequest, {"connectorId": number}, since=begin, by="1.6/5.17")


@station_case("1.6/4.7", "1.6/5.17", versions=V16)
async def TC16_TRIGGER_02_CS(trial: Trial) -> None:
    """Meter values that are triggered in a transaction name it."""
    await profile(trial, "RemoteTrigger")
    await charging(trial)
    request = v16.TriggerMessageRequest(requested_message="MeterValues", connector_id=number_of(trial))
    (await trial.call(request)).must("status", "Accepted", by="1.6/5.17")
    where = {"connectorId": number_of(trial), "meterValue[0].sampledValue[0].context": "Trigger"}
    told = await trial.expect(v16.MeterValuesRequest, where, by="1.6/5.17")
    told.must("transactionId", number_of_transaction(trial), by="1.6/4.7")
