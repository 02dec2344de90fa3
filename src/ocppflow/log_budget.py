"""How much the library logs, whatever peers do: a logger of ours has one filter, :data:`BUDGET`, so that every handler
is protected, an application's own ``logging.basicConfig()`` as well as that of ``ocppflow csms``.

- Of each kind of line, :data:`IN_FULL` about one station or address are logged in :data:`PERIOD` seconds; the others
  are counted, and one line says at the end how many there were, and such as what.
- All together are at most :data:`PER_SECOND` lines a second in the long run, shared fairly (``quotas.py``).
- A traceback is logged the first :data:`TRACEBACKS` times; later lines of its kind have only the exception.
- What others have written is on one line, without control characters and secrets, and cut.

A line is about the station that it begins with (``"%s: ..."``), or about the address in its attribute ``address``.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from ocppflow.plain_text import SHOWN_IDENTITY, SHOWN_REPORT, SHOWN_TEXT, one_line, printable
from ocppflow.quotas import Quotas, Tally
from ocppflow.secrecy.blotting import text_without_secrets, traceback_without_secrets

IN_FULL: Final = 20
"""Lines of one kind about one station or address in a period: enough to see what is wrong."""

PERIOD: Final = 10.0
"""Seconds after which it is told what was left out, and everybody has a full share again."""

PER_SECOND: Final = 100.0
"""Lines a second, of all: more than anybody can read, and at 120 characters 12 kB. After a quiet time
:data:`~ocppflow.quotas.BURST` seconds' worth may come at once, so that a fleet of some hundred stations that comes back
is logged in full."""

TRACEBACKS: Final = 3
"""Tracebacks of one kind in a period: each has 2 kB, and they are the same."""

SUMMED_UP: Final = 3
"""Stations or addresses of which a line of their own says what was left out; the others share one."""

_EXAMPLE = 200  # characters
_TRACEBACK_LINES = 80
_TRACEBACK_LINE = 300  # characters

Kind = tuple[str, int, str, str]
"""Logger, level, text before its arguments are put in, type of the exception."""


class LogBudget(logging.Filter):
    """The filter. ``each``, ``per_second`` and ``period`` of ``quotas`` can be set; 0 switches the first two off."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        super().__init__()
        self.quotas = Quotas(IN_FULL, PER_SECOND, PERIOD)
        self._clock = clock
        self._call_later = call_later or _call_later
        self._lock = threading.Lock()
        self._tracebacks: dict[Kind, int] = defaultdict(int)
        self._is_awaited = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is logged; it is made fit for it then."""
        kind, about = _kind(record), _about(record)
        with self._lock:
            now = self._clock()
            ended = self._end() if self.quotas.is_over(now) else {}
            tally = self.quotas.tally((kind, about), now, urgent=record.levelno >= logging.WARNING)
            if tally is None:
                if record.exc_info:
                    self._tracebacks[kind] += 1
                    shows_traceback = self._tracebacks[kind] <= TRACEBACKS
            else:
                self._await_end(now)
        _tell(ended)
        if tally is not None:
            if tally.example is None:
                tally.example = one_line(_text(record), _EXAMPLE)
            return False
        if record.exc_info:
            (_show_traceback if shows_traceback else _name_exception)(record)
        _make_plain(record)
        return True

    def tell(self) -> None:
        """Log now what was left out so far."""
        with self._lock:
            ended = self._end()
        _tell(ended)

    def reset(self) -> None:
        """Begin anew, as a test does."""
        with self._lock:
            self._end()
            self.quotas.refill()

    def _end(self) -> dict[Any, Tally]:
        self._tracebacks.clear()
        return self.quotas.end()

    def _await_end(self, now: float) -> None:
        """Nothing more may come that could bring the sum with it, so a timer does."""
        ends_at = self.quotas.ends_at
        if not self._is_awaited and ends_at is not None:
            self._is_awaited = True
            self._call_later(max(0.0, ends_at - now), self._awaited)

    def _awaited(self) -> None:
        ended: dict[Any, Tally] = {}
        with self._lock:
            self._is_awaited = False
            now = self._clock()
            if self.quotas.is_over(now):
                ended = self._end()
            else:
                self._await_end(now)
        _tell(ended)


def _call_later(seconds: float, call: Callable[[], None]) -> None:
    """By a thread: there may be no event loop, or another one."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.name = "ocppflow-log-budget"
    timer.start()


# --- what a record is about ------------------------------------------------------------------------------------------


def _kind(record: logging.LogRecord) -> Kind:
    """Other libraries put what changes into the text itself, but not at its beginning."""
    error = record.exc_info[0] if record.exc_info else None
    text = str(record.msg)
    if not record.args:
        text = text.partition("\n")[0][:60]
    return record.name, record.levelno, text, error.__name__ if error is not None else ""


