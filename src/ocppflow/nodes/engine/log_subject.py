"""Which node a log line is about, so that the runtime can show it at that node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_NODE: Final[ContextVar[str | None]] = ContextVar("the node at work", default=None)


@contextmanager
def at_work(node: str) -> Iterator[None]:
    """What is logged inside is about ``node``, and so is what its tasks, timers and sockets that are made inside log
    later."""
    token = _NODE.set(node)
    try:
        yield
    finally:
        _NODE.reset(token)


def node_at_work() -> str | None:
    """The node that what is logged now is about; None for the engine itself."""
    return _NODE.get()
