"""What ``ocppflow station`` shows, and where its commands come from: lines for pipes, a live view for a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING

from ocppflow.cli.csms_log import CSMSLog, set_up
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.plain_text import one_line
from ocppflow.station.station_commands import VERBS, parse_command

if TYPE_CHECKING:
    from ocppflow.station import CompleteStation

log = budgeted("ocppflow.cli")

_LONGEST = 64 * 1024  # characters of a line from stdin that are read


def face_for(at_terminal: bool, log_level: str, *, as_json: bool) -> StationFace:
    """A live view, or lines."""
    if at_terminal:
        from ocppflow.cli.live_face import LiveFace

        return LiveFace(log_level)
    return StationFace(set_up(log_level, as_json=as_json))


class StationFace:
    """Lines on stderr; commands from stdin, if anybody types there. ``quit`` is set when one says so."""

    def __init__(self, log: CSMSLog) -> None:
        self.log = log
        self.quit = asyncio.Event()
        self._station: CompleteStation | None = None
        self._work: set[asyncio.Task[None]] = set()

    def begin(self, station: CompleteStation) -> None:
        """Show ``station`` and obey."""
        self._station = station
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="ocppflow-commands", daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # stdin or the loop is closed
            while line := sys.stdin.readline(_LONGEST):
                loop.call_soon_threadsafe(self.obey, line)

    def obey(self, line: str) -> None:
        """Do what a line says; what has come of it is told."""
        if line.strip() and not line.lstrip().startswith("#"):
            task = asyncio.get_running_loop().create_task(self._obey(line.strip()))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _obey(self, line: str) -> None:
        if line.lower() in ("quit", "exit"):
            self.quit.set()
        elif line.lower() in ("help", "?"):
            self.help()
        elif self._station is not None:
            try:
                self.tell(await parse_command(line).run(self._station))
            except OCPPError as error:
                self.complain(f"{one_line(line, 40)}: {error}")

    def help(self) -> None:
        """Show the commands."""
        for line in help_lines():
            self.tell(line)

    def tell(self, text: str) -> None:
        """Say something at any --log-level."""
        self._say(logging.INFO, text)

    def complain(self, text: str) -> None:
        """Say that a command could not be obeyed."""
        self._say(logging.WARNING, text)

    def _say(self, level: int, text: str) -> None:
        record = log.makeRecord(log.name, level, "", 0, "%s", (text,), None)
        logging.getLogger().handle(record)

    def end(self) -> None:
        """Obey no more."""
        for task in self._work:
            task.cancel()

    def close(self) -> None:
        """Write what waits."""
        self.log.close()


def help_lines() -> list[str]:
    """The commands, a line each."""
    width = max(len(verb.usage) for verb in VERBS.values())
    lines = [f"{verb.usage:<{width}}  {verb.help}" for verb in VERBS.values()]
    return [*lines, f"{'help':<{width}}  these lines", f"{'quit':<{width}}  the station stops"]
