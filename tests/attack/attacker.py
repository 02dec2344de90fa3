"""The attacker's process: ``python -m tests.attack.attacker`` takes a job as a line of JSON, says "ready", attacks
the way that its next line of input tells, and says now and then how much it has thrown. It ends with its input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys

from tests.attack.ground import Ground
from tests.attack.table import find
from tests.attack.way_in import WayIn

NICENESS = 10  # the target is to have a processor when it needs one: attackers have machines of their own
_TELL_EVERY = 0.2


async def main() -> None:
    job = json.loads(sys.stdin.readline())
    attack = find(job["attack"])
    attack.prepare()
    print(json.dumps({"ready": True}), flush=True)
    loop = asyncio.get_running_loop()
    way = await loop.run_in_executor(None, sys.stdin.readline)
    if not way:
        return
    ground = Ground(WayIn(**json.loads(way)))
    attacking = asyncio.ensure_future(attack.run(ground))
    telling = asyncio.ensure_future(_tell(ground))
    over = asyncio.ensure_future(loop.run_in_executor(None, sys.stdin.read))
    await asyncio.wait({attacking, over}, return_when=asyncio.FIRST_COMPLETED)
    if attacking.done() and not attacking.cancelled() and (error := attacking.exception()) is not None:
        print(json.dumps({"error": repr(error)}), flush=True)
    attacking.cancel()
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await attacking
    os._exit(0)  # thousands of connections need no closing one by one


async def _tell(ground: Ground) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY)
        print(json.dumps({"counts": ground.counts}), flush=True)


if __name__ == "__main__":
    os.nice(NICENESS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main())
