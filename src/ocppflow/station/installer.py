"""What a station does with a firmware image once it is there and signed.

Whoever has real hardware implements :class:`Installer`; the simulated one looks into the image, takes its time, and
changes nothing but the version that the station reports.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

from ocppflow.endpoint import sleep
from ocppflow.errors import OCPPError

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_NOT_OF_A_VERSION: Final = re.compile(r"[^0-9.]")
_HEAD: Final = re.compile(rb"ocppflow-firmware (?P<version>[!-~]{1,50})(?: sha256=(?P<sha256>[0-9a-f]{64}))?\r?\n")
_LONGEST_HEAD: Final = 160
_LONGEST_VERSION: Final = 50
"""Characters of firmwareVersion."""
_CHUNK: Final = 2**18


class InstallFailed(OCPPError):
    """An image could not be installed; the station goes on with the firmware that it has (L01.FR.29)."""

    def __init__(
        self, text: str, status: Literal["InstallationFailed", "InstallVerificationFailed"] = "InstallationFailed"
    ) -> None:
        super().__init__(text)
        self.status = status


class Installer(Protocol):
    """Installs firmware, so that the next boot runs it."""

    async def install(self, image: Path, name: str, station: CompleteStation) -> str:
        """Install ``image``, the file that the CSMS calls ``name``; the version that it is. It may be cancelled, and
        must leave the old firmware in force then. Raises InstallFailed."""


class SimulatedInstaller:
    """Takes ``seconds`` of the station's clock.

    An image may begin with a line ``ocppflow-firmware VERSION sha256=HEX``, where HEX is over all that follows: then it
    is verified, and has that version. Any other file that is not empty is taken as it is; its version is the one in
    its name.
    """

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds = seconds

    async def install(self, image: Path, name: str, station: CompleteStation) -> str:
        try:
            version = await _verified(image, name)
        except OSError as exc:
            raise InstallFailed(f"the image cannot be read: {exc.strerror or exc}") from exc
        await sleep(station.clock, self.seconds)
        return version


def _version_in(name: str) -> str:
    """The last thing in a file's name that looks like a version: digits with points between them."""
    parts = (part.strip(".") for part in _NOT_OF_A_VERSION.split(name))
    versions = [part for part in parts if "." in part]
    return (versions[-1] if versions else name)[:_LONGEST_VERSION]


async def _verified(image: Path, name: str) -> str:
    with image.open("rb") as file:
        start = file.read(_LONGEST_HEAD)
        if not start:
            raise InstallFailed("the image is empty", "InstallVerificationFailed")
        head = _HEAD.match(start)
        if head is None:
            return _version_in(name)
        if (wanted := head["sha256"]) is not None:
            file.seek(head.end())
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                await asyncio.sleep(0)  # others have their turn
            if digest.hexdigest() != wanted.decode():
                raise InstallFailed("the image is damaged", "InstallVerificationFailed")
        return head["version"].decode()


SIMULATED: Final = SimulatedInstaller()
"""What stations use that are not given another."""
