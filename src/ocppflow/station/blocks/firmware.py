"""L, Firmware Management: an image is downloaded, verified, installed and booted (L01), whatever the power does.

An update's whole state is in the store; the image is in a file of the system's folder for such files. L02 (without a
signature) is for 1.6 alone; L03 and L04 are a Local Controller's.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router, sleep
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.firmware_states import ENDS, LOST_IMAGE, NEXT_FIRMWARE_STATUS, NOT_CANCELLED
from ocppflow.station.blocks.message_limits import retry_interval
from ocppflow.station.blocks.notices import Notices
from ocppflow.station.blocks.reasons import because
from ocppflow.station.image_files import new_image_file, remove_image
from ocppflow.station.installer import InstallFailed
from ocppflow.station.station_store import StoreFailed
from ocppflow.station.transfers import Fetched, Progress, TransferFailed, checked_url
from ocppflow.station.x509_tools import CertificateRefused, check_chain, is_signed, read_one

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

log = budgeted("ocppflow.station")

firmware: Router[CompleteStation] = Router(Role.CS, "firmware")

_AREA: Final = "firmware"
_RUNNING: Final = "running_firmware"
_LAST_WORD: Final = 10.0
"""Seconds that the CSMS gets for the notification that the station reboots."""

Notice = v21.FirmwareStatusNotificationRequest


class FirmwareUpdate(msgspec.Struct, kw_only=True):
    """One update, as it is kept."""

    request_id: int
    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    signer: str = ""
    """The certificate (PEM); empty: nothing is verified (L02)."""
    signature: str = ""
    retries: int = 0
    interval: int = 60
    status: v21.FirmwareStatusEnumType = "Idle"
    failures: int = 0
    """Attempts to download that were in vain."""
    image: str = ""
    sha256: str = ""
    version: str = ""
    """What will run after the reboot."""
    untold: list[v21.FirmwareStatusEnumType] = []
    """What the CSMS has not heard yet, in order."""

    @property
    def name(self) -> str:
        """What the CSMS calls the file."""
        return posixpath.basename(unquote(urlsplit(self.location).path)) or "firmware"


class Firmware(Block):
    """The firmware of one station."""

    __slots__ = ("_running", "_task", "notices", "progress", "update", "waits")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.update: FirmwareUpdate | None = station.store.load(_AREA, FirmwareUpdate).get("update")
        self._running = station.store.load(_RUNNING, str).get("version", "")
        self.progress = Progress()
        self.waits = False
        """Whether the installation is only waiting for transactions to end."""
        self._task: asyncio.Future[Any] | None = None
        self.notices: Notices[Notice] = Notices(station, self._told)
        if self.update is not None:
            self.notices.waiting.extend(_notice(self.update, status) for status in self.update.untold)

    @property
    def version(self) -> str:
        """The version that runs."""
        return self._running or self.station.config.firmware_version

    @property
    def status(self) -> v21.FirmwareStatusEnumType:
        """Where the latest update stands; Idle if there was none."""
        return self.update.status if self.update is not None else "Idle"

    @property
    def in_progress(self) -> bool:
        """Whether an update is under way."""
        return self.status not in ENDS

    @property
    def closes_evses(self) -> bool:
        """Whether the EVSEs that are not in use are Unavailable for the sake of an update (L01.FR.07)."""
        if self.status in ("Installing", "InstallRebooting"):
            return True
        pending = "AllowNewSessionsPendingFirmwareUpdate"
        return self.waits and not self.station.device_model.flag("ChargingStation", pending)

    # --- the steps -----------------------------------------------------------------------------------------------

    def power_up(self) -> None:
        if self.update is not None and self.update.status == "InstallRebooting":
            self._activated(self.update)

    def ready(self) -> None:
        if self.in_progress:
            self._work(self._go_on())

    def time_set(self) -> None:
        """What is to happen at a time of day may be due now, or not yet."""
        update = self.update
        if update is not None and update.status == "DownloadScheduled":
            self._plan_download(update)
        elif update is not None and update.status == "InstallScheduled" and not self.waits:
            self._plan_install(update)

    def registered(self) -> None:
        self.notices.send()

    def power_down(self) -> None:
        super().power_down()
        self._stop()

    def transaction_ended(self, transaction: Transaction) -> None:
        if self.waits and not self.station.transactions.running:
            self.waits = False
            self._work(self._install())

    def _work(self, step: Coroutine[Any, Any, None]) -> None:
        self._task = self.station.work(step, "the update of the firmware")

    def _stop(self) -> None:
        self.waits = False
        self.cancel_timers()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _go_on(self) -> None:
        """From where the update stands."""
        update = self.update
        if update is None:
            return
        if update.status in LOST_IMAGE and await self._is_lost(update):
            log.warning("%s: the firmware image is gone, it is downloaded again", self.station.identity)
            self._put(update, "Downloading")
        match update.status:
            case "Idle" | "DownloadScheduled":
                self._plan_download(update)
            case "Downloading" | "DownloadPaused":
                await self._download(update)
            case "Downloaded":
                self._verify(update)
            case "SignatureVerified" | "InstallScheduled":
                self._plan_install(update)
            case "Installing":
                await self._install()

    async def _is_lost(self, update: FirmwareUpdate) -> bool:
        fetched = await self.station.transfer.digest(Path(update.image))
        return fetched is None or fetched.sha256.hex() != update.sha256

    def _plan_download(self, update: FirmwareUpdate) -> None:
        self.cancel_timer("download")
        wait = self._until(update.retrieve_at)
        if wait > 0:
            if update.status != "DownloadScheduled":
                self._become(update, "DownloadScheduled")  # L01.FR.13
            self.later("download", wait, lambda: self._work(self._download(update)))
        else:
            self._work(self._download(update))

    async def _download(self, update: FirmwareUpdate) -> None:
        while True:
            if update.status != "Downloading":
                self._become(update, "Downloading")
            try:
                fetched = await self._fetch(update)
                break
            except TransferFailed as exc:
                log.warning("%s: the firmware could not be downloaded: %s", self.station.identity, exc)
                self.station.diary.note(f"the firmware could not be downloaded: {exc}")
            update.failures += 1
            if update.failures > update.retries:
                self._become(update, "DownloadFailed")  # L01.FR.30
                return
            self._become(update, "DownloadPaused")  # L01.FR.14
            await sleep(self.station.clock, update.interval)
        update.sha256 = fetched.sha256.hex()
        self._become(update, "Downloaded")
        self._verify(update)

    async def _fetch(self, update: FirmwareUpdate) -> Fetched:
        remove_image(update.image)
        update.image = str(new_image_file())
        self._keep(update)
        self.progress = Progress()
        roots = self.station.certificates.trusted_pem("CSMSRootCertificate")
        return await self.station.transfer.download(update.location, Path(update.image), self.progress, roots=roots)

    def _verify(self, update: FirmwareUpdate) -> None:
        if update.signer:
            if not is_signed(read_one(update.signer), update.signature, bytes.fromhex(update.sha256)):
                self._become(update, "InvalidSignature")
                self.station.security.event("InvalidFirmwareSignature", update.name)  # L01.FR.03
                return
            self._become(update, "SignatureVerified")
        self._plan_install(update)

    def _plan_install(self, update: FirmwareUpdate) -> None:
        self.cancel_timer("install")
        wait = 0.0 if update.install_at is None else self._until(update.install_at)
        if wait <= 0 and not self.station.transactions.running:
            self._work(self._install())  # L01.FR.05
            return
        if update.status != "InstallScheduled":
            self._become(update, "InstallScheduled")  # L01.FR.16, L01.FR.34
        if wait > 0:
            self.later("install", wait, lambda: self._plan_install(update))
        else:
            self.waits = True  # L01.FR.06
            self.station.availability.refresh()

    async def _install(self) -> None:
        update = self.update
        if update is None:
            return
        if update.status != "Installing":
            self._become(update, "Installing")
        self.station.availability.refresh()
        try:
            update.version = await self.station.installer.install(Path(update.image), update.name, self.station)
        except InstallFailed as exc:
            log.warning("%s: the firmware could not be installed: %s", self.station.identity, exc)
            self._become(update, exc.status)
            self.station.availability.refresh()
            return
        self._become(update, "InstallRebooting")  # L01.FR.32, (a)
        self.station.work(self._reboot(), "the reboot into the new firmware")

    async def _reboot(self) -> None:
        told = asyncio.ensure_future(self.notices.drained())
        last = asyncio.ensure_future(sleep(self.station.clock, _LAST_WORD))
        try:
            await asyncio.wait([told, last], return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            last.cancel()
        if self.station.firmware is self:
            await self.station.reboot("FirmwareUpdate")

    def _activated(self, update: FirmwareUpdate) -> None:
        """This boot runs the new firmware."""
        self._running = update.version
        self.station.store.put(_RUNNING, "version", update.version)
        self._become(update, "Installed")  # L01.FR.28
        self.station.security.event("FirmwareUpdated", update.version)  # L01.FR.31

    def _until(self, moment: datetime) -> float:
        return (moment - self.station.time.now()).total_seconds()

    # --- what is kept and told -----------------------------------------------------------------------------------

    def _become(self, update: FirmwareUpdate, status: v21.FirmwareStatusEnumType) -> None:
        """The next state: it is kept, and the CSMS is told (L01.FR.01)."""
        if status not in NEXT_FIRMWARE_STATUS[update.status]:
            raise RuntimeError(f"an update that is {update.status} cannot become {status}")
        self._put(update, status)

    def _put(self, update: FirmwareUpdate, status: v21.FirmwareStatusEnumType) -> None:
        update.status = status
        update.untold = [*update.untold, status]
        if status in ENDS:
            remove_image(update.image)
            update.image = update.signer = update.signature = ""
        self._keep(update)
        self.notices.put(_notice(update, status))

    def _keep(self, update: FirmwareUpdate) -> None:
        self.station.store.put(_AREA, "update", update)
        self.station.store.commit()

    def _told(self, notice: Notice) -> None:
        update = self.update
        if update is not None and notice.request_id == update.request_id and update.untold[:1] == [notice.status]:
            update.untold = update.untold[1:]
            self._keep(update)

    def report(self) -> Notice:
        """For a TriggerMessage (L01.FR.25, L01.FR.26)."""
        last = self.notices.last
        if last is None and self.update is not None:
            last = _notice(self.update, self.update.status)
        return Notice(status="Idle") if last is None or last.status == "Installed" else last

    # --- what the CSMS wants -------------------------------------------------------------------------------------

    async def order(self, request: v21.UpdateFirmwareRequest) -> v21.UpdateFirmwareStatusEnumType:
        """Begin an update, in place of the one that is under way. Nothing of the request is checked any more. Raises
        StoreFailed."""
        if self.status == NOT_CANCELLED:
            return "Rejected"  # L01.FR.27
        canceled = self.in_progress
        before = self.update
        wanted = request.firmware
        self.update = update = FirmwareUpdate(
            request_id=request.request_id,
            location=wanted.location,
            retrieve_at=wanted.retrieve_date_time,
            install_at=None if wanted.install_date_time is UNSET else wanted.install_date_time,
            signer="" if wanted.signing_certificate is UNSET else wanted.signing_certificate,
            signature="" if wanted.signature is UNSET else wanted.signature,
            retries=0 if request.retries is UNSET else request.retries,
            interval=retry_interval(request.retry_interval),
        )
        self._stop()
        self.station.store.put(_AREA, "update", update)
        try:
            await self.station.store.commit()
        except StoreFailed:
            self._take_back(before)
            raise
        self.notices.waiting.clear()
        if before is not None:
            remove_image(before.image)
        self.station.availability.refresh()
        self.station.after_answer(lambda: self._work(self._go_on()))
        return "AcceptedCanceled" if canceled else "Accepted"

    def _take_back(self, before: FirmwareUpdate | None) -> None:
        """The new update could not be kept: go on with the one before."""
        self.update = before
        if before is None:
            self.station.store.remove(_AREA, "update")
            return
        self.station.store.put(_AREA, "update", before)
        if self.in_progress:
            self._work(self._go_on())


def _notice(update: FirmwareUpdate, status: v21.FirmwareStatusEnumType) -> Notice:
    return Notice(status=status, request_id=update.request_id)  # L01.FR.10


def refusal(station: CompleteStation, request: v21.UpdateFirmwareRequest) -> v21.UpdateFirmwareResponse | None:
    """Why an update cannot be accepted; None if it can (L01.FR.21)."""
    wanted = request.firmware
    if station.version is Version.V16 and wanted.signing_certificate is wanted.signature is UNSET:
        return _wrong_place(wanted.location)  # 1.6 without the security extension (L02)
    if wanted.signing_certificate is UNSET or wanted.signature is UNSET:
        info = because("MissingParam", "a signing certificate and a signature are needed")
        return v21.UpdateFirmwareResponse(status="Rejected", status_info=info)
    try:
        roots = station.certificates.trusted("ManufacturerRootCertificate")
        check_chain([read_one(wanted.signing_certificate)], roots, station.time.now())
    except CertificateRefused as exc:
        station.security.event("InvalidFirmwareSigningCertificate", str(exc))  # L01.FR.02
        info = because("InvalidCertificate", str(exc)[:1024])
        return v21.UpdateFirmwareResponse(status="InvalidCertificate", status_info=info)  # L01.FR.22
    return _wrong_place(wanted.location)


def _wrong_place(url: str) -> v21.UpdateFirmwareResponse | None:
    try:
        checked_url(url)
    except TransferFailed as exc:
        return v21.UpdateFirmwareResponse(status="Rejected", status_info=because("InvalidURL", str(exc)[:1024]))
    return None


@firmware.on(v21.UpdateFirmwareRequest)
async def _update(station: CompleteStation, request: v21.UpdateFirmwareRequest) -> v21.UpdateFirmwareResponse:
    refused = refusal(station, request)
    if refused is not None:
        return refused
    try:
        return v21.UpdateFirmwareResponse(status=await station.firmware.order(request))
    except StoreFailed as exc:
        return v21.UpdateFirmwareResponse(status="Rejected", status_info=because("OutOfStorage", str(exc)[:1024]))
