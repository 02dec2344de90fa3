"""Log lines, written many at a time by a thread of their own, so that a slow reader (a stopped terminal, a pager at the
end of a pipe) does not delay the CSMS."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

PAUSE = 0.05
"""Seconds between two writes, in which lines are collected: too short for people to notice, and a busy CSMS makes 20
system calls per second instead of one per line."""

FRAMES_PER_SECOND = 1000
"""Frames shown per second, at most: more than anybody can read, for about 2 % of a core."""

CHARACTERS_PER_SECOND = 2**20
"""Characters per second, at most, before further frames are left out: a station may send 1 MiB in each of them."""

MOST_WAITING = 4 * 2**20
"""Characters that may wait for a slow reader before lines are left out."""

_PIECE = 64 * 1024
"""Characters per write: the capacity of a pipe on Linux."""


class LogSink:
    """Lines for ``stream``. ``tell`` makes the line that says how many were left out.

    Important lines are simply :meth:`put`. Before any other line, :meth:`has_room` says whether it will be shown; if
    not, it is counted, and the count is written later.
    """

    def __init__(
        self,
        stream: TextIO,
        tell: Callable[[int], str],
        *,
        per_second: int = FRAMES_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._counted = tell
        self._per_second = per_second
        self._clock = clock
        self._lines: deque[str] = deque()
        self._waiting = 0
        self._refused = 0  # written by the thread that calls has_room, and no other
        self._dropped = 0  # written under the lock, as is _told
        self._told = 0
        self._is_stuck = False
        self._second = clock()
        self._shown = 0
        self._characters = 0  # put in this second
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def has_room(self) -> bool:
        """Whether one more unimportant line can be shown now; if not, it is counted."""
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._shown, self._characters = now, 0, 0
            if self._left_out():
                with self._changed:
                    self._tell_left_out()
        much = self._shown >= self._per_second or self._characters >= CHARACTERS_PER_SECOND
        if (self._per_second and much) or self._waiting > MOST_WAITING:
            self._refused += 1
            return False
        self._shown += 1
        return True

    def put(self, line: str) -> None:
        """Have ``line``, without a newline, written soon."""
        with self._changed:
            if self._closed:
                if not self._is_stuck:
                    self._write(f"{line}\n")
                return
            if self._waiting > 2 * MOST_WAITING:
                self._dropped += 1  # bounded memory matters more than lines that nobody reads
                return
            self._add(line)

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._waiting += len(line)
        self._characters += len(line)
        if len(self._lines) == 1:
            self._start()
            self._changed.notify()

    def _left_out(self) -> int:
        return self._refused + self._dropped - self._told

    def _tell_left_out(self) -> None:
        count = self._left_out()
        self._told += count
        self._add(self._counted(count))

    # --- the writer ----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._write_all, name="ocppflow-log", daemon=True)
            self._thread.start()

    def _write_all(self) -> None:
        while batch := self._next():
            self._write("".join([f"{line}\n" for line in batch]))
            with self._changed:
                self._waiting -= sum(map(len, batch))
                if not self._lines:
                    self._changed.wait_for(lambda: self._closed, PAUSE)

    def _next(self) -> list[str]:
        """The lines to write next; empty at the end."""
        batch: list[str] = []
        with self._changed:
            while not self._lines and not self._closed:
                # If no more lines come, the count is written after a second.
                if not self._changed.wait(1.0 if self._left_out() else None) and self._left_out():
                    self._tell_left_out()
            if self._closed and self._left_out():
                self._tell_left_out()
            size = 0
            while self._lines and size < _PIECE:
                batch.append(self._lines.popleft())
                size += len(batch[-1])
        return batch

    def _write(self, text: str) -> None:
        """Bypass the stream's buffer if there is a file below it: if this thread were blocked while it held the
        buffer's lock, the interpreter could not exit."""
        try:
            file = self._stream.fileno()
        except io.UnsupportedOperation:
            self._stream.write(text)
            self._stream.flush()
            return
        except ValueError:
            return  # it is closed
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        with contextlib.suppress(OSError):  # the reader is gone, or the disk is full
            while data:
                try:
                    data = data[os.write(file, data) :]
                except BlockingIOError:  # the parent process made it non-blocking
                    time.sleep(PAUSE)

    def close(self, seconds: float = 1.0) -> None:
        """Write what waits, for ``seconds`` at most: a slow reader must not keep the process from exiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)
            self._is_stuck = thread.is_alive()
