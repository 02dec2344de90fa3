"""LiveFace: the live view of a station at a terminal, with commands typed below it."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
import os
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ocppflow.cli.csms_log import CSMSLog, Lines
from ocppflow.cli.entry_lines import clock
from ocppflow.cli.line_editor import LineEditor
from ocppflow.cli.log_sink import LogSink
from ocppflow.cli.paint import Paint
from ocppflow.cli.station_face import StationFace, help_lines
from ocppflow.cli.station_view import draw
from ocppflow.log_budget import budgeted
from ocppflow.station.station_commands import VERBS

if TYPE_CHECKING:
    from ocppflow.station import CompleteStation

_KEPT: Final = 500
"""Lines of messages that are kept for a tall terminal."""

_SOON: Final = 0.1
"""Seconds between two pictures at least: more often nobody sees."""

_AT_LEAST: Final = 1.0
"""Seconds between two pictures at most: the clock and the meters go on."""


class _Lines(LogSink):
    """Lines for the view."""

    def __init__(self, changed: Any) -> None:
        super().__init__(sys.stderr, lambda count: "")
        self.kept: deque[Text] = deque(maxlen=_KEPT)
        self._is_news = changed

    def has_room(self) -> bool:
        return True

    def put(self, line: str) -> None:
        for each in line.splitlines():
            self.kept.append(Text.from_ansi(each, no_wrap=True, overflow="ellipsis"))
        self._is_news()


class _OneStation(Lines):
    """Lines that need not say which station they are about."""

    def _line(self, when: float, station: str, text: str) -> str:
        return f"{self._paint(clock(when), 'dim')}  {text}"


class LiveFace(StationFace):
    """Draws on stdout's terminal, on its other screen, and reads keys from stdin's."""

    def __init__(self, log_level: str) -> None:
        self._lines = _Lines(self._changed)
        super().__init__(_to(self._lines, log_level))
        self._console = Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._editor = LineEditor([*VERBS, "help", "quit"])
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._notice: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_soon = False
        self._before: list[Any] | None = None

    def begin(self, station: CompleteStation) -> None:
        self._station = station
        self._take_keys()
        self._live.start()
        self._show()

    def tell(self, text: str) -> None:
        self._notice = [text]
        self._changed()

    def complain(self, text: str) -> None:
        self.tell(text)

    def help(self) -> None:
        self._notice = help_lines()
        self._changed()

    def end(self) -> None:
        super().end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._live.stop()
        self._give_keys_back()
        self._station = None

    # --- keys ----------------------------------------------------------------------------------------------------

    def _take_keys(self) -> None:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        asyncio.get_running_loop().add_reader(descriptor, self._typed)

    def _give_keys_back(self) -> None:
        import termios

        before, self._before = self._before, None
        if before is not None:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)

    def _typed(self) -> None:
        try:
            data = os.read(sys.stdin.fileno(), 4096)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.quit.set()
            return
        for line in self._editor.feed(self._decoder.decode(data)):
            self._notice = []
            self.obey(line)
        if self._editor.is_over:
            self.quit.set()
        self._changed()

    # --- pictures ------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Draw soon."""
        if self._timer is not None and not self._is_soon:
            self._timer.cancel()
            self._is_soon = True
            self._timer = asyncio.get_running_loop().call_later(_SOON, self._show)

    def _show(self) -> None:
        station = self._station
        if station is None:
            return
        self._is_soon = False
        self._timer = asyncio.get_running_loop().call_later(_AT_LEAST, self._show)
        waits = None
        if station.next_attempt_at is not None:
            waits = max(0.0, station.next_attempt_at - station.clock.now())
        picture = draw(
            station.snapshot(),
            self._lines.kept,
            notice=self._notice,
            typed=self._editor.text,
            cursor=self._editor.cursor,
            waits=waits,
            height=self._console.height,
        )
        self._live.update(picture, refresh=True)


def _to(lines: LogSink, level: str) -> CSMSLog:
    """Send the log to the view."""
    handler = CSMSLog(lines, _OneStation(Paint(sys.stdout)))
    budgeted("asyncio", "concurrent.futures", "py.warnings", "websockets")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler
