"""How a command ends when it does not succeed."""

from __future__ import annotations

CALL_ERROR = 1
REFUSED = 2
INTERRUPTED = 130


class Failure(Exception):
    """Ends a command with one line on stderr and an exit code."""

    def __init__(self, text: str, code: int = REFUSED) -> None:
        super().__init__(text)
        self.code = code
