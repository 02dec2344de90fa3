"""Files that stations fetch from the CSMS and bring to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock


class StoredFile(Struct):
    """A file of the store."""


class FileService(CSMSBlock):
    """Files that stations fetch from the CSMS and bring to it."""

    title = "files"

    async def offer(self, name: str, kind: str, content: bytes | Path, **about: Any) -> StoredFile:
        """Keep a file that stations may fetch; its ``url`` is what they are told."""
        raise NotImplementedError

    async def expect(self, name: str, kind: str, station: str, **about: Any) -> StoredFile:
        """A place to which a station may bring a file."""
        raise NotImplementedError
