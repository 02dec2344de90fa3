"""What the runtime sends, cut into lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ocppflow.nodes.engine.runtime_lines import MAX_LINE


class LineSplitter:
    """Turns chunks of bytes into whole lines. A line that is too long is dropped up to its end, and reported once.

    While it is on hold, whole lines wait in it, of one chunk as a rule: a chunk of short lines can ask for far more
    than its own size in answers.
    """

    def __init__(
        self, on_line: Callable[[bytes], None], on_too_long: Callable[[], None], limit: int = MAX_LINE
    ) -> None:
        self._on_line = on_line
        self._on_too_long = on_too_long
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False
        self._waiting: deque[bytes | None] = deque()
        """Lines that have come and have not been looked at; None for one that was too long."""
        self._on_hold = False
        self._at_work = False

    def feed(self, data: bytes) -> None:
        """Take in a chunk."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._rest or self._skipping:
                self._keep(line)
                skipping, self._skipping = self._skipping, False
                line = bytes(self._rest)
                self._rest.clear()
                if skipping:
                    continue
            if len(line) > self._limit:
                self._waiting.append(None)
            elif line.strip():
                self._waiting.append(line)
        if rest:
            self._keep(rest)
        self._work()

    def end(self) -> None:
        """The input has ended; what came after the last newline is a line too."""
        if self._rest and not self._skipping:
            self.feed(b"\n")

    def hold(self, yes: bool) -> None:
        """Let lines wait, or go on with those that have waited."""
        self._on_hold = yes
        self._work()

    @property
    def is_empty(self) -> bool:
        """Whether no line waits."""
        return not self._waiting

    def _work(self) -> None:
        if self._at_work:  # a line has changed the hold; the loop that passed it on sees to that
            return
        self._at_work = True
        try:
            while self._waiting and not self._on_hold:
                line = self._waiting.popleft()
                if line is None:
                    self._on_too_long()
                else:
                    self._on_line(line)
        finally:
            self._at_work = False

    def _keep(self, part: bytes) -> None:
        if self._skipping:
            return
        if len(self._rest) + len(part) > self._limit:
            self._skipping = True
            self._rest.clear()
            self._waiting.append(None)
        else:
            self._rest += part
