"""The nodes that an engine hosts: created, parked during a re-deploy, resumed, and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocppflow.log_budget import budgeted
from ocppflow.nodes.contract import Msg
from ocppflow.nodes.cs_node import CSNode
from ocppflow.nodes.csms_node import CSMSNode
from ocppflow.nodes.engine.log_subject import at_work, node_at_work
from ocppflow.nodes.engine.outbox import Outbox
from ocppflow.nodes.engine.runtime_lines import OutputLine, RuntimeMsg, StatusLine, encoded
from ocppflow.nodes.engine.state_directory import StateDirectory
from ocppflow.nodes.engine.waiting_lines import HIGH_WATER, WaitingLines
from ocppflow.nodes.msgs_out import ConnectionEvent
from ocppflow.transport.clock import Clock, Timer

log = budgeted("ocppflow.engine")

TARGET: Final = "target-csms"
_TYPES: Final[dict[str, type[CSMSNode] | type[CSNode]]] = {"CSMS": CSMSNode, "CS": CSNode}
TYPES: Final = (*_TYPES, TARGET)


class Wanted(NamedTuple):
    """A node as the runtime describes it."""

    name: str
    kind: str
    config: Mapping[str, Any]
    credentials: dict[str, Any]

    def __repr__(self) -> str:
        return f"<{self.kind} node {self.name!r}>"  # the credentials are passwords


class Slot:
    """A node in service: what it was made from, and what the runtime has to be told about it."""

    def __init__(self, wanted: Wanted, fingerprint: Any) -> None:
        self.name = wanted.name
        self.kind = wanted.kind
        self.fingerprint = fingerprint
        self.credentials = wanted.credentials
        self.status: StatusLine | None = None
        self.parked: WaitingLines | None = None
        """While it is parked: the lines that wait for the runtime to take it up again."""
        self.timer: Timer | None = None
        self.node: CSMSNode | CSNode

    @property
    def has_to_wait(self) -> bool:
        """Whether it is parked and has said so much that its peers have to wait."""
        return self.parked is not None and self.parked.size > HIGH_WATER

    def extras(self) -> dict[str, Any]:
        """The port that a CSMS got, and the problem that keeps a node from working."""
        extras: dict[str, Any] = {}
        if isinstance(self.node, CSMSNode) and self.node.port is not None:
            extras["port"] = self.node.port
        if self.node.problem:
            extras["problem"] = self.node.problem
        return extras


class HostedNodes:
    """See the module. ``abandoned(slot)`` is called when a parked node has waited for too long."""

    def __init__(self, outbox: Outbox, clock: Clock, parked_for: float, abandoned: Callable[[Slot], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._parked_for = parked_for
        self._abandoned = abandoned
        self._slots: dict[str, Slot] = {}
        self._targets: dict[str, Mapping[str, Any]] = {}
        self.state = StateDirectory()

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, name: object) -> bool:
        return name in self._slots or name in self._targets

    def remember_in(self, directory: Path) -> None:
        """Keep what has to outlive the engine in ``directory``, for the nodes that are created from now on."""
        if self.state.path != directory:
            self.state = StateDirectory(directory)

    def get(self, name: str) -> Slot | None:
        """The node in service."""
        return self._slots.get(name)

    def all(self) -> list[Slot]:
        """All nodes in service."""
        return list(self._slots.values())

    def log_subject(self) -> str | None:
        """The node that what is logged now is about, if that is certain: nodes that share a port share its sockets."""
        slot = self._slots.get(node_at_work() or "")
        if slot is None or (isinstance(slot.node, CSMSNode) and self._shares_its_port(slot.node)):
            return None
        return slot.name

    def _shares_its_port(self, node: CSMSNode) -> bool:
        others = (slot.node for slot in self._slots.values() if slot.node is not node)
        return any(isinstance(each, CSMSNode) and each.port == node.port for each in others)

    # --- come ----------------------------------------------------------------------------------------------------

    async def serve(self, wanted: Wanted) -> tuple[bool, dict[str, Any]]:
        """Start a node, or keep the one in service if it has not changed. Returns whether it was kept, and what the
        runtime should know (``Slot.extras``)."""
        if wanted.kind == TARGET:
            self._targets[wanted.name] = wanted.config
            return False, {}
        config = self._resolved(wanted.config)
        slot = self._slots.get(wanted.name)
        if slot is not None and self.is_unchanged(slot, wanted):
            return True, slot.extras()
        if slot is not None:
            await self.end(slot)
        slot = self._slots[wanted.name] = Slot(wanted, _TYPES[wanted.kind].fingerprint(config))
        with at_work(slot.name):
            slot.node = self._make(slot, config)
            if self._outbox.is_full:
                slot.node.pause()
            await slot.node.start()
        return False, slot.extras()

    def is_unchanged(self, slot: Slot, wanted: Wanted) -> bool:
        """Whether the node in service is the one that is wanted, apart from its credentials."""
        if slot.kind != wanted.kind:
            return False
        return bool(slot.fingerprint == _TYPES[wanted.kind].fingerprint(self._resolved(wanted.config)))

    def set_targets(self, wanted: Iterable[Wanted]) -> None:
        """The ``target-csms`` nodes, all of them."""
        self._targets = {each.name: each.config for each in wanted if each.kind == TARGET}

    def drop_target(self, name: str) -> bool:
        """Forget a ``target-csms`` node; False if there is none."""
        return self._targets.pop(name, None) is not None

    def _resolved(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the ``target-csms`` node that it refers to in place of its id."""
        target = config.get("csms")
        if isinstance(target, str) and target in self._targets:
            return {**config, "csms": self._targets[target]}
        return config

    def _make(self, slot: Slot, config: Mapping[str, Any]) -> CSMSNode | CSNode:
        def send(port: int, msg: Msg) -> None:
            if type(msg) is RuntimeMsg:
                self.tell(slot, OutputLine(slot.name, port, msg.changes(), msg.ref))
            elif type(msg) is ConnectionEvent:
                self._tell_event(slot, msg)
            else:
                self.tell(slot, OutputLine(slot.name, port, msg))

        def status(fill: str, shape: str, text: str) -> None:
            slot.status = StatusLine(slot.name, fill, shape, text)
            if slot.parked is None:
                self._outbox.put_status(slot.status)

        def auths(passwords: dict[str, str]) -> None:
            self.tell(slot, {"op": "credentials", "node": slot.name, "credentials": {"basic_auths": passwords}})

        if slot.kind == "CS":
            return CSNode(config, slot.credentials, send=send, status=status, clock=self._clock, raw=True)
        return CSMSNode(
            config,
            slot.credentials,
            send=send,
            status=status,
            clock=self._clock,
            raw=True,
            node_id=slot.name,
            memory=self.state.auths,
            stations=self.state.stations(slot.name),
            on_auths=auths,
            others=self._csms_nodes,
            is_overfull=lambda: self._outbox.is_overfull or slot.has_to_wait,
        )

    def _csms_nodes(self) -> list[CSMSNode]:
        return [slot.node for slot in self._slots.values() if isinstance(slot.node, CSMSNode)]

    def tell(self, slot: Slot, line: Any) -> None:
        """Send a line about a node; it waits while the node is parked."""
        if slot.parked is None:
            self._outbox.put(line)
        else:
            slot.parked.add(encoded(line))
            if slot.has_to_wait:
                slot.node.pause()

    def _tell_event(self, slot: Slot, event: ConnectionEvent) -> None:
        if slot.parked is None:
            self._outbox.put_event(slot.name, event)
        else:
            slot.parked.add_event(slot.name, event)

    # --- stay ----------------------------------------------------------------------------------------------------

    def park(self, slot: Slot) -> None:
        """The runtime has closed the node, and will most likely create it again at once."""
        if slot.parked is None:
            slot.parked = WaitingLines()
            slot.timer = self._clock.call_at(self._clock.now() + self._parked_for, lambda: self._abandon(slot))

    def _abandon(self, slot: Slot) -> None:
        log.warning(
            "node %s was parked for %g s and has not been created again; it is closed", slot.name, self._parked_for
        )
        self._abandoned(slot)

    def take_up(self, wanted: Wanted) -> None:
        """Resume a node that has not changed: tell the runtime what waited and the status; use its credentials from now
        on."""
        slot = self._slots[wanted.name]
        self.unpark(slot)
        if slot.status is not None:
            self._outbox.put_status(slot.status)
        self.set_credentials(slot, wanted.credentials)

    def unpark(self, slot: Slot) -> None:
        """Tell the runtime about the node again."""
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        waiting, slot.parked = slot.parked, None
        if waiting is not None:
            self._outbox.put_waited(waiting)
            if not self._outbox.is_full:
                slot.node.resume()

    def set_credentials(self, slot: Slot, credentials: dict[str, Any]) -> None:
        """Use new credentials from now on."""
        if credentials != slot.credentials:
            slot.credentials = credentials
            slot.node.set_credentials(credentials)

    def pressed(self, full: bool) -> None:
        """The runtime reads more slowly than the peers send, so the peers have to wait, or it has caught up."""
        for slot in self._slots.values():
            if full or slot.has_to_wait:
                slot.node.pause()
            else:
                slot.node.resume()

    # --- go ------------------------------------------------------------------------------------------------------

    async def end(self, slot: Slot, *, removed: bool = False) -> None:
        """Close a node."""
        self._slots.pop(slot.name, None)
        if slot.timer is not None:
            slot.timer.cancel()
        slot.node.resume()  # a closing handshake has to be read
        with at_work(slot.name):
            await slot.node.close(removed)
        if removed:
            self.state.forget_stations(slot.name)

    async def end_all(self, slots: list[Slot], *, removed: bool = False) -> None:
        """Close many nodes at once; if one fails, the others are closed all the same."""
        results = await asyncio.gather(*(self.end(slot, removed=removed) for slot in slots), return_exceptions=True)
        for slot, result in zip(slots, results, strict=True):
            if isinstance(result, Exception):
                log.error("node %s: closing it failed", slot.name, exc_info=result)
