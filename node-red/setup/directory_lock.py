"""A directory for one process at a time. The operating system lets go of the lock when its holder ends, however it
ends, so a lock is never stale."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import IO

_MOST_WORDS = 200
"""Bytes of what a holder says of itself that are read."""
_WINDOWS_BYTE = 2**20
"""Windows locks bytes, and a locked one cannot be read: this one is far behind what the holder says of itself."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Some network file systems have no locks. There everybody gets the lock, because doing nothing would be worse."""


class DirectoryLock:
    """The lock of ``directory``, which must exist. Needs nothing but the standard library."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._file: IO[bytes] | None = None

    def acquire(self, holder: str) -> bool:
        """Take the lock, and leave word in it that ``holder`` has it; False if another process holds it.

        Raises OSError if there can be no lock in this directory.
        """
        file = self._path.open("a+b")
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            file.close()
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                file.close()
                raise
        self._file = file
        file.truncate(0)
        file.write(holder.encode())
        file.flush()
        return True

    def holder(self) -> str:
        """What the holder says of itself; "" if that is not known (yet)."""
        try:
            with self._path.open("rb") as file:
                return file.read(_MOST_WORDS).decode(errors="replace")
        except OSError:
            return ""

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(_WINDOWS_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
