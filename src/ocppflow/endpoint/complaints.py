"""What a connection's events say in the log, without letting one peer fill the disk."""

from __future__ import annotations

import logging

log = logging.getLogger("ocppflow")

SHOWN_IN_FULL = 20
"""Warnings that a connection gets in full; of the later ones only the 100th, the 1,000th ... is told of."""


class Complaints:
    """The reports of one connection. Everything stays in the trace, however often it happens."""

    __slots__ = ("_count", "_identity")

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._count = 0

    def tell(self, what: object, *, warn: bool) -> None:
        """Log ``what``, a sentence or something whose ``str`` is one."""
        level = logging.WARNING if warn else logging.INFO
        if not log.isEnabledFor(level):
            return
        self._count += 1
        if self._count <= SHOWN_IN_FULL:
            log.log(level, "%s: %s", self._identity, what)
        if self._count == SHOWN_IN_FULL:
            log.warning("%s: more of this kind is only counted from here on; the trace has all of it", self._identity)
        elif self._count >= 100 and str(self._count).strip("0") == "1":
            log.warning(
                "%s: %s faults so far on this connection, the last: %s", self._identity, f"{self._count:,}", what
            )
