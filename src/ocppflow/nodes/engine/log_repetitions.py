"""Log lines that say the same again and again, such as each attempt to reach a CSMS that is not there."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Final

PAUSE: Final = 60.0
"""Seconds between two lines that say the same: often enough to see that it goes on, too seldom to bury the rest."""

_KEPT: Final = 1000
"""Different lines that are remembered, a few hundred bytes each."""
_TOLD_APART: Final = 200
"""Characters of an argument by which lines are told apart."""


class Repetitions:
    """Lets the first of equal lines through at once, and then one in each ``PAUSE``, with the number left out."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Any, tuple[float, int]] = OrderedDict()

    def text(self, record: logging.LogRecord, now: float, node: str | None = None) -> str | None:
        """What is to be logged of ``record``, which is about ``node``, at ``now`` (s); None if it is left out."""
        key = node, _key(record)
        since, left_out = self._lines.get(key, (now - PAUSE, 0))
        if now < since + PAUSE:
            self._lines[key] = (since, left_out + 1)
            return None
        self._lines[key] = (now, 0)
        self._lines.move_to_end(key)
        if len(self._lines) > _KEPT:
            self._lines.popitem(last=False)
        text = record.getMessage()
        return f"{text} (and {left_out} more in the last {now - since:.0f} s)" if left_out else text


def _key(record: logging.LogRecord) -> Any:
    """Waits and other measured numbers make no difference."""
    arguments = record.args if isinstance(record.args, tuple) else (record.args,)
    told_apart = tuple(str(each)[:_TOLD_APART] for each in arguments if type(each) is not float)
    return record.name, record.levelno, record.msg, told_apart
