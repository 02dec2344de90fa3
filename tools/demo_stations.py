"""The three complete stations of the demo in Node-RED, in one process; ``make run`` starts it.

They speak OCPP 1.6, 2.0.1 and 2.1 to the CSMS of the demo, and are told what happens to them over their control APIs.
Each is what ``ocppflow station ID URL --control 127.0.0.1:PORT`` runs. They end with standard input, so that they never
outlive the launcher.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import threading

from ocppflow import Backoff, CompleteStation, StationConfig, VariableConfig, Version
from ocppflow.cli.csms_log import set_up
from ocppflow.control import ControlServer, read_address
from ocppflow.transport.loop import run

VERSIONS = {"CS1": Version.V16, "CS2": Version.V201, "CS3": Version.V21}
AGAIN = Backoff(wait_minimum=1.0, random_range=0.5, repeat_times=1)
"""Node-RED takes its time to start, and a demo is looked at: the usual ten seconds would be long."""


def station(identity: str, url: str) -> CompleteStation:
    config = StationConfig(
        model="Demo",
        versions=(VERSIONS[identity],),
        variables=(VariableConfig("SampledDataCtrlr", "TxUpdatedInterval", "5"),),
    )
    return CompleteStation(identity, url, config=config, backoff=AGAIN)


async def main(url: str, ports: list[int]) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, over.set)
    threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True).start()
    async with contextlib.AsyncExitStack() as stack:
        for identity, port in zip(VERSIONS, ports, strict=True):
            one = station(identity, url)
            server = ControlServer(one, read_address(f"127.0.0.1:{port}"))
            await server.start()
            stack.push_async_callback(server.stop)
            one.start()
            stack.push_async_callback(one.close)
        await over.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    while sys.stdin.read(4096):
        pass
    with contextlib.suppress(RuntimeError):  # it has ended already
        loop.call_soon_threadsafe(over.set)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of the CSMS")
    parser.add_argument("ports", type=int, nargs=3, help="of the control APIs of CS1, CS2 and CS3")
    given = parser.parse_args()
    set_up("error", as_json=False)
    try:
        run(main(given.url, given.ports))
    except OSError as problem:
        sys.exit(f"the demo's stations cannot be controlled: {problem}")
