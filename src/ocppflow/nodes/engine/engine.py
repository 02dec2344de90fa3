"""The engine: hosts any number of nodes for one flow runtime, which talks to it in lines (``runtime_lines``).

An engine knows neither pipes nor sockets (``standard_streams`` and ``unix_socket`` do). Lines go in through
:meth:`Engine.line`, and out through an Outbox. What takes time (starting and closing nodes) is done one after the
other, in the order in which it was asked for, so that a port passes from an old node to a new one; inputs to a node
that has such work outstanding wait behind it, inputs to all others do not. docs/engine-protocol.md has the protocol in
words.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from enum import Enum
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ocppflow.log_budget import budgeted
from ocppflow.nodes.engine.hosted_nodes import TARGET, TYPES, HostedNodes, Slot, Wanted
from ocppflow.nodes.engine.line_members import BadLine, mapping, node_name, unknown_node, wanted_node, wanted_of
from ocppflow.nodes.engine.log_subject import at_work
from ocppflow.nodes.engine.outbox import Outbox, Sink
from ocppflow.nodes.engine.runtime_lines import (
    MAX_LINE,
    PROTOCOL,
    UNREADABLE,
    DoneLine,
    ErrorLine,
    RuntimeLine,
    RuntimeMsg,
    decode_line,
)
from ocppflow.nodes.engine.work_queue import EVERYBODY, WorkQueue
from ocppflow.transport.clock import Clock, LoopClock

log = budgeted("ocppflow.engine")

PARKED_FOR: Final = 30.0
"""Seconds that a parked node is kept for a re-deploy that takes it up again."""

MOST_HELD_BACK: Final = 16 * 2**20
"""Bytes of inputs that may wait for work on their nodes, such as a close that takes 3 s: a flow that loops could send
more than the memory holds."""
_INPUT_COST: Final = 2000
"""Bytes that one takes beside its own."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 100}


class EngineState(Enum):
    """Whether a runtime is there."""

    DETACHED = "detached"
    GREETING = "greeting"
    """It is there, and has not said hello."""
    SERVING = "serving"
    ENDING = "ending"
    """It is gone, or the engine is to stop: nodes are being closed."""


FOLLOWS: Final = {
    EngineState.DETACHED: {EngineState.GREETING, EngineState.ENDING},
    EngineState.GREETING: {EngineState.SERVING, EngineState.ENDING},
    EngineState.SERVING: {EngineState.SERVING, EngineState.ENDING},
    EngineState.ENDING: {EngineState.DETACHED},
}
"""The states that may follow each."""


