"""How peers reach a target: address, TLS, passwords."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.fuzz.wire import Patience, Peer, request

LOCAL = "127.0.0.1"
STRANGER = "127.0.0.2"  # the same machine, but another address: what is shared out per address is shared with these
PATIENCE = 30.0  # seconds; what takes longer is not waited for, and has been found long before
SECRET = "a-long-password-1"


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class WayIn:
    """The port of a CSMS; ``ca`` is the file of its certificate, if it speaks TLS; ``password`` is the one of all
    stations, if they need one; ``address`` is where the peer comes from."""

    port: int
    ca: str = ""
    password: str = ""
    address: str = LOCAL

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def strange(self) -> WayIn:
        """The same for those who come from another address."""
        return replace(self, address=STRANGER)

    def tls(self) -> ssl.SSLContext | None:
        if not self.ca:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        return context

    async def dial(self) -> Peer:
        """TCP, and TLS if there is any; no opening handshake. Raises OSError, TimeoutError."""
        how: dict[str, Any] = {"local_addr": (self.address, 0)}
        if self.ca:
            how |= {"ssl": self.tls(), "server_hostname": "localhost", "ssl_handshake_timeout": PATIENCE}
        return await asyncio.wait_for(Peer.dial(self.port, Patience(PATIENCE), **how), PATIENCE)

    def request(self, identity: str, subprotocol: str = "ocpp2.0.1", **headers: str | None) -> bytes:
        """The opening handshake of that station, with its password."""
        if self.password and "Authorization" not in headers:
            headers["Authorization"] = basic(identity, self.password)
        return request(f"/ocpp/{identity}", subprotocol, **headers)

    async def enter(self, identity: str, subprotocol: str = "ocpp2.0.1", **headers: str | None) -> Peer:
        """A peer that has been let in. Raises ConnectionError, with the answer in it, if it was not."""
        peer = await self.dial()
        try:
            peer.send(self.request(identity, subprotocol, **headers))
            status, head = await peer.answer()
            if status != 101:
                raise ConnectionRefusedError(head.splitlines()[0])
        except BaseException:
            peer.reset()
            raise
        return peer
