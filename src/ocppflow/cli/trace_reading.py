"""Read a trace file once or as it grows. A line that is not a record is remarked on and skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ocppflow.cli.failure import Failure
from ocppflow.secrecy.blotting import faulty_without_secrets, text_without_secrets
from ocppflow.trace import MAX_LINE, TraceRecord, from_line

Remark = Callable[[str], None]

_CHUNK = 256 * 1024  # bytes read at a time


class TraceReader:
    """The records of ``file``. ``remark`` is told of bad lines, and of a file that is truncated or replaced."""

    def __init__(self, file: Path, remark: Remark) -> None:
        self._path = file
        self._remark = remark
        self._number = 0
        self._rest = b""
        self._foreign = 0
        self.records = 0

    def read(self) -> Iterator[TraceRecord]:
        """The records in the file now. Raises OSError, and Failure if no line is a record."""
        with self._path.open("rb") as source:
            yield from self._chunks(source)
        if self._rest:
            yield from self._last_line()
        if self._foreign and not self.records:
            raise Failure(f"{self._path} is not a trace file: none of its {self._number} lines is a trace record")

    def follow(self, wait: Callable[[], None]) -> Iterator[TraceRecord]:
        """The records in the file and those added later; ``wait`` is called whenever there is nothing new. A file that
        is truncated or replaced meanwhile is read from its start. Ends with whatever ``wait`` raises."""
        source: BinaryIO = self._path.open("rb")
        try:
            while True:
                yield from self._chunks(source)
                wait()
                source = self._still(source)
        finally:
            source.close()

    def _still(self, source: BinaryIO) -> BinaryIO:
        """The file to continue with: ``source``, or the one that replaced it."""
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            return source  # being replaced; what was open may still grow
        opened = os.fstat(source.fileno())
        if (now.st_ino, now.st_dev) != (opened.st_ino, opened.st_dev):
            self._start_over("was replaced")
            source.close()
            return self._path.open("rb")
        if now.st_size < source.tell():
            self._start_over("was truncated")
            source.seek(0)
        return source

    def _start_over(self, what: str) -> None:
        self._remark(f"{self._path} {what}; reading it from its start")
        self._number, self._rest = 0, b""

    def _chunks(self, source: BinaryIO) -> Iterator[TraceRecord]:
        while chunk := source.read(_CHUNK):
            lines = (self._rest + chunk).split(b"\n")
            self._rest = lines.pop()
            if len(self._rest) > MAX_LINE:
                raise Failure(
                    f"{self._path}, line {self._number + 1}: longer than {MAX_LINE:,} bytes: not a trace file"
                )
            for line in lines:
                self._number += 1
                yield from self._record(line)

    def _record(self, line: bytes) -> Iterator[TraceRecord]:
        if not line.strip():
            return
        try:
            record = _discreet(from_line(line))
        except ValueError as error:
            self._foreign += 1
            self._remark(f"{self._path}, line {self._number}: skipped, not a trace record: {error}")
            return
        self.records += 1
        yield record

    def _last_line(self) -> Iterator[TraceRecord]:
        """A last line without a newline: complete, or cut off while it was being written."""
        self._number += 1
        line, self._rest = self._rest, b""
        try:
            record = _discreet(from_line(line))
        except ValueError:
            self._foreign += not line.lstrip().startswith(b"{")
            self._remark(f"{self._path}, line {self._number}: skipped, cut off")
            return
        self.records += 1
        yield record


def _discreet(record: TraceRecord) -> TraceRecord:
    """The file may have been written by another program, or an older version of this one."""
    record.data = faulty_without_secrets(record.data)
    record.note = text_without_secrets(record.note)
    return record


class Remarks:
    """Passes the first few remarks on; ``close`` says how many more there were."""

    def __init__(self, say: Remark, most: int = 5) -> None:
        self._say = say
        self._most = most
        self._count = 0

    def __call__(self, text: str) -> None:
        self._count += 1
        if self._count <= self._most:
            self._say(text)

    def close(self) -> None:
        """Say how many remarks were not passed on."""
        if self._count > self._most:
            self._say(f"{self._count - self._most} more lines were skipped")
