"""ShelfTransfer: a station in the same process has its files straight from the shelf, in virtual time as well."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from ocppflow.check.file_shelf import FileShelf
from ocppflow.check.workshop import IN_MEMORY
from ocppflow.station.transfers import Fetched, Progress, TransferFailed, TransferFault, checked_url

_DENIED = (401, 403)


class ShelfTransfer:
    """A station's Transfer for a bench in memory."""

    def __init__(self, shelf: FileShelf) -> None:
        self._shelf = shelf

    async def download(self, url: str, file: Path, progress: Progress, *, roots: str = "") -> Fetched:
        """Write what is there to ``file``. Raises TransferFailed."""
        content = await self._shelf.fetch(_path(url))
        if isinstance(content, int):
            raise TransferFailed(f"GET {url} was refused: HTTP {content}", _fault(content))
        _write(file, content)
        progress.done = progress.total = len(content)
        return Fetched(len(content), sha256(content).digest())

    async def upload(self, url: str, name: str, content: bytes, *, roots: str = "") -> None:
        """Bring it. Raises TransferFailed."""
        path, headers = _path(url), _headers(url)
        status = await self._shelf.bring("PUT", path + name if path.endswith("/") else path, content, headers)
        if status >= 300:
            raise TransferFailed(f"PUT {url} was refused: HTTP {status}", _fault(status))

    async def digest(self, file: Path) -> Fetched | None:
        """What was fetched earlier."""
        content = _read(file)
        return None if content is None else Fetched(len(content), sha256(content).digest())


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)  # at once: in virtual time no thread is waited for


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _path(url: str) -> str:
    parts = checked_url(url)
    if f"{parts.scheme}://{parts.hostname}" != IN_MEMORY:
        raise TransferFailed(f"{url} is not in memory")
    return parts.path


def _headers(url: str) -> dict[str, str]:
    user, at, _ = checked_url(url).netloc.rpartition("@")
    return {"authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}


def _fault(status: int) -> TransferFault:
    return TransferFault.DENIED if status in _DENIED else TransferFault.FAILED
