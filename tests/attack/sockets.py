"""Thousands of plain sockets: cheaper for the attacker than streams."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import struct
from collections.abc import Callable, Iterator

from tests.attack.ground import Ground
from tests.attack.way_in import LOCAL

_BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen by connect, so that no address runs out of them
_AT_ONCE = 200  # sockets that are opened between two looks at those that are open


def dialled(ground: Ground, *, small_window: bool = False) -> socket.socket:
    """A socket that is connecting. Raises OSError if there are no more."""
    sock = socket.socket()
    sock.setblocking(False)
    if small_window:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    sock.bind((ground.way.address, 0))
    code = sock.connect_ex((LOCAL, ground.way.port))
    if code not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(code, "connect")
    return sock


def reset(sock: socket.socket) -> None:
    """Close with an RST, which leaves nothing behind."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Holder:
    """Holds ``number`` sockets open, says ``hello(n)`` on each once it is connected, and opens another for each that
    the target closes. ``reads``: whether what the target says is read."""

    def __init__(
        self, ground: Ground, number: int, hello: Callable[[int], bytes], *, reads: bool = True, what: str = "sockets"
    ) -> None:
        self._ground = ground
        self._number = number
        self._hello = hello
        self._reads = reads
        self._what = what
        self._poll = select.epoll()
        self.open: dict[int, socket.socket] = {}
        self._said = 0

    async def hold(self, per_second: float = 10_000) -> None:
        """Go on until cancelled."""
        while True:
            for _ in range(min(_AT_ONCE, int(per_second / 50), self._number - len(self.open))):
                try:
                    sock = dialled(self._ground, small_window=not self._reads)
                except OSError:
                    break
                self.open[sock.fileno()] = sock
                self._poll.register(sock, select.EPOLLOUT | select.EPOLLRDHUP)
            self._look()
            await asyncio.sleep(0.02)

    def _look(self) -> None:
        for fd, what in self._poll.poll(0, 1000):
            sock = self.open[fd]
            if what & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP) or not self._ready(sock, what):
                self._ground.count("closed by the target")
                del self.open[fd]
                reset(sock)

    def _ready(self, sock: socket.socket, what: int) -> bool:
        """Whether the socket is still of use."""
        try:
            if what & select.EPOLLOUT:
                self._ground.count(self._what)
                if hello := self._hello(self._said):
                    sock.send(hello)
                self._said += 1
                self._poll.modify(sock, (select.EPOLLIN if self._reads else 0) | select.EPOLLRDHUP)
            if what & select.EPOLLIN:
                return bool(sock.recv(65536))
        except OSError:
            return False
        return True


async def rush(ground: Ground, per_second: float, hellos: Iterator[bytes], what: str = "connections") -> None:
    """Connect, say a word, and reset the connection, so many times a second."""
    loop = asyncio.get_running_loop()
    waiting: list[tuple[float, socket.socket, bytes]] = []
    begun, done = loop.time(), 0
    while True:
        while done < (loop.time() - begun) * per_second and len(waiting) < 2000:
            done += 1
            try:
                waiting.append((loop.time(), dialled(ground), next(hellos)))
            except OSError:
                break
        for when, sock, hello in waiting[:]:
            if loop.time() - when < 0.02:
                break
            waiting.pop(0)
            with contextlib.suppress(OSError):
                if hello:
                    sock.send(hello)
                ground.count(what)
            reset(sock)
        await asyncio.sleep(0.01)
