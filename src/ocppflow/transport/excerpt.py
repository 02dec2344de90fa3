"""A peer's or a user's text in our own log lines and errors."""

from __future__ import annotations


def excerpt(text: str, limit: int = 60, *, quoted: bool = True) -> str:
    """``text`` on one line, without control characters, cut to ``limit`` characters before it is quoted."""
    shown = repr(text if len(text) <= limit else text[: limit - 3] + "...")
    return shown if quoted else shown[1:-1]
