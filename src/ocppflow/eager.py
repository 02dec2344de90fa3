"""Eager start of coroutines: the first step is taken at once; only who has to wait takes turns of the loop."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 12):
    import asyncio
    from collections.abc import Coroutine
    from typing import Any

    def start(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Run ``coroutine`` up to where it first waits, or to its end."""
        return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), eager_start=True)
else:
    from ocppflow.eager_311 import start

__all__ = ["start"]
