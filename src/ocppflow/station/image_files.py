"""The files in which firmware images lie between download and installation."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def new_image_file() -> Path:
    """An empty file that only this user may read, under a name that nobody else could have made."""
    number, name = tempfile.mkstemp(prefix="ocppflow-firmware-")
    os.close(number)
    return Path(name)


def remove_image(name: str) -> None:
    """Remove it, if there is one."""
    if name:
        Path(name).unlink(missing_ok=True)
