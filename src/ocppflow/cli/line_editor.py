"""LineEditor: one line that is being typed, from the keys of a terminal in cbreak mode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_MOST_HISTORY: Final = 200
_LONGEST: Final = 1000
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;]{0,8}[A-Za-z~]|O[A-Z])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;]{0,8}|O)?\Z")


class LineEditor:
    """``text`` is what is typed so far, ``cursor`` where the next character goes. ``words`` complete the first word
    with Tab."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.text = ""
        self.cursor = 0
        self.is_over = False
        """Ctrl-D was typed on an empty line."""
        self._words = sorted(words)
        self._history: list[str] = []
        self._place = 0
        self._rest = ""  # the beginning of a key's sequence

    def feed(self, keys: str) -> list[str]:
        """Take what was typed; returns the lines that are complete."""
        lines: list[str] = []
        keys, self._rest = self._rest + keys, ""
        position = 0
        while position < len(keys):
            if match := _SEQUENCE.match(keys, position):
                self._move(match[0])
                position = match.end()
            elif _UNFINISHED.match(keys, position):
                self._rest = keys[position:]
                break
            else:
                self._key(keys[position], lines)
                position += 1
        return lines

    def _key(self, key: str, lines: list[str]) -> None:
        match key:
            case "\r" | "\n":
                lines.append(self._finished())
            case "\x7f" | "\b":
                if self.cursor:
                    self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
                    self.cursor -= 1
            case "\x15":  # Ctrl-U
                self._show("")
            case "\x01":  # Ctrl-A
                self.cursor = 0
            case "\x05":  # Ctrl-E
                self.cursor = len(self.text)
            case "\x04":  # Ctrl-D
                self.is_over = self.is_over or not self.text
            case "\t":
                self._complete()
            case _ if key.isprintable() and len(self.text) < _LONGEST:
                self.text = self.text[: self.cursor] + key + self.text[self.cursor :]
                self.cursor += 1

    def _move(self, sequence: str) -> None:
        match sequence[2:]:
            case "A":
                self._recall(-1)
            case "B":
                self._recall(1)
            case "C":
                self.cursor = min(self.cursor + 1, len(self.text))
            case "D":
                self.cursor = max(self.cursor - 1, 0)
            case "H" | "1~":
                self.cursor = 0
            case "F" | "4~":
                self.cursor = len(self.text)
            case "3~":
                self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def _finished(self) -> str:
        line = self.text
        if line.strip() and line not in self._history[-1:]:
            self._history = [*self._history, line][-_MOST_HISTORY:]
        self._place = len(self._history)
        self._show("")
        return line

    def _recall(self, step: int) -> None:
        self._place = min(max(self._place + step, 0), len(self._history))
        self._show(self._history[self._place] if self._place < len(self._history) else "")

    def _complete(self) -> None:
        found = [word for word in self._words if word.startswith(self.text.lower())]
        if " " in self.text or not found:
            return
        common = found[0]
        while not all(word.startswith(common) for word in found):
            common = common[:-1]
        self._show(common + " " if len(found) == 1 else common)

    def _show(self, text: str) -> None:
        self.text, self.cursor = text, len(text)
