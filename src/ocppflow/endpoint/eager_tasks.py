"""How a handler becomes a task: eagerly where Python can, from 3.12 on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

if sys.version_info >= (3, 12):
    EAGER = True

    def start(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Run it up to where it first waits, or to its end: most handlers need no turn of the event loop."""
        return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), eager_start=True)
else:
    EAGER = False
    start = asyncio.Task
