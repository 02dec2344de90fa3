"""Untrusted text, made safe for a terminal."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# The control characters that a JSON string may hold unescaped.
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str, limit: int = 0) -> str:
    """``text`` on one line and without control characters, so that a peer cannot send the terminal commands; cut to
    ``limit`` characters if that is not 0."""
    if not text.isprintable() or "  " in text:  # rare, and the test costs a tenth of the work
        text = _CONTROL.sub(_escaped, " ".join(text.split()))
    text = text.strip()
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """``text`` with its line breaks, but without other control characters."""
    return "\n".join(_CONTROL.sub(_escaped, line) for line in text.split("\n"))


def json_text(text: str) -> str:
    """JSON whose remaining control characters are escaped as JSON does it: the values stay the same."""
    return text if text.isprintable() else _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
