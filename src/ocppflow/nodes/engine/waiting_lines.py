"""Lines that wait for a runtime which does not read, or for a parked node to be taken up: in order, and bounded.

What a station says is kept as it is; it cannot become much, because the engine stops reading from its peers. What
strangers and the comings and goings of stations cause goes on meanwhile, so that is merged:

- of a node's statuses only the newest waits;
- of the refusals of a node, one for each address waits, the last, with the number of others that it stands for;
- of the connection events of a station, once there is much, whole pairs are left out (ONLINE, OFFLINE, ONLINE becomes
  the last ONLINE): what the flow hears still alternates and ends with what is true. Events that have a msg between them
  stay apart, so that the order of msgs and events is never changed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import msgspec

from ocppflow.nodes.contract import ALL
from ocppflow.nodes.engine.runtime_lines import OutputLine, StatusLine, encoded
from ocppflow.nodes.msgs_out import REFUSED, ConnectionEvent
from ocppflow.secrecy.discreet_repr import discreet_repr

HIGH_WATER: Final = 2 * 2**20
"""Bytes that may wait before the peers are made to wait, and events are merged: some tenths of a second of full
load."""
LOW_WATER: Final = 2**18
"""Bytes at which the peers may go on: low enough not to stop them again at once."""
NETWORKS: Final = 64
"""Addresses (networks in IPv6) whose refusals are counted apart, for each node: who comes from that many has more. All
others are counted together."""

_About = tuple[str, str, str]


class _Waiting(msgspec.Struct):
    __repr__ = discreet_repr

    data: bytes
    about: _About | None = None
    state: str = ""
    count: int = 1
    """How many events it stands for."""


class WaitingLines:
    """See the module. ``size`` is in bytes; from ``much`` on connection events are merged."""

    def __init__(self, much: int = HIGH_WATER) -> None:
        self.size = 0
        self._much = much
        self._lines: OrderedDict[int, _Waiting] = OrderedDict()
        self._number = 0
        self._newest: dict[_About, int] = {}
        """The status of a node, the refusals of an address."""
        self._stations: dict[_About, list[int]] = {}
        """The last events of a station, since the last line that is no event."""
        self._networks: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, data: bytes) -> None:
        """A line that waits as it is."""
        self._stations.clear()
        self._append(_Waiting(data))

    def add_status(self, line: StatusLine) -> None:
        """In place of the node's status that waits."""
        about = "status", line.node, ""
        self._drop(self._newest.get(about))
        self._newest[about] = self._append(_Waiting(encoded(line), about))

    def add_event(self, node: str, event: ConnectionEvent) -> None:
        """A connection event, merged as the module says."""
        state = event.state
        if state == REFUSED:
            self._refused(node, event)
            return
        about = "station", node, event.cb_id
        numbers = self._stations.setdefault(about, [])
        count = event.count
        if self.size > self._much and len(numbers) > 1:
            lines = [self._lines[number] for number in numbers[-2:]]
            if lines[0].state == state != lines[1].state:
                count += sum(line.count for line in lines)
                for number in numbers[-2:]:
                    self._drop(number)
                # Dropping the last of them may have taken the list out of the dict.
                numbers = self._stations.setdefault(about, [])
        numbers.append(self._append(_Waiting(_event_line(node, event, count), about, state, count)))

    def take(self, most: int) -> bytes:
        """The first lines, of about ``most`` bytes together, each with its newline; empty if none waits."""
        parts: list[bytes] = []
        size = 0
        while self._lines and (size < most or not parts):
            data = self._remove(next(iter(self._lines))).data
            size += len(data) + 1
            parts.append(data)
        parts.append(b"")
        return b"\n".join(parts)

    def _refused(self, node: str, event: ConnectionEvent) -> None:
        about = "refused", node, event.network
        before = self._newest.get(about)
        if before is None and self._networks.get(node, 0) >= NETWORKS:
            about = "refused", node, ""
            before = self._newest.get(about)
        count = event.count + (0 if before is None else self._lines[before].count)
        self._drop(before)
        self._newest[about] = self._append(_Waiting(_event_line(node, event, count), about, REFUSED, count))
        self._networks[node] = self._networks.get(node, 0) + 1

    def _append(self, line: _Waiting) -> int:
        self._number += 1
        self._lines[self._number] = line
        self.size += len(line.data) + 1
        return self._number

    def _drop(self, number: int | None) -> None:
        if number is not None:
            self._remove(number)

    def _remove(self, number: int) -> _Waiting:
        line = self._lines.pop(number)
        self.size -= len(line.data) + 1
        about = line.about
        if about is None:
            return line
        if self._newest.get(about) == number:
            del self._newest[about]
            if line.state == REFUSED:
                self._networks[about[1]] -= 1
                if not self._networks[about[1]]:
                    del self._networks[about[1]]
        numbers = self._stations.get(about)
        if numbers is not None and number in numbers:
            numbers.remove(number)
            if not numbers:
                del self._stations[about]
        return line

    def __repr__(self) -> str:
        return f"<WaitingLines {len(self._lines)}, {self.size} bytes>"


def _event_line(node: str, event: ConnectionEvent, count: int) -> bytes:
    msg: dict[str, Any] = event if count == 1 else {**event, "payload": {**event["payload"], "more": count - 1}}
    return encoded(OutputLine(node, ALL, msg))
