"""The Requests without an answer yet: the peer's wait for the flow, the flow's for the peer."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ocppflow.endpoint import Connection, IncomingCall
from ocppflow.nodes.contract import BadInput
from ocppflow.nodes.values import iso
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.transport.clock import Clock

_ENDED_KEPT: Final = 1024
"""Requests whose end is remembered, to say why a late answer cannot be sent: some seconds' worth of a busy CSMS."""

Key = tuple[str, str]
"""Station and message id: ids are per connection."""


class PeerRequest(msgspec.Struct):
    """A Request of the peer's."""

    call: IncomingCall
    connection: Connection


class FlowRequest(msgspec.Struct):
    """A Request of the flow's: ``msg`` becomes its answer. ``since`` in the clock's seconds."""

    __repr__ = discreet_repr

    cb_id: str
    message_id: str
    command: str
    connection: Connection
    since: float
    msg: Any
    done: Any
    """The callback of the input."""
    future: asyncio.Future[Any]


class Unanswered:
    """The Requests of a node's that wait, in both directions, and why some of the last wait no longer."""

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._of_peers: dict[Key, PeerRequest] = {}
        self._of_flow: dict[Key, FlowRequest] = {}
        self._ended: OrderedDict[Key, str] = OrderedDict()

    # --- of the flow ---------------------------------------------------------------------------------------------

    def went(self, request: FlowRequest) -> None:
        """A Request of the flow's goes out."""
        self._of_flow[request.cb_id, request.message_id] = request

    def returned(self, request: FlowRequest) -> None:
        """It is over."""
        key = (request.cb_id, request.message_id)
        if self._of_flow.get(key) is request:  # the id may be in use again
            del self._of_flow[key]

    def of_flow(self) -> list[FlowRequest]:
        """The flow's Requests that still wait."""
        return list(self._of_flow.values())

    # --- of the peers --------------------------------------------------------------------------------------------

    def came(self, cb_id: str, connection: Connection, call: IncomingCall) -> None:
        """The peer's Request goes to the flow."""
        self._expire(call.received_at)
        key = (cb_id, call.message_id)
        self._of_peers.pop(key, None)
        self._of_peers[key] = PeerRequest(call, connection)

    def find(self, cb_id: str, message_id: str, command: str) -> IncomingCall:
        """The peer's Request that is to be answered. Raises BadInput saying why it waits no longer."""
        self._expire(self._clock.now())
        key = (cb_id, message_id)
        found = self._of_peers.get(key)
        if found is not None and not found.connection.is_open:
            self._end(key, "the connection it came over has ended")
            found = None
        if found is not None and (not command or found.call.action == command):
            return found.call
        why = self._ended.get(key) if found is None else f"a {found.call.action} has that MessageId now"
        about = ": ".join(word for word in (cb_id, command) if word)
        reason = why or "no such Request waits for an answer: expired long ago, or never came"
        raise BadInput(f"{about}: the Request {message_id!r} cannot be answered: {reason}", code="Expired")

    def answered(self, cb_id: str, message_id: str) -> None:
        """The flow has answered."""
        self._end((cb_id, message_id), "it has been answered already")

    def of_peers(self) -> list[IncomingCall]:
        """The peers' Requests that still wait."""
        self._expire(self._clock.now())
        return [each.call for each in self._of_peers.values() if each.connection.is_open]

    # --- both ----------------------------------------------------------------------------------------------------

    def listing(self) -> dict[str, dict[str, Any]]:
        """As the Command Message ``commands`` gives it. Ids are per connection, so an id that two stations use is
        told apart by its station."""
        now = self._clock.now()
        self._expire(now)
        began = time.time() - now  # so that a Request's time is taken once, in the clock's seconds
        rows: dict[str, dict[str, Any]] = {}
        for (cb_id, message_id), command, since, direction in self._rows():
            name = message_id if message_id not in rows else f"{cb_id}/{message_id}"
            name = name if name not in rows else f"{name} ({direction})"
            rows[name] = {"cbId": cb_id, "command": command, "time": iso(began + since), "direction": direction}
        return rows

    def _rows(self) -> Iterator[tuple[Key, str, float, str]]:
        for key, each in self._of_peers.items():
            if each.connection.is_open:
                yield key, each.call.action, each.call.received_at, "in"
        for key, request in self._of_flow.items():
            yield key, request.command, request.since, "out"

    def _expire(self, now: float) -> None:
        """Forget what the session has answered for us by now. Oldest first, so this looks at one entry most times."""
        while self._of_peers:
            key = next(iter(self._of_peers))
            if now < self._of_peers[key].call.received_at + self._patience:
                return
            self._end(key, f"expired, for it was not answered within {self._patience * 1000:g} ms")

    def _end(self, key: Key, why: str) -> None:
        self._of_peers.pop(key, None)
        self._ended[key] = why
        self._ended.move_to_end(key)
        if len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
