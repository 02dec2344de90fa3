"""How the measures talk to a Python server under test: it prints its port, and lives until its standard input ends."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable, Coroutine, Mapping
from typing import Any


def run(main: Coroutine[Any, Any, None], *, uvloop: bool) -> None:
    """Run on uvloop (where it is installed) or on asyncio's own loop."""
    factory = None
    if uvloop:
        from ocppflow.transport.loop import loop_factory

        factory = loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


async def serve(port: int, answers: Mapping[bytes, Callable[[], object]] | None = None) -> None:
    """Say that the server listens, and answer ``traced`` (bytes that Python has allocated), and what else ``answers``
    has, until the end of input."""
    print(f"ready {port}", flush=True)
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def on_input() -> None:
        line = sys.stdin.buffer.readline()
        if line.strip() == b"traced":
            gc.collect()
            print(tracemalloc.get_traced_memory()[0], flush=True)
        elif answers and line.strip() in answers:
            print(answers[line.strip()](), flush=True)
        elif not line and not ended.done():
            ended.set_result(None)

    loop.add_reader(sys.stdin.fileno(), on_input)
    await ended
