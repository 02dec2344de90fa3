"""Text that somebody else may have written, made fit for people to read: on a terminal, in a journal, in an error.

The border is this: **data** keeps every character as it came (``CallError.description``, the reason that a connection
was closed with, ``TraceRecord.data``, identities); a **text for people** never has a character that does more than be
seen. Texts for people are ``str()`` of any error and of any notice, ``Refuse.reason`` once it is told,
``TraceRecord.note``, log lines, and what a ``repr()`` shows. Whoever puts a peer's text into one of them sends it
through here. Doing so twice changes nothing.
"""

from __future__ import annotations

SHOWN_IDENTITY = 48
"""Characters of an identity in a log line: all that OCPP 2.x allows; 1.6 sets no limit."""

SHOWN_TEXT = 500
"""Characters of a peer's text in an error or a log line; a CALLERROR's description has 255 at most."""

SHOWN_REPORT = 2000
"""Characters of a text of ours that says all that is wrong with a message: ten violations, each with path and value."""


def one_line(text: str, limit: int = 0) -> str:
    """``text`` on one line, with what cannot be printed escaped: control characters, those that reverse the direction
    of writing, lone surrogates. Cut to ``limit`` characters if that is not 0."""
    whole = len(text)
    if limit and whole > 4 * limit:  # a megabyte is not looked at for the sake of a line
        text = text[: 4 * limit]
    if not text.isprintable() or "  " in text:  # rare, and the test costs a tenth of the work
        text = _escaped(" ".join(text.split()))
    text = text.strip()
    if not limit or (len(text) <= limit and whole <= 4 * limit):
        return text
    return text[: limit - 1] + "…"


def printable(text: str) -> str:
    """``text`` with its line breaks, and otherwise as :func:`one_line` makes it."""
    return text if text.isprintable() else "\n".join([_escaped(line) for line in text.split("\n")])


def excerpt(text: str, limit: int = 60, *, quoted: bool = True) -> str:
    """``text`` as Python writes it, cut to ``limit`` characters before it is quoted: where blanks and quotes matter."""
    shown = repr(text if len(text) <= limit else text[: limit - 3] + "...")
    return shown if quoted else shown[1:-1]


def json_text(text: str) -> str:
    """JSON whose remaining unprintable characters are escaped as JSON does it: the values stay the same."""
    return text if text.isprintable() else "".join([c if c.isprintable() or c < "\x7f" else _in_json(c) for c in text])


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join([c if c.isprintable() else repr(c)[1:-1] for c in text])


def _in_json(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
