"""The width of text in a picture, estimated because no font is at hand, and making text fit."""

from __future__ import annotations

import re
import unicodedata
from xml.sax.saxutils import escape

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Widths in em of DejaVu Sans, the widest of the fonts that a picture names: what fits in it fits in all of them.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.29),
    **dict.fromkeys(" ,.:;ft/\\!I()[]-", 0.37),
    **dict.fromkeys('rJscz"*?_{}', 0.53),
    **dict.fromkeys("mwMW%@…—", 0.98),
    **dict.fromkeys("CDGHNOQU&<>=+~", 0.80),
}
_LOWER, _OTHER, _WIDE = 0.62, 0.68, 1.05
_BOLD = 1.13


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width in pixels, estimated on the high side."""
    return sum(map(_of, text)) * size * (_BOLD if bold else 1.0)


def _of(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if character.isascii():
        return _LOWER if character.islower() or character.isdigit() else _OTHER
    return _WIDE if unicodedata.east_asian_width(character) in "FW" else _OTHER


def cut(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """``text``, cut with an ellipsis if it takes more than ``room`` pixels; "" if not even that fits."""
    if width(text, size, bold=bold) <= room:
        return text
    left = room - width("…", size, bold=bold)
    for end, character in enumerate(text):
        left -= width(character, size, bold=bold)
        if left < 0:
            return text[:end].rstrip() + "…" if end else ""
    return text


def wrap(text: str, room: float, size: float, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines, broken at spaces if possible; the last line is cut."""
    wrapped: list[str] = []
    while len(wrapped) < lines - 1 and width(text, size) > room:
        most = len(cut(text, room, size)) - 1  # without the ellipsis
        if most < 1:
            break
        at = text.rfind(" ", most // 2, most + 1)
        at = at if at > 0 else most
        wrapped.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*wrapped, cut(text, room, size)]


def quoted(text: str) -> str:
    """``text`` as XML has it."""
    return escape(_NO_XML.sub("\ufffd", text), {'"': "&quot;"})