class Engine:
    """See the module. ``clock`` is for tests."""

    def __init__(self, *, clock: Clock | None = None, parked_for: float = PARKED_FOR) -> None:
        self.outbox = Outbox(self._pressed)
        self._hold: Callable[[bool], object] = bool
        self.nodes = HostedNodes(self.outbox, clock or LoopClock(), parked_for, self._abandoned)
        self.state = EngineState.DETACHED
        self._work = WorkQueue(self._failed)
        self._held_back = 0
        self._ops: dict[str, Callable[[RuntimeLine], None]] = {
            "hello": self._hello,
            "create": self._create,
            "configure": self._configure,
            "close": self._close,
            "deployed": self._deployed,
            "deploy": self._deploy,
            "credentials": self._credentials,
            "input": self._input,
            "ping": self._ping,
        }

    # --- lines ---------------------------------------------------------------------------------------------------

    def attach(self, sink: Sink, hold: Callable[[bool], object] = bool) -> None:
        """A runtime is there, and takes its lines through ``sink``. ``hold(True)`` asks for no more lines of its until
        ``hold(False)``."""
        self.outbox.attach(sink)
        self._hold = hold
        self._enter(EngineState.GREETING)
        self.outbox.put(
            {
                "op": "hello",
                "protocol": PROTOCOL,
                "program": "ocppflow",
                "version": installed("ocppflow"),
                "pid": os.getpid(),
                "types": TYPES,
                "maxLine": MAX_LINE,
            }
        )

    def line(self, data: bytes) -> None:
        """Carry out a line. Never raises."""
        try:
            line = decode_line(data)
        except UNREADABLE as exc:
            self._unreadable(data, exc)
            return
        try:
            data.decode()  # what only passes through has not been looked at yet
            if self.state is EngineState.GREETING and line.op != "hello":
                raise BadLine("no_hello", f'say {{"op": "hello", "protocol": {PROTOCOL}}} first')
            op = self._ops.get(line.op)
            if op is None:
                raise BadLine("unknown_op", f"unknown op {line.op[:60]!r}; known: {', '.join(self._ops)}")
            op(line)
        except BadLine as exc:
            self._refuse(exc.code, str(exc), line.node, line.ref)
        except UnicodeDecodeError:
            self._refuse("bad_json", "the line is not UTF-8", line.node, UNSET)
        except Exception as exc:
            log.exception("the engine failed to process a line")
            self._refuse(
                "internal", f"the engine failed to process this line: {type(exc).__name__}", line.node, line.ref
            )

    def too_long(self) -> None:
        """A line was longer than MAX_LINE and has been skipped."""
        self._refuse("too_long", f"a line of more than {MAX_LINE} bytes was skipped", None, UNSET)

    def _unreadable(self, data: bytes, exc: Exception) -> None:
        """Report what is wrong, and with which input, if that can be made out."""
        try:
            data.decode()
            members = msgspec.json.decode(data, type=dict[str, Raw])
        except UNREADABLE:
            why = "too deeply nested" if isinstance(exc, RecursionError) else str(exc)
            self._refuse("bad_json", f"the line is not a JSON object: {why}", None, UNSET)
            return
        text = str(exc) if "op" in members else "op is missing"
        node = msgspec.json.decode(members["node"]) if "node" in members else None
        self._refuse("bad_field", text, node, members.get("ref", UNSET))

    def _refuse(self, code: str, text: str, node: Any, ref: Raw | UnsetType) -> None:
        self.outbox.put(ErrorLine(code, text, node if isinstance(node, str) else UNSET, ref))

    def _answer(self, op: str, line: RuntimeLine, **members: Any) -> None:
        answer: dict[str, Any] = {"op": op, **members}
        if line.ref is not UNSET:
            answer["ref"] = line.ref
        self.outbox.put(answer)

    def _hello(self, line: RuntimeLine) -> None:
        if line.protocol != PROTOCOL:
            raise BadLine("unsupported_protocol", f"this engine speaks protocol {PROTOCOL}")
        level = "info" if line.log is None else line.log
        if not isinstance(level, str) or level not in _LEVELS:
            raise BadLine("bad_field", f"log is one of {', '.join(_LEVELS)}")
        if line.stateDir is not None:
            if not isinstance(line.stateDir, str) or not Path(line.stateDir).is_absolute():
                raise BadLine("bad_field", "stateDir must be the absolute path of a directory")
            self.nodes.remember_in(Path(line.stateDir))
        logging.getLogger("ocppflow").setLevel(_LEVELS[level])
        self._enter(EngineState.SERVING)

    def _ping(self, line: RuntimeLine) -> None:
        self._answer("pong", line, nodes=len(self.nodes))

    # --- work in order -------------------------------------------------------------------------------------------

    def _failed(self, name: str) -> None:
        self._refuse("internal", "the engine failed while it worked on this node; the log has details", name, UNSET)

    def _for_node(self, name: str, line: RuntimeLine, work: Callable[[Slot], None]) -> None:
        """Queue work on a node that has to be there by then."""

        async def job() -> None:
            slot = self.nodes.get(name)
            if slot is None:
                self._refuse("unknown_node", unknown_node(name), name, line.ref)
            else:
                work(slot)

        self._work.put(name, job)

    # --- nodes come and go ---------------------------------------------------------------------------------------

    def _create(self, line: RuntimeLine) -> None:
        wanted = wanted_node(line)

        async def job() -> None:
            slot = self.nodes.get(wanted.name)
            if slot is not None and slot.parked is None:
                text = f"there is a node {wanted.name!r} already; configure it, or close it first"
                self._refuse("node_exists", text, wanted.name, line.ref)
            else:
                await self._serve(wanted, line)

        self._work.put(wanted.name, job)

    def _configure(self, line: RuntimeLine) -> None:
        wanted = wanted_node(line)

        async def job() -> None:
            if wanted.name in self.nodes:
                await self._serve(wanted, line)
            else:
                self._refuse("unknown_node", unknown_node(wanted.name), wanted.name, line.ref)

        self._work.put(wanted.name, job)

    async def _serve(self, wanted: Wanted, line: RuntimeLine) -> bool:
        kept, extras = await self.nodes.serve(wanted)
        self._answer("created", line, node=wanted.name, kept=kept, **extras)
        if kept:
            self.nodes.take_up(wanted)
        return kept

    def _close(self, line: RuntimeLine) -> None:
        name = node_name(line)

        async def job() -> None:
            slot = self.nodes.get(name)
            if slot is not None and line.park is True:
                self.nodes.park(slot)
                self._answer("parked", line, node=name)
                return
            if slot is not None:
                self.nodes.unpark(slot)
                await self.nodes.end(slot, removed=line.removed is True)
            elif not self.nodes.drop_target(name):
                self._refuse("unknown_node", unknown_node(name), name, line.ref)
                return
            self._answer("closed", line, node=name)

        self._work.put(name, job, closes=line.park is not True)

    def _abandoned(self, slot: Slot) -> None:
        async def job() -> None:
            if slot.parked is not None and self.nodes.get(slot.name) is slot:
                await self.nodes.end(slot)

        self._work.put(slot.name, job)

    def _deployed(self, line: RuntimeLine) -> None:
        async def job() -> None:
            left = [slot for slot in self.nodes.all() if slot.parked is not None]
            await self.nodes.end_all(left)
            self._answer("deployed", line, closed=[slot.name for slot in left])

        self._work.put(EVERYBODY, job)

    def _deploy(self, line: RuntimeLine) -> None:
        """The whole set of nodes: what is unchanged goes on, the rest is closed before anything is started."""
        if not isinstance(line.nodes, list):
            raise BadLine("bad_field", "nodes must be an array of {node, type, config, credentials}")
        wanted = {each.name: each for each in map(wanted_of, line.nodes)}
        if len(wanted) < len(line.nodes):
            raise BadLine("bad_field", "nodes: an id is there twice")

        async def job() -> None:
            self.nodes.set_targets(wanted.values())
            nodes = [each for each in wanted.values() if each.kind != TARGET]
            gone = [slot for slot in self.nodes.all() if slot.name not in wanted]
            changed = [
                slot
                for slot in self.nodes.all()
                if slot.name in wanted and not self.nodes.is_unchanged(slot, wanted[slot.name])
            ]
            await asyncio.gather(self.nodes.end_all(gone, removed=True), self.nodes.end_all(changed))
            kept = [each.name for each in nodes if await self._serve(each, RuntimeLine("deploy"))]
            started = [each.name for each in nodes if each.name not in kept]
            self._answer("deployed", line, kept=kept, started=started, closed=[slot.name for slot in gone])

        self._work.put(EVERYBODY, job)

    def _credentials(self, line: RuntimeLine) -> None:
        name, credentials = node_name(line), mapping(line.credentials, "credentials")

        def work(slot: Slot) -> None:
            self.nodes.set_credentials(slot, credentials)
            self._answer("credentials_set", line, node=name)

        self._for_node(name, line, work)

    # --- msgs ----------------------------------------------------------------------------------------------------

    def _input(self, line: RuntimeLine) -> None:
        name = line.node
        if type(name) is not str:
            raise BadLine("bad_field", "node must be the id of a node, a string")
        if line.msg is UNSET:
            raise BadLine("bad_field", "msg is missing: expected an object")
        if self._work.holds(name):
            self._hold_back(name, line, line.msg)
            return
        slot = self.nodes.get(name)
        if slot is None:
            raise BadLine("unknown_node", unknown_node(name))
        self._take(slot, line)

    def _hold_back(self, name: str, line: RuntimeLine, msg: dict[str, Raw]) -> None:
        """Let an input wait for the work on its node."""
        size = _INPUT_COST + sum(memoryview(value).nbytes for value in msg.values())
        if self._held_back + size > MOST_HELD_BACK:
            text = "too many inputs wait for this node, which is being started or closed; send more when it has been"
            raise BadLine("QueueFull", text)
        self._held_back += size

        async def job() -> None:
            self._held_back -= size
            slot = self.nodes.get(name)
            if slot is None:
                self._refuse("unknown_node", unknown_node(name), name, line.ref)
            else:
                self._take(slot, line)

        self._work.put(name, job)

    def _take(self, slot: Slot, line: RuntimeLine) -> None:
        ref, msg = line.ref, line.msg
        assert not isinstance(msg, UnsetType)  # noqa: S101 - looked at when the line came

        def done(error: Exception | None) -> None:
            if error is not None:
                self.nodes.tell(slot, ErrorLine(getattr(error, "code", "internal"), str(error), slot.name, ref))
            elif not isinstance(ref, UnsetType):
                self.nodes.tell(slot, DoneLine(slot.name, ref))

        with at_work(slot.name):
            slot.node.take(RuntimeMsg(msg, ref), done)

    # --- pressure and the end ------------------------------------------------------------------------------------

    def _pressed(self, full: bool) -> None:
        """The runtime reads too slowly: it and the peers have to wait, or the answers would pile up."""
        self.nodes.pressed(full)
        self._hold(full)

    async def detach(self) -> None:
        """The runtime is gone, or the engine is to stop: close all nodes, in order. Work that has begun is finished
        first, work that has not is dropped."""
        self._enter(EngineState.ENDING)
        await self._work.stop()
        self._held_back = 0
        self.nodes.set_targets(())
        slots = self.nodes.all()
        for slot in slots:
            self.nodes.unpark(slot)
        await self.nodes.end_all(slots)
        await self.nodes.state.auths.written()
        self._enter(EngineState.DETACHED)

    def _enter(self, state: EngineState) -> None:
        if state not in FOLLOWS[self.state]:
            raise RuntimeError(f"an engine that is {self.state.value} cannot become {state.value}")
        self.state = state

    def __repr__(self) -> str:
        return f"<Engine {self.state.value}, {len(self.nodes)} nodes>"
