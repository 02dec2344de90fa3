"""Servers that do what ours must not: ``python -m tests.attack.weak_servers FAULT PORT``. A judge that lets one of them
pass is worth nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from tests.fuzz.wire import Patience, Peer, response

_kept: list[bytes] = []
SLEEP = 1.3  # seconds, longer than anybody is to wait


class Weak:
    """Answers every call; FAULT is one of "none", "sleeps" (with everybody waiting, now and then), "grows", "shuts out"
    (lets nobody in after the first), "chatters" (in its log), "raises" (and says so in its log), "deaf" (to SIGTERM),
    "leaves" (hangs up on its stations), "spins" (uses the processor for nothing), "dies"."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self._came = 0
        self._heard = 0

    async def came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection."""
        peer = Peer(reader, writer, masked=False, patience=Patience(60))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(peer, await reader.readuntil(b"\r\n\r\n"))
        peer.reset()

    async def _talk(self, peer: Peer, head: bytes) -> None:
        self._came += 1
        if self.fault == "shuts out" and self._came > 1:
            await asyncio.sleep(60)
        peer.send(response(head, "ocpp2.0.1"))
        while (heard := await peer.next()) is not None:
            self._heard += 1
            self._misbehave()
            if self.fault == "leaves" and self._heard > 30:
                return
            if heard.payload.startswith(b"[2,"):
                peer.say(b"[3," + heard.payload[3:].partition(b",")[0] + b",{}]")

    def _misbehave(self) -> None:
        match self.fault:
            case "sleeps" if self._heard % 20 == 0:
                time.sleep(SLEEP)
            case "grows":
                _kept.append(b"x" * 2**20)
            case "chatters":
                print("y" * 10_000, file=sys.stderr, flush=True)
            case "raises" if self._heard == 30:
                asyncio.get_running_loop().call_exception_handler({"message": "x", "exception": _error()})
            case "spins":
                until = time.thread_time() + 0.1
                while time.thread_time() < until:
                    pass
            case "dies" if self._heard > 30:
                os._exit(3)


def _error() -> Exception:
    try:
        raise ValueError("on purpose")
    except ValueError as error:
        return error


async def main(fault: str, port: str) -> None:
    weak = Weak(fault)
    await asyncio.start_server(weak.came, "127.0.0.1", int(port), limit=2**24)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, (lambda: None) if fault == "deaf" else ended.set)
    await ended.wait()
    os._exit(0)  # its connections need no closing


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
