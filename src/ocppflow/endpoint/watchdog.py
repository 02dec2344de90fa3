"""A watchdog for a program that is to end when it is told to, even if its event loop does not react.

An event loop hears of a signal between two callbacks. A handler that blocks (a query without a time-out, an endless
loop) keeps it from that, and so from ending. A thread hears of the signal in any case, because the interpreter writes
its number into a socket before anything else happens.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from ocppflow.endpoint.stop_signals import ECHO, SIGNALS
from ocppflow.transport.loop import WIND_UP

A_LITTLE: Final = 0.5
"""Seconds beyond the time that closing may take, after which the process is ended."""

AT_ONCE: Final = 0.1
"""Seconds that the event loop has after a second signal, in which it ends by itself if nothing blocks it."""

NOT_IN_ORDER: Final = 130
"""The exit code then: that of a program that was interrupted."""

_TOLD = b"\xff"  # in the socket, beside the numbers of signals, which are below 65
_STAND_DOWN = b"\xfe"
_FRAMES = 6  # of the stack that the last words show
_MOST = 4000  # bytes of them: what a pipe takes at once if it takes anything (PIPE_BUF)


class Watchdog:
    """Ends the process when that takes longer than ``seconds()`` after a signal, or when the signal comes twice.

    ``with`` starts and stops its thread; one that ``stays`` is not stopped once a signal has come, for a program that
    has nothing to do after the block but to exit. Within, :meth:`listen` has it hear of signals, from the main thread,
    once handlers are set. ``last_words`` makes a line of what it says on stderr before it ends the process with
    ``exit_code``.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        *,
        last_words: Callable[[str], str] = lambda text: f"ocppflow: {text}\n",
        stays: bool = False,
    ) -> None:
        self._seconds = seconds
        self._last_words = last_words
        self._stays = stays
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._before: int | None = None
        self._told_at: float | None = None
        self._due: float | None = None
        self.is_told_twice = False
        self.exit_code = NOT_IN_ORDER
        self._thread = threading.Thread(target=self._watch, name="ocppflow-watchdog", daemon=True)

    @property
    def is_told(self) -> bool:
        """Whether a signal has come."""
        return self._told_at is not None

    def left(self) -> float:
        """Seconds until everything has to be over; as long as nobody was told to stop, what a program usually has."""
        return WIND_UP if self._due is None else max(self._due - A_LITTLE - time.monotonic(), 0.0)

    def told(self) -> None:
        """A signal came: for those of which this did not hear by itself."""
        self._write(_TOLD)

    def hear(self, number: int, _: object = None) -> None:
        """A signal came: a handler for ``signal.signal``."""
        self._write(bytes([number]))

    def listen(self) -> None:
        """Hear of signals from now on. The main thread has to call this."""
        with contextlib.suppress(ValueError):  # it is another thread, or another interpreter
            self._before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)

    def stop_listening(self) -> None:
        """Leave signals to whom they went before :meth:`listen`."""
        if self._before is not None:
            with contextlib.suppress(ValueError, OSError):
                signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
            self._before = None

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        if self._stays and self.is_told:
            # The interpreter takes our handlers away before it is gone; a late signal must not change the exit code.
            with contextlib.suppress(ValueError):
                for number in SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
            return
        self._write(_STAND_DOWN)
        self._thread.join()
        self._reading.close()
        self._writing.close()

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._writing.send(data)

    # --- its thread ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            due = self._due
            self._reading.settimeout(None if due is None else max(due - time.monotonic(), 0.001))
            try:
                data = self._reading.recv(64)
            except TimeoutError:
                self._bite()
                return
            if _STAND_DOWN in data:
                return
            self._pass_on(data)
            for number in data:
                if number in SIGNALS or number == _TOLD[0]:
                    self._hear(again=number in SIGNALS)

    def _pass_on(self, data: bytes) -> None:
        """To the event loop, which listened before."""
        before = self._before
        if before is not None and before >= 0:
            with contextlib.suppress(OSError):
                os.write(before, bytes(number for number in data if number != _TOLD[0]))

    def _hear(self, *, again: bool) -> None:
        now = time.monotonic()
        if self._told_at is None:
            self._told_at, self._due = now, now + self._seconds() + A_LITTLE
        elif again and now - self._told_at > ECHO and not self.is_told_twice:
            self.is_told_twice = True
            self.exit_code = NOT_IN_ORDER
            self._due = min(self._due or now, now + AT_ONCE)

    def _bite(self) -> None:
        if self.is_told_twice:
            text = "told to stop once more: ended at once"
        else:
            since = time.monotonic() - (self._told_at or 0.0)
            text = f"told to stop {since:.1f} s ago, and still there: ended. The main thread is at {_where()}"
        _say(self._last_words(text))
        os._exit(self.exit_code)


def _where() -> str:
    """Where the main thread is: the innermost calls, outermost first."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    calls: list[Any] = traceback.extract_stack(frame)[-_FRAMES:] if frame is not None else []
    return " > ".join(f"{each.filename}:{each.lineno} {each.name}" for each in calls) or "its end"


def _say(text: str) -> None:
    """On stderr, unless that would block."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        poll = select.poll()
        poll.register(2, select.POLLOUT)
        if any(events & select.POLLOUT for _, events in poll.poll(0)):
            os.write(2, text.encode(errors="backslashreplace")[:_MOST])
