"""N, Diagnostics: the station's logs, brought to where the CSMS wants them (N01)."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router, sleep
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.message_limits import retry_interval
from ocppflow.station.blocks.notices import Notices
from ocppflow.station.blocks.reasons import because
from ocppflow.station.transfers import TransferFailed, TransferFault, checked_url

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

diagnostics: Router[CompleteStation] = Router(Role.CS, "diagnostics")

_LONGEST_NAME: Final = 255
"""Characters of filename."""

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")

Notice = v21.LogStatusNotificationRequest


class LogUpload(msgspec.Struct, frozen=True):
    """An upload that is under way."""

    __repr__ = discreet_repr

    request_id: int
    url: str
    name: str
    content: bytes
    retries: int
    interval: int


class Diagnostics(Block):
    """The upload of one station's logs."""

    __slots__ = ("_task", "_upload", "notices")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._upload: LogUpload | None = None
        self._task: asyncio.Future[Any] | None = None
        self.notices: Notices[Notice] = Notices(station, lambda _: None)

    def registered(self) -> None:
        self.notices.send()

    def power_down(self) -> None:
        super().power_down()
        self._end()

    # --- N01 -----------------------------------------------------------------------------------------------------

    def upload(self, upload: LogUpload) -> bool:
        """Begin it; whether another one was called off for it (N01.FR.12, N01.FR.20)."""
        before = self._upload
        if before is not None:
            self._end()
            self._say("AcceptedCanceled", before)
        self._upload = upload
        self.station.after_answer(lambda: self._begin(upload))
        return before is not None

    def _begin(self, upload: LogUpload) -> None:
        if self._upload is upload:
            self._task = self.station.work(self._run(upload), "the upload of a log")

    def _end(self) -> None:
        self._upload = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _run(self, upload: LogUpload) -> None:
        self._say("Uploading", upload)  # N01.FR.08
        fault = await self._attempts(upload)
        if self._upload is upload:
            self._upload = self._task = None
            self._say("Uploaded" if fault is None else fault.value, upload)  # N01.FR.09, N01.FR.10

    async def _attempts(self, upload: LogUpload) -> TransferFault | None:
        """What was wrong with the last one; None: nothing."""
        roots = self.station.certificates.trusted_pem("CSMSRootCertificate")
        left = upload.retries
        while True:
            try:
                await self.station.transfer.upload(upload.url, upload.name, upload.content, roots=roots)
            except TransferFailed as exc:
                log.warning("%s: %s could not be uploaded: %s", self.station.identity, upload.name, exc)
                self.station.diary.note(f"{upload.name} could not be uploaded: {exc}")
                if left <= 0:
                    return exc.fault
            else:
                return None
            left -= 1
            await sleep(self.station.clock, upload.interval)

    def _say(self, status: str, upload: LogUpload) -> None:
        self.notices.put(msgspec.convert({"status": status, "requestId": upload.request_id}, Notice))

    def status(self) -> Notice:
        """For a TriggerMessage: what is uploaded now, or nothing (N01.FR.13)."""
        if self._upload is None:
            return Notice(status="Idle")
        return Notice(status="Uploading", request_id=self._upload.request_id)

    # --- what the logs say ---------------------------------------------------------------------------------------

    def lines(self, kind: v21.LogEnumType) -> Iterator[tuple[datetime, str]]:
        """The entries of a log, the oldest first."""
        if kind == "SecurityLog":
            for entry in self.station.security.log.entries():
                yield entry.time, f"{entry.kind} {entry.info}".rstrip()
        elif kind == "DiagnosticsLog":
            yield from self.station.diary.entries()

    def content(self, kind: v21.LogEnumType, oldest: datetime | None, latest: datetime | None) -> bytes:
        """The entries within a time, as a file; empty if there are none (N01.FR.05)."""
        within = (
            f"{moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {text}\n"
            for moment, text in self.lines(kind)
            if (oldest is None or moment >= oldest) and (latest is None or moment <= latest)
        )
        return "".join(within).encode()

    def name(self, kind: v21.LogEnumType, where: SplitResult) -> str:
        """What the file is called: as the URL says, where that is one over HTTP that names it (N01.FR.29)."""
        named = posixpath.basename(unquote(where.path))
        if named and where.scheme.lower().startswith("http"):
            return named[:_LONGEST_NAME]
        station = _NOT_IN_A_NAME.sub("_", self.station.identity)[:60]
        return f"{station}_{kind}_{self.station.time.now():%Y%m%dT%H%M%SZ}.log"


@diagnostics.on(v21.GetLogRequest)
def _get_log(station: CompleteStation, request: v21.GetLogRequest) -> v21.GetLogResponse:
    if request.log_type == "DataCollectorLog":
        return v21.GetLogResponse(status="Rejected", status_info=because("UnsupportedRequest"))
    block, where = station.diagnostics, request.log
    try:
        url = checked_url(where.remote_location)
    except TransferFailed as exc:
        return v21.GetLogResponse(status="Rejected", status_info=because("InvalidURL", str(exc)[:1024]))
    oldest = None if where.oldest_timestamp is UNSET else where.oldest_timestamp
    latest = None if where.latest_timestamp is UNSET else where.latest_timestamp
    content = block.content(request.log_type, oldest, latest)
    if not content:
        info = because("NotFound", "there is nothing in the log of that time")
        return v21.GetLogResponse(status="Rejected", status_info=info)  # N01.FR.05
    upload = LogUpload(
        request_id=request.request_id,
        url=where.remote_location,
        name=block.name(request.log_type, url),
        content=content,
        retries=0 if request.retries is UNSET else request.retries,
        interval=retry_interval(request.retry_interval),
    )
    canceled = block.upload(upload)
    return v21.GetLogResponse(status="AcceptedCanceled" if canceled else "Accepted", filename=upload.name)
