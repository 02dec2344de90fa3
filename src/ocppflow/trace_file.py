"""TraceFile: a trace that is written to a file, whatever happens to the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ocppflow.log_budget import budgeted
from ocppflow.trace import TraceRecord, to_line

log = budgeted("ocppflow")

PRIVATE: Final = 0o600
"""Mode of a new file with frames: they say who charges where, and may hold what only a vendor knows to be secret."""

_NEWLINE: Final = 1
"""All that may be missing of a line that is whole: the next one brings it along."""

RETRY: Final = 1.0
"""Seconds from a failed write to the next attempt; until then records are only counted, which costs no station
anything."""


class TraceFile:
    """A TraceHook that writes to a file, a whole line at a time, so that it can be followed while it grows.

    A new file is private to its owner (0600). The mode of one that exists is left as it is, because somebody has chosen
    it, for a program that reads along perhaps.

    If the disk is full, the log says so once, and what is missing is counted. As soon as there is room again a record
    with the event "missing" says how many records are. It begins a line: one that could not be written to its end stays
    before it as it is.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._mid_line = _ends_in_mid_line(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        self._file = os.fdopen(descriptor, "ab", buffering=0)
        self._path = path
        self._clock = clock
        self._missing = 0
        self._why = "the line before was cut off" if self._mid_line else ""
        self._retry_at = 0.0

    def __call__(self, record: TraceRecord) -> None:
        if self._missing and self._clock() < self._retry_at:
            self._missing += 1
            return
        head = self._head(record.time) if self._why else b""
        line = to_line(record)
        written = self._write(head + line)
        if written >= len(head) + len(line) - _NEWLINE:
            if self._why:
                self._whole_again()
        elif self._missing:
            # If there was room for the head, the file says already what was missing so far.
            self._missing = 1 if written >= len(head) - _NEWLINE else self._missing + 1
        else:
            self._missing = 1
            log.error(
                "the trace file %s cannot be written (%s): it is tried again each second; what is missing is counted",
                self._path,
                self._why,
            )

    def _head(self, now: float) -> bytes:
        """What comes before the first record that there is room for again."""
        count = f"{self._missing:,} record{'' if self._missing == 1 else 's'} missing: " if self._missing else ""
        note = f"{count}{self._why}"
        return to_line(TraceRecord(now, "", "missing", note=note))

    def _whole_again(self) -> None:
        if self._missing:
            log.warning("the trace file %s is written again; %d records are missing in it", self._path, self._missing)
        self._missing, self._why = 0, ""

    def _write(self, data: bytes) -> int:
        """Write ``data`` at the beginning of a line; how much of it the file has taken."""
        before = int(self._mid_line)
        data, done = b"\n" * before + data, 0
        try:
            while done < len(data):
                done += self._file.write(data[done:]) or _would_block()
        except OSError as error:
            self._why = error.strerror or str(error)
            self._retry_at = self._clock() + RETRY
        if done:
            self._mid_line = data[done - 1] != ord("\n")
        return done - before

    def __repr__(self) -> str:
        return f"<TraceFile {self._path}{' closed' if self._file.closed else ''}>"

    def close(self) -> None:
        """Close the file, after a last attempt to say in it what is missing."""
        if self._missing and not self._file.closed:
            head = self._head(time.time())
            if self._write(head) >= len(head) - _NEWLINE:
                self._whole_again()
            else:
                log.error("%d records are missing at the end of the trace file %s", self._missing, self._path)
        self._file.close()

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _would_block() -> int:
    raise BlockingIOError("its reader is too slow")


def _ends_in_mid_line(path: Path) -> bool:
    """Whether whoever wrote the file before did not get to the end of a line."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False