def _names_station(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, str) and record.msg.startswith("%s: ") and isinstance(record.args, tuple)


def _about(record: logging.LogRecord) -> str:
    about = getattr(record, "address", "")
    if not about and _names_station(record):
        about = record.args[0] if isinstance(record.args, tuple) else ""
    return one_line(str(about), SHOWN_IDENTITY)


def _text(record: logging.LogRecord) -> str:
    """Without the station that it begins with."""
    arguments = tuple(map(_plain, record.args)) if isinstance(record.args, tuple) else record.args
    text = str(record.msg) % arguments if arguments else str(record.msg)
    return text.removeprefix(f"{_about(record)}: ") if _names_station(record) else text


# --- making it fit ---------------------------------------------------------------------------------------------------


def _make_plain(record: logging.LogRecord) -> None:
    arguments = record.args
    if isinstance(arguments, tuple):
        if _names_station(record) and arguments:
            record.args = (one_line(str(arguments[0]), SHOWN_IDENTITY), *map(_plain, arguments[1:]))
        else:
            record.args = tuple(map(_plain, arguments))
    elif not arguments:
        record.msg = printable(text_without_secrets(str(record.msg)))


def _plain(argument: object) -> object:
    """Whatever its ``str`` says is a text for people here. What is not a string already is a report of ours."""
    if argument is None or isinstance(argument, (int, float)):
        return argument
    limit = SHOWN_TEXT if isinstance(argument, str) else SHOWN_REPORT
    return one_line(text_without_secrets(str(argument)[: 4 * limit]), limit)


def _show_traceback(record: logging.LogRecord) -> None:
    """Every line is indented, so that none that an exception's text has in it looks like a line of the log."""
    text = logging.Formatter().formatException(record.exc_info) if isinstance(record.exc_info, tuple) else ""
    lines = [f"  {line[:_TRACEBACK_LINE]}" for line in printable(traceback_without_secrets(text)).split("\n")]
    if len(lines) > _TRACEBACK_LINES:
        left_out = len(lines) - _TRACEBACK_LINES
        lines[20 : 20 + left_out] = [f"  ... {left_out} lines"]
    record.exc_text = "\n".join(lines)


def _name_exception(record: logging.LogRecord) -> None:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    record.exc_info = record.exc_text = None
    record.msg = f"{record.msg} (%s: %s)" if record.args else f"{str(record.msg).replace('%', '%%')} (%s: %s)"
    arguments = record.args if isinstance(record.args, tuple) else ()
    record.args = (*arguments, type(error).__name__, _plain(error))


# --- what was left out -----------------------------------------------------------------------------------------------


def _tell(ended: dict[Any, Tally]) -> None:
    """For each kind, the stations or addresses with most of it get a line each, and all others one."""
    kinds: dict[Kind, list[tuple[str, Tally]]] = defaultdict(list)
    for subject, tally in ended.items():
        kind, about = subject if subject is not None else (("ocppflow", logging.WARNING, "", ""), "")
        kinds[kind].append((about, tally))
    for kind, tallies in kinds.items():
        tallies.sort(key=lambda each: -each[1].left_out)
        for about, tally in tallies[:SUMMED_UP]:
            _log_more(kind, about, tally.left_out, tally.example)
        if others := tallies[SUMMED_UP:]:
            count = sum(tally.left_out for _, tally in others)
            _log_more(kind, "", count, f"{others[0][0]}: {others[0][1].example}", of=len(others))


def _log_more(kind: Kind, about: str, count: int, example: str, *, of: int = 0) -> None:
    """Past the filter. ``sums_up`` is for a handler that sees by itself what the lines left out were about."""
    name, level, template, _ = kind
    log = logging.getLogger(name)
    if log.disabled or not log.isEnabledFor(level):
        return
    text, arguments = ("%s: ", (about,)) if about else ("", ())
    text += f"{count:,} more like this {f'about {of:,} others ' if of else ''}were not logged, such as: %s"
    extra = {"sums_up": template}
    log.callHandlers(log.makeRecord(name, level, "", 0, text, (*arguments, example), None, extra=extra))


# --- the loggers -----------------------------------------------------------------------------------------------------

BUDGET: Final = LogBudget()
"""The budget of this process."""

atexit.register(BUDGET.tell)


def budgeted(*names: str) -> logging.Logger:
    """The loggers ``names``, within the budget from now on; the first of them is returned."""
    loggers: Iterable[logging.Logger] = [logging.getLogger(name) for name in names]
    for each in loggers:
        each.addFilter(BUDGET)
    return logging.getLogger(names[0])
