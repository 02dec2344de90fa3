"""The log as lines to the flow runtime."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from ocppflow.nodes.engine.log_repetitions import Repetitions
from ocppflow.nodes.engine.outbox import Outbox
from ocppflow.secrecy.blotting import text_without_secrets, traceback_without_secrets

_MOST_TEXT: Final = 4000
_MOST_TRACEBACK: Final = 16_000
"""Characters. Our own loggers cut what they say (``log_budget``), those of other libraries do not."""


class LogLines(logging.Handler):
    """The log as lines to the runtime. A line that repeats itself is sent once a minute. While the runtime does not
    keep up, log lines are dropped, and then counted. ``subject()`` gives the node that a line is about."""

    def __init__(
        self, outbox: Outbox, loop: asyncio.AbstractEventLoop, subject: Callable[[], str | None] = lambda: None
    ) -> None:
        super().__init__()
        self._subject = subject
        self._outbox = outbox
        self._loop = loop
        self._thread = threading.get_ident()
        self._dropped = 0
        outbox.on_drained = self._tell_dropped
        self._repetitions = Repetitions()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() != self._thread:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.emit, record)
            return
        if self._outbox.is_behind:
            self._dropped += 1
            return
        try:
            node = self._subject()
            text = self._repetitions.text(record, time.monotonic(), node)
            if text is None:
                return
            self._tell_dropped()
            line: dict[str, str] = {} if node is None else {"node": node}
            if record.exc_info:
                traceback = record.exc_text or logging.Formatter().formatException(record.exc_info)
                line["traceback"] = traceback_without_secrets(traceback[-_MOST_TRACEBACK:])
            self._put(record.levelname.lower(), text_without_secrets(text[:_MOST_TEXT]), record.name, **line)
        except Exception:
            self.handleError(record)

    def _tell_dropped(self) -> None:
        if self._dropped:
            count, self._dropped = self._dropped, 0
            text = f"{count} log lines were dropped while the runtime did not read"
            self._put("warning", text, "ocppflow.engine")

    def _put(self, level: str, text: str, logger: str, **more: str) -> None:
        if self._outbox.is_attached:
            text = text.encode("utf-8", "backslashreplace").decode()
            self._outbox.put({"op": "log", "level": level, "text": text, "logger": logger, **more})
        else:
            print(f"{level}: {text}", file=sys.stderr)


@contextlib.contextmanager
def log_to_the_runtime(outbox: Outbox, subject: Callable[[], str | None]) -> Iterator[None]:
    """Send the log to the runtime, including warnings from other libraries."""
    handler = LogLines(outbox, asyncio.get_running_loop(), subject)
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], [handler]
    logging.captureWarnings(True)
    root.setLevel(logging.WARNING)
    logging.getLogger("ocppflow").setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = before
