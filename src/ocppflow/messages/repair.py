"""Bytes that are JSON but for what stands inside their strings, or after their end: made readable without guessing.

Stations copy text from C buffers and from meters into their messages. As long as every string ends where it should, the
structure is certain, and only the characters are in question.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ocppflow.messages.violation import Violation

MOST: Final = 1000
"""Strings that are repaired in one message. A station that garbles more sends noise; each costs about 2 us."""

# Possessive, and with an end that always matches: sound text is skipped in C, and no byte is looked at twice, however a
# peer arranges its quotes and backslashes. Each match is sound text, then one faulty string or half pair.
_FAULTY_STRING: Final = re.compile(
    rb'((?:[^"]++|"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+")*+)("(?:[^"\\]++|\\.)*+\\?+"?+)?+', re.DOTALL
)
_PAIR: Final = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF_PAIR: Final = re.compile(
    rb"((?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|" + _PAIR + rb")*+)(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\)?+", re.DOTALL
)
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()
_PADDING: Final = b"\x00\t\n\r "


class _TooMany(Exception):
    """More than :data:`MOST` strings need a repair."""


def repaired(raw: bytes) -> tuple[bytes, tuple[Violation, ...]]:
    """``raw`` as a JSON parser can read it, and what was repaired; ``raw`` itself and nothing if that is nothing.

    Works on whole messages and on payloads. Repaired are, in strings: bare control characters (escaped; NULs at the end
    dropped), bytes that are not UTF-8 and halves of surrogate pairs (each becomes U+FFFD); after the end: NULs. There
    is at most one violation of each kind; its text gives the position of the first and nothing of the input. What else
    is wrong stays, so the result need not be valid JSON.
    """
    fixed, found = raw, []
    for expected, got, repair in _REPAIRS:
        try:
            after, at = repair(fixed)
        except _TooMany:
            return raw, ()
        if at is not None:
            found.append(Violation("$", expected, f"{got} at byte {at}", "FormatViolation"))
            fixed = after
    return fixed, tuple(found)


Repair = Callable[[bytes], tuple[bytes, int | None]]
"""Bytes -> the repaired bytes, and the position of the first fault; None if there was none."""


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
    """``raw`` with every second group of ``pattern`` that ``new`` changes replaced, and where the first of them is."""
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
    """A string of JSON, quotes included, without bare control characters."""
    inner = text[1:-1]
    body = inner.rstrip(b"\0")
    if (len(body) - len(body.rstrip(b"\\"))) % 2 == 0:  # else the first NUL belongs to an escape
        inner = body
    for control in range(0x20):
        inner = inner.replace(bytes((control,)), b"\\u%04x" % control)
    return text[:1] + inner + text[-1:]


_REPAIRS: Final[tuple[tuple[str, str, Repair], ...]] = (
    ("nothing after the end", "a NUL", _without_nuls_at_the_end),
    ("UTF-8 text", "an invalid byte", _in_utf8),
    ("control characters in strings to be escaped", "a string with a bare one", _with_escaped_controls),
    ("Unicode text", "half of a surrogate pair", _with_whole_pairs),
)
