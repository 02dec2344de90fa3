"""A Transfer without sockets, on the clock of the test."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ocppflow.endpoint import Clock, sleep
from ocppflow.station.transfers import Fetched, Progress, TransferFailed, TransferFault


class FakeTransfer:
    """``files`` by URL are what is there; ``seconds`` is how long a transfer takes. ``faults`` end the next attempts.
    ``downloads`` and ``uploads`` have the URLs that were asked for; ``brought`` what was uploaded, by URL and name."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.files: dict[str, bytes] = {}
        self.faults: list[TransferFault] = []
        self.downloads: list[str] = []
        self.uploads: list[str] = []
        self.brought: dict[tuple[str, str], bytes] = {}
        self.cancelled = 0

    async def _take_time(self) -> None:
        try:
            if self.seconds:
                await sleep(self.clock, self.seconds)
        except BaseException:
            self.cancelled += 1
            raise
        if self.faults:
            raise TransferFailed("it was to fail", self.faults.pop(0))

    async def download(self, url: str, file: Path, progress: Progress, *, roots: str = "") -> Fetched:
        self.downloads.append(url)
        await self._take_time()
        if url not in self.files:
            raise TransferFailed(f"there is nothing at {url}")
        _write(file, self.files[url])
        return Fetched(len(self.files[url]), hashlib.sha256(self.files[url]).digest())

    async def upload(self, url: str, name: str, content: bytes, *, roots: str = "") -> None:
        self.uploads.append(url)
        await self._take_time()
        self.brought[url, name] = content

    async def digest(self, file: Path) -> Fetched | None:
        return _digest(file)


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def _digest(file: Path) -> Fetched | None:
    if not file.exists():
        return None
    content = file.read_bytes()
    return Fetched(len(content), hashlib.sha256(content).digest())
