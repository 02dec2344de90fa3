"""Takes connections from the kernel, as many in one turn of the event loop as others can wait for."""

from __future__ import annotations

import asyncio
import socket

from ocppflow.log_budget import budgeted
from ocppflow.transport.clock import sleep
from ocppflow.transport.descriptors import OUT_OF_DESCRIPTORS
from ocppflow.transport.server_context import ServerContext
from ocppflow.transport.server_opening import ServerOpening

log = budgeted("ocppflow.transport")

_IN_ONE_TURN = 64  # accept() and the note that somebody is there take about 20 us; all the rest is done in turns
_PAUSE = 0.5  # s until it is looked whether descriptors are free again


async def accept_from(listening: socket.socket, context: ServerContext) -> None:
    """Take connections until cancelled.

    asyncio's own server takes as many in one turn as its queue holds, and tries as often again when descriptors have
    run out. This takes so many that those who are in do not notice, and pauses when there are no descriptors.
    """
    loop = asyncio.get_running_loop()
    taken = 0
    while True:
        try:
            sock, address = _accept_now(listening) or await loop.sock_accept(listening)
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                context.warn_of_descriptors()
                context.openings.make_room("no descriptors are left")
                await sleep(context.clock, _PAUSE)
            else:  # the peer has gone, or a network fault of its own: accept(2) says to try again
                log.debug("a connection could not be taken: %s", error)
                await asyncio.sleep(0)
            continue
        taken += 1
        excess = context.descriptors.excess(sock.fileno())
        if excess:
            _squeeze_in(sock, address, context, excess)
            await asyncio.sleep(0)  # so that who gave way is closed before the next one comes
        else:
            ServerOpening(context, sock, address).arrive()
            if taken % _IN_ONE_TURN == 0:
                await asyncio.sleep(0)


def _accept_now(listening: socket.socket) -> tuple[socket.socket, object] | None:
    """One that waits already, if there is one: uvloop's ``sock_accept`` takes a turn of the loop for each."""
    try:
        sock, address = listening.accept()
    except (BlockingIOError, InterruptedError):
        return None
    sock.setblocking(False)
    return sock, address


def _squeeze_in(sock: socket.socket, address: object, context: ServerContext, excess: int) -> None:
    """One comes while descriptors run out: who can best be spared gives way, or it is told to come back later."""
    context.warn_of_descriptors()
    opening = ServerOpening(context, sock, address)
    if all(context.openings.make_room("descriptors run out") for _ in range(excess)):
        opening.arrive()
    else:
        opening.arrive(full="all connections that this server can have are in use")
