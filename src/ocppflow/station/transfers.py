"""Files that a station fetches and brings at the CSMS's word: firmware comes in, logs go out.

:class:`Transfer` is the interface, :class:`NetworkTransfer` the one over the network: HTTP and HTTPS, FTP and FTPS
(explicit TLS, passive mode), in threads, since what Python has for them blocks. A URL comes from the CSMS and is
checked before anything is opened: there is no ``file:``, and a redirection leads to HTTP(S) only.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from ocppflow.endpoint import DaemonThreads, shown_url
from ocppflow.errors import OCPPError

_T = TypeVar("_T")

PROTOCOLS: Final = ("HTTP", "HTTPS", "FTP", "FTPS")
"""For OCPPCommCtrlr.FileTransferProtocols. SFTP is not among them."""

CHUNK: Final = 64 * 1024
"""Bytes that are read or sent at once; between two of them a transfer can be called off."""

_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_THREADS: Final = 8
"""Of all stations of the process together; more transfers wait their turn."""


class TransferFault(Enum):
    """What kind of failure it was, in the words that LogStatusNotification has for it (UploadLogStatusEnumType)."""

    FAILED = "UploadFailure"
    DENIED = "PermissionDenied"
    BAD_MESSAGE = "BadMessage"
    NOT_SUPPORTED = "NotSupportedOperation"


class TransferFailed(OCPPError):
    """A file could not be fetched or brought. ``fault`` says what kind of failure it was."""

    def __init__(self, text: str, fault: TransferFault = TransferFault.FAILED) -> None:
        super().__init__(text)
        self.fault = fault


class Fetched(NamedTuple):
    """What a file holds: its size in bytes and the SHA-256 over all of it."""

    size: int
    sha256: bytes


class Progress:
    """How far a download is: ``done`` bytes of ``total``, None as long as that is not known."""

    __slots__ = ("done", "total")

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None


class Transfer(Protocol):
    """Fetches and brings files. Cancelling a call ends what it does. ``roots`` are certificates (PEM) that are trusted
    beside those of the system (N01.FR.15, N01.FR.16)."""

    async def download(self, url: str, file: Path, progress: Progress, *, roots: str = "") -> Fetched:
        """Write what is at ``url`` to ``file``. Raises TransferFailed, and leaves no file then."""

    async def upload(self, url: str, name: str, content: bytes, *, roots: str = "") -> None:
        """Bring ``content`` to ``url`` as a file of that name. Raises TransferFailed."""

    async def digest(self, file: Path) -> Fetched | None:
        """What is in a file that was fetched earlier; None if it is gone."""


def checked_url(url: str) -> SplitResult:
    """The parts of a URL that may be used for a transfer. Raises TransferFailed for any other."""
    shown = shown_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise TransferFailed(f"the URL {shown} makes no sense: {exc}", TransferFault.BAD_MESSAGE) from None
    if parts.scheme.lower() not in _PORTS:
        known = ", ".join(PROTOCOLS)
        raise TransferFailed(f"the URL {shown} is not one of {known}", TransferFault.NOT_SUPPORTED)
    if not parts.hostname:
        raise TransferFailed(f"the URL {shown} names no host", TransferFault.BAD_MESSAGE)
    if port == 0 or _CONTROL.search(url) or _CONTROL.search(unquote(parts.path).replace(" ", "")):
        raise TransferFailed(f"the URL {shown} holds what no URL may hold", TransferFault.BAD_MESSAGE)
    return parts


class TransferJob:
    """One transfer that is at work in a thread. :meth:`cancel` may be called from any other."""

    __slots__ = ("_cancelled", "_socket", "_until")

    def __init__(self, seconds: float) -> None:
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self._until = time.monotonic() + seconds

    def watch(self, opened: socket.socket | None) -> None:
        """This is the socket that it waits on from now on."""
        self._socket = opened
        self.go_on()

    def go_on(self) -> None:
        """Raises TransferFailed if it was called off, or takes too long."""
        if self._cancelled.is_set():
            raise TransferFailed("the transfer was called off")
        if time.monotonic() > self._until:
            raise TransferFailed("the transfer took too long")

    def cancel(self) -> None:
        """Call it off; what it waits for ends at once."""
        self._cancelled.set()
        opened = self._socket
        if opened is not None:
            with suppress(OSError):  # it may be closed already, which was wanted
                opened.shutdown(socket.SHUT_RDWR)


class FileTarget(NamedTuple):
    """Where to: the parts of a URL, the credentials in it, and how to know that the host is the right one."""

    parts: SplitResult
    user: str | None
    password: str
    tls: Callable[[], ssl.SSLContext]
    timeout: float

    @property
    def host(self) -> str:
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        return self.parts.port or _PORTS[self.parts.scheme.lower()]

    @property
    def shown(self) -> str:
        """For texts, without the password."""
        return shown_url(self.parts.geturl())


_pool: DaemonThreads | None = None


def _threads() -> DaemonThreads:
    global _pool
    if _pool is None:
        _pool = DaemonThreads(_THREADS, "ocppflow-transfer")
    return _pool


class NetworkTransfer:
    """The Transfer over the network. ``max_size`` bounds a download (bytes; real firmware is rarely above 100 MB),
    ``timeout`` is for each step in which nothing comes (s), ``deadline`` for a whole transfer (s)."""

    __slots__ = ("deadline", "max_size", "timeout")

    def __init__(self, *, max_size: int = 512 * 2**20, timeout: float = 30.0, deadline: float = 3600.0) -> None:
        self.max_size = max_size
        self.timeout = timeout
        self.deadline = deadline

    async def download(self, url: str, file: Path, progress: Progress, *, roots: str = "") -> Fetched:
        target = self._target(url, roots)
        return await self._run(lambda job: self._download(job, target, file, progress))

    async def upload(self, url: str, name: str, content: bytes, *, roots: str = "") -> None:
        target = self._target(url, roots)
        await self._run(lambda job: _way(target).upload(job, target, name, content))

    async def digest(self, file: Path) -> Fetched | None:
        return await self._run(lambda job: _digest(job, file))

    def _target(self, url: str, roots: str) -> FileTarget:
        parts = checked_url(url)
        user = unquote(parts.username) if parts.username is not None else None
        return FileTarget(parts, user, unquote(parts.password or ""), lambda: _context(roots), self.timeout)

    def _download(self, job: TransferJob, target: FileTarget, file: Path, progress: Progress) -> Fetched:
        digest = hashlib.sha256()
        done = False
        try:
            with file.open("wb") as out:

                def take(data: bytes) -> None:
                    job.go_on()
                    progress.done += len(data)
                    if progress.done > self.max_size:
                        raise TransferFailed(f"{target.shown} holds more than {self.max_size:,} bytes")
                    digest.update(data)
                    out.write(data)

                progress.done, progress.total = 0, None
                _way(target).download(job, target, take, progress)
            done = True
        except OSError as exc:
            raise TransferFailed(f"{file} cannot be written: {exc.strerror or exc}") from exc
        finally:
            if not done:
                file.unlink(missing_ok=True)
        return Fetched(progress.done, digest.digest())

    async def _run(self, work: Callable[[TransferJob], _T]) -> _T:
        job = TransferJob(self.deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads(), work, job)
        except asyncio.CancelledError:
            job.cancel()
            raise


NETWORK: Final = NetworkTransfer()
"""What stations use that are not given another."""


class TransferWay(Protocol):
    """One protocol; its functions block."""

    def download(
        self, job: TransferJob, target: FileTarget, take: Callable[[bytes], None], progress: Progress
    ) -> None: ...

    def upload(self, job: TransferJob, target: FileTarget, name: str, content: bytes) -> None: ...


def _way(target: FileTarget) -> TransferWay:
    from ocppflow.station import ftp_transfer, http_transfer  # which most stations never need

    return http_transfer if target.parts.scheme.lower().startswith("http") else ftp_transfer


def _context(roots: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if roots:
        context.load_verify_locations(cadata=roots)
    return context


def _digest(job: TransferJob, file: Path) -> Fetched | None:
    digest = hashlib.sha256()
    size = 0
    try:
        with file.open("rb") as data:
            while chunk := data.read(CHUNK):
                job.go_on()
                size += len(chunk)
                digest.update(chunk)
    except OSError:
        return None
    return Fetched(size, digest.digest())
