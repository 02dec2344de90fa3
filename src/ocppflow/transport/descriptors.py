"""How many files and connections this process may have open, and how near it is to that."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

if sys.platform != "win32":
    import resource

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What accept() says when the process, or the machine, has none left."""


def soft_limit() -> int | None:
    """The number of descriptors that this process may have (RLIMIT_NOFILE); None if there is no such limit."""
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Take as many descriptors as the process is allowed to take: many systems begin with 1,024, which is less than
    the stations of a CSMS, and leave it to the program to ask for more.

    Only for a program that is ours. What uses ``select()`` breaks with numbers above 1,024, so a library must not.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard or soft == resource.RLIM_INFINITY:
        return
    # macOS names no limit and allows 10,240 (OPEN_MAX).
    for wanted in (hard, 65_536, 10_240):
        if wanted == resource.RLIM_INFINITY or wanted <= soft:
            continue
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        return


class Descriptors:
    """What a connection's descriptor tells: the kernel gives the lowest free number, so one near the limit means that
    nearly all are in use, whatever they are used for."""

    __slots__ = ("_limit",)

    def __init__(self, limit: Callable[[], int | None] = soft_limit) -> None:
        self._limit = limit

    @property
    def limit(self) -> int | None:
        """How many there may be now; None if there is no limit."""
        return self._limit()

    @property
    def most(self) -> int | None:
        """How many are given to connections before the reserve is touched; None if there is no limit. The reserve is
        for files, the database, the log, and for telling who comes that there is no room."""
        limit = self._limit()
        return None if limit is None else limit - max(16, min(limit // 16, 256))

    def excess(self, number: int) -> int:
        """How many connections there are too many, now that one got the descriptor ``number``; 0 while there is room.

        It is more than one if some of lower numbers were given to newcomers after others had been closed.
        """
        most = self.most
        return 0 if most is None else max(0, number - most + 1)
