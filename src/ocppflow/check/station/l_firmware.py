"""L01: firmware that is signed is downloaded, verified, installed and run."""

from __future__ import annotations

from datetime import timedelta

from ocppflow.check.cases import station_case
from ocppflow.check.firmware_course import (
    FirmwareCourse,
    FirmwareOffer,
    firmware_offered,
    untrusted,
    wrongly_signed,
)
from ocppflow.check.trial import Trial
from ocppflow.messages import v21

_USUAL = ("L01.FR.01", "L01.FR.10", "L01.FR.20")
_ALL = ("L01.FR.04", "L01.FR.05", "L01.FR.12", "L01.FR.28", "L01.FR.31")


async def _accepted(trial: Trial, offer: FirmwareOffer | None = None) -> FirmwareCourse:
    course = FirmwareCourse(trial, offer or await firmware_offered(trial))
    (await course.request()).must("status", "Accepted", by="L01.FR.21")
    return course


@station_case(*_USUAL, *_ALL, "L01.FR.21", "L01.FR.23")
async def TC_L_01_CS(trial: Trial) -> None:
    """Firmware is installed at once."""
    course = await _accepted(trial)
    await course.downloaded()
    await course.installed()


@station_case(*_USUAL, *_ALL, "L01.FR.16", "L01.FR.21", "L01.FR.23")
async def TC_L_02_CS(trial: Trial) -> None:
    """The installation is scheduled."""
    course = FirmwareCourse(trial, await firmware_offered(trial))
    due = trial.settings.schedule_seconds
    begin = trial.bench.clock.now()
    answer = await course.request(install_at=trial.now() + timedelta(seconds=due))
    answer.must("status", "Accepted", by="L01.FR.21")
    await course.downloaded()
    await course.status("InstallScheduled", by="L01.FR.16")
    status = await course.status("Installing", "InstallRebooting", within=due + trial.settings.reboot_patience)
    passed = trial.bench.clock.now() - begin
    early = f"installing began after {passed:.0f} s, and not before {due} s was it due"
    trial.check(passed >= due - trial.settings.tolerance, early, by="L01.FR.16")
    await course.installed(status)


@station_case(*_USUAL, *_ALL, "L01.FR.13", "L01.FR.21", "L01.FR.23")
async def TC_L_03_CS(trial: Trial) -> None:
    """The download is scheduled."""
    course = FirmwareCourse(trial, await firmware_offered(trial))
    due = trial.settings.schedule_seconds
    begin = trial.bench.clock.now()
    answer = await course.request(retrieve_at=trial.now() + timedelta(seconds=due))
    answer.must("status", "Accepted", by="L01.FR.21")
    await course.status("DownloadScheduled", by="L01.FR.13")
    await course.status("Downloading", within=due + trial.settings.reboot_patience, by="L01.FR.13")
    passed = trial.bench.clock.now() - begin
    early = f"the download began after {passed:.0f} s, and not before {due} s was it due"
    trial.check(passed >= due - trial.settings.tolerance, early, by="L01.FR.13")
    await course.status("Downloaded")
    await course.status("SignatureVerified", by="L01.FR.04")
    await course.installed()


@station_case("L01.FR.01", "L01.FR.02", "L01.FR.10", "L01.FR.20", "L01.FR.21", "L01.FR.22")
async def TC_L_05_CS(trial: Trial) -> None:
    """A signing certificate that is not valid."""
    course = FirmwareCourse(trial, untrusted(trial, await firmware_offered(trial)))
    (await course.request()).must("status", "InvalidCertificate", "RevokedCertificate", by="L01.FR.22")
    await course.event("InvalidFirmwareSigningCertificate", "L01.FR.02")


@station_case("L01.FR.03", "L01.FR.04", *_USUAL)
async def TC_L_06_CS(trial: Trial) -> None:
    """A signature that is not one over this firmware."""
    course = await _accepted(trial, wrongly_signed(trial, await firmware_offered(trial)))
    await course.status("Downloading")
    await course.status("Downloaded")
    await course.status("InvalidSignature", by="L01.FR.03")
    await course.event("InvalidFirmwareSignature", "L01.FR.03")


@station_case(*_USUAL)
async def TC_L_07_CS(trial: Trial) -> None:
    """Firmware that is not there."""
    offer = await firmware_offered(trial)
    course = await _accepted(trial, offer._replace(location=f"{offer.location}_does.notExist"))
    status = await course.status("Downloading", "DownloadPaused", "DownloadFailed", by="L01.FR.30")
    while status != "DownloadFailed":  # with attempts in between, as the station likes
        status = await course.status("Downloading", "DownloadPaused", "DownloadFailed", by="L01.FR.30")


@station_case("L01.FR.12", *_USUAL)
async def TC_L_08_CS(trial: Trial) -> None:
    """Firmware that cannot be installed."""
    course = await _accepted(trial, await firmware_offered(trial, broken=True))
    await course.downloaded()
    failures = ("InstallVerificationFailed", "InstallationFailed")
    status = await course.status("Installing", "InstallRebooting")
    if status == "InstallRebooting":
        status = await course.status("Installing", *failures, by="L01.FR.29")
    if status == "Installing":
        await course.status(*failures, by="L01.FR.29")
    await course.available_again()


async def _second_update(trial: Trial) -> tuple[FirmwareCourse, FirmwareCourse, str]:
    """A second update is asked for while the first one downloads; the answer's status."""
    path = "/firmware-9.9.9.bin"
    shelf = trial.bench.workshop.shelf
    offer = await firmware_offered(trial, path=path)
    shelf.hold(path)
    first, second = FirmwareCourse(trial, offer), FirmwareCourse(trial, offer)
    (await first.request()).must("status", "Accepted", by="L01.FR.21")
    await first.status("Downloading")
    await trial.bench.until(lambda: True if shelf.visits else None, trial.settings.quiet)
    answer = await second.request()
    shelf.release(path)
    return first, second, str(answer.must("status", "AcceptedCanceled", "Rejected", by="L01.FR.24 L01.FR.27"))


@station_case("L01.FR.24", *_USUAL)
async def TC_L_10_CS(trial: Trial) -> None:
    """An update is cancelled by the next one."""
    _, course, status = await _second_update(trial)
    trial.check(status == "AcceptedCanceled", "the first update was not cancelled", by="L01.FR.24")
    await course.downloaded()
    await course.installed()


@station_case("L01.FR.27", *_USUAL)
async def TC_L_11_CS(trial: Trial) -> None:
    """An update that cannot be cancelled goes on."""
    course, _, status = await _second_update(trial)
    trial.check(status == "Rejected", "the second update was accepted", by="L01.FR.27")
    await course.status("Downloaded")
    await course.status("SignatureVerified", by="L01.FR.04")
    await course.installed()


@station_case("L01.FR.11")
async def TC_L_18_CS(trial: Trial) -> None:
    """Firmware without a signature is refused."""
    offer = await firmware_offered(trial)
    course = FirmwareCourse(trial, offer._replace(certificate="", signature=""))
    answer = await course.request()
    answer.must("status", "Rejected", "InvalidCertificate", by="L01.FR.11")
    await trial.nothing(v21.FirmwareStatusNotificationRequest, by="L01.FR.11")
