"""Repairs bytes that are JSON apart from characters inside their strings, or NULs after their end.

Some stations copy text from C buffers or meters into their messages as it is. The structure is certain as long as every
string is closed, so such messages can be read without guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ocppflow.messages.violation import Violation

MOST: Final = 1000
"""How many strings of a message are repaired, at about 2 us each; a message with more faulty strings is noise."""

# Possessive or atomic, and they match at any position: sound text is skipped in C, and the time stays linear however a
# peer arranges quotes and backslashes. The last alternative of what is repeated is empty, for up to Python 3.11.4 a
# possessive repetition keeps the beginning of an iteration that fails. Each match is sound text, followed by one faulty
# string or half a surrogate pair.
_FAULTY_STRING: Final = re.compile(
    rb'((?:[^"]++|"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f]|)*+"|)*+)(?>("(?:[^"\\]++|\\.|)*+\\?+"?+)?)', re.DOTALL
)
_PAIR: Final = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF_PAIR: Final = re.compile(
    rb"((?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|" + _PAIR + rb"|)*+)"
    rb"(?>(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\)?)",
    re.DOTALL,
)
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()
_PADDING: Final = b"\x00\t\n\r "


class _TooMany(Exception):
    """More than :data:`MOST` strings need a repair."""


def repaired(raw: bytes) -> tuple[bytes, tuple[Violation, ...]]:
    """``raw`` in a form that a JSON parser can read, and what was repaired; ``raw`` itself if nothing was.

    Takes whole messages as well as payloads. In strings, bare control characters are escaped (NULs at the end of a
    string are dropped), and bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD; NULs after the end
    are dropped. There is at most one violation of each kind; its text gives the position of the first fault, and
    nothing of the input. Other faults remain, so the result is not always valid JSON.
    """
    fixed, found = raw, []
    for expected, got, repair in _REPAIRS:
        try:
            after, at = repair(fixed)
            if at is not None and fixed is not raw:
                at = repair(raw)[1]  # earlier repairs have moved it
        except _TooMany:
            return raw, ()
        if at is not None:
            found.append(Violation("$", expected, f"{got} at byte {at}", "FormatViolation"))
            fixed = after
    return fixed, tuple(found)


Repair = Callable[[bytes], tuple[bytes, int | None]]
"""Takes bytes; returns the repaired bytes and the position of the first fault, None if there was none."""


def _without_nuls_at_the_end(raw: bytes) -> tuple[bytes, int | None]:
    body = raw.rstrip(_PADDING)
    at = raw.find(b"\0", len(body))
    return (body, at) if at >= 0 else (raw, None)


def _in_utf8(raw: bytes) -> tuple[bytes, int | None]:
    try:
        raw.decode()
    except UnicodeDecodeError as exc:
        return raw.decode("utf-8", "replace").encode(), exc.start
    return raw, None


def _with_escaped_controls(raw: bytes) -> tuple[bytes, int | None]:
    if _CONTROL.search(raw) is None:
        return raw, None
    return _replace_second(_FAULTY_STRING, _escaped, raw)


def _with_whole_pairs(raw: bytes) -> tuple[bytes, int | None]:
    return _replace_second(_HALF_PAIR, lambda half: _REPLACEMENT if len(half) == 6 else half, raw)


def _replace_second(pattern: re.Pattern[bytes], new: Callable[[bytes], bytes], raw: bytes) -> tuple[bytes, int | None]:
    """Replaces the second group of each match by what ``new`` makes of it; also tells where it first made a change."""
    parts: list[bytes] = []
    first = None
    for count, match in enumerate(pattern.finditer(raw)):
        if count > MOST:
            raise _TooMany
        parts.append(match[1])
        if match[2] is not None:
            parts.append(new(match[2]))
            if first is None and parts[-1] != match[2]:
                first = match.start(2)
    return b"".join(parts), first


def _escaped(text: bytes) -> bytes:
    """A string of JSON, quotes included, without bare control characters; one that is not closed stays as it is."""
    if len(text) < 2 or not text.endswith(b'"'):
        return text
    inner = text[1:-1]
    body = inner.rstrip(b"\0")
    if (len(body) - len(body.rstrip(b"\\"))) % 2 == 0:  # else the first NUL is part of an escape
        inner = body
    for control in range(0x20):
        inner = inner.replace(bytes((control,)), b"\\u%04x" % control)
    return text[:1] + inner + text[-1:]


_REPAIRS: Final[tuple[tuple[str, str, Repair], ...]] = (
    ("nothing after the end", "a NUL", _without_nuls_at_the_end),
    ("UTF-8 text", "an invalid byte", _in_utf8),
    ("Unicode text", "half of a surrogate pair", _with_whole_pairs),
    ("control characters in strings to be escaped", "a string with a bare one", _with_escaped_controls),
)
