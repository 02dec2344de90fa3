"""The Requests that wait: the peer's for the flow's answer, the flow's for the peer's."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from ocppflow.endpoint import Connection, IncomingCall
from ocppflow.nodes.contract import BadInput
from ocppflow.transport.clock import Clock

_ENDED_KEPT = 1024

Key = tuple[str, str]
"""Station and message id: ids are per connection."""


class Waiting(msgspec.Struct):
    """A Request without an answer yet. ``since`` in the clock's seconds, ``time`` in seconds since 1970."""

    command: str
    endpoint: Connection
    since: float
    time: float
    call: IncomingCall | None = None
    """None for a Request of the flow's."""
    future: asyncio.Future[Any] | None = None
    """None for a Request of the peer's."""


class Unanswered:
    """The Requests of a node's that wait, in both directions, and why some of the last wait no longer."""

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._incoming: dict[Key, Waiting] = {}
        self._outgoing: dict[Key, Waiting] = {}
        self._ended: OrderedDict[Key, str] = OrderedDict()

    def came(self, cb_id: str, endpoint: Connection, call: IncomingCall) -> None:
        """The peer's Request goes to the flow."""
        now = self._clock.now()
        self._expire(now)
        key = (cb_id, call.message_id)
        self._incoming.pop(key, None)
        self._incoming[key] = Waiting(call.action, endpoint, now, time.time(), call)

    def went(self, key: Key, endpoint: Connection, command: str, future: asyncio.Future[Any]) -> None:
        """A Request of the flow's goes out; ``future`` is done when it is over."""
        entry = Waiting(command, endpoint, self._clock.now(), time.time(), None, future)
        self._outgoing[key] = entry

        def back(_: object) -> None:
            if self._outgoing.get(key) is entry:  # the id may be in use again
                del self._outgoing[key]

        future.add_done_callback(back)

    def outgoing(self) -> list[asyncio.Future[Any]]:
        """The flow's Requests that still wait."""
        return [each.future for each in self._outgoing.values() if each.future is not None]

    def find(self, cb_id: str, message_id: str, command: str) -> IncomingCall:
        """The peer's Request that is to be answered. Raises BadInput saying why it waits no longer."""
        self._expire(self._clock.now())
        key = (cb_id, message_id)
        found = self._incoming.get(key)
        if found is not None and not found.endpoint.is_open:
            self._end(key, "the connection it came over has ended")
            found = None
        if found is None or found.call is None or (command and found.command != command):
            why = self._ended.get(key) if found is None else f"a {found.command} has that MessageId now"
            about = ": ".join(word for word in (cb_id, command) if word)
            reason = why or "no such Request waits for an answer: expired long ago, or never came"
            raise BadInput(f"{about}: the Request {message_id!r} cannot be answered: {reason}", code="Expired")
        return found.call

    def answered(self, cb_id: str, message_id: str) -> None:
        """The flow has answered."""
        self._end((cb_id, message_id), "it has been answered already")

    def incoming(self) -> list[IncomingCall]:
        """The peers' Requests that still wait."""
        self._expire(self._clock.now())
        return [each.call for each in self._incoming.values() if each.call is not None and each.endpoint.is_open]

    def listing(self) -> dict[str, dict[str, Any]]:
        """As the Command Message ``commands`` gives it. Ids are per connection, so an id that two stations use is
        told apart by its station."""
        self._expire(self._clock.now())
        rows: dict[str, dict[str, Any]] = {}
        for (cb_id, message_id), each, direction in self._rows():
            name = message_id if message_id not in rows else f"{cb_id}/{message_id}"
            name = name if name not in rows else f"{name} ({direction})"
            rows[name] = {
                "cbId": cb_id,
                "command": each.command,
                "time": iso(each.time),
                "direction": direction,
            }
        return rows

    def _rows(self) -> Iterator[tuple[Key, Waiting, str]]:
        for key, each in self._incoming.items():
            if each.endpoint.is_open:
                yield key, each, "in"
        for key, each in self._outgoing.items():
            yield key, each, "out"

    def _expire(self, now: float) -> None:
        """Forget what the session has answered for us by now. Oldest first, so this looks at one entry most times."""
        while self._incoming:
            key = next(iter(self._incoming))
            if now < self._incoming[key].since + self._patience:
                return
            self._end(key, f"expired, for it was not answered within {self._patience * 1000:g} ms")

    def _end(self, key: Key, why: str) -> None:
        self._incoming.pop(key, None)
        self._ended[key] = why
        self._ended.move_to_end(key)
        if len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)


def iso(seconds: float) -> str:
    """Seconds since 1970 as a JavaScript Date is written as JSON."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
