"""Colours and widths of a terminal, for output of many lines: a table of Rich's costs 0.3 ms per row, this a tenth."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "yellow": "33", "cyan": "36", "magenta": "35", "station": "1;34"}


class Paint:
    """Styles text for ``stream``: only on a terminal, and not where NO_COLOR is set (no-color.org). ``width`` is the
    terminal's; 0 for a pipe, where lines may have any length."""

    def __init__(self, stream: TextIO) -> None:
        terminal = stream.isatty()
        self._colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size().columns if terminal else 0

    def __call__(self, text: str, style: str) -> str:
        """``text`` in a style; "" is none."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._colours and style and text else text


def _is_plain(text: str) -> bool:
    """Whether each character certainly takes one cell."""
    return text.isascii() and text.isprintable()


def fit(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells: padded with blanks, or cut with an ellipsis."""
    if _is_plain(text):
        return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def cells(text: str) -> int:
    """How many cells ``text`` takes."""
    if _is_plain(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
