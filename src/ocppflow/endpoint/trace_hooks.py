"""Who hears of a message: every trace hook, or those that have not said that they can do without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ocppflow.log_budget import budgeted
from ocppflow.rpc.events import CallAnswered, CallReceived, Event, SendReceived
from ocppflow.trace import SelectiveHook, TraceHook, TraceRecord

log = budgeted("ocppflow")


class TraceHooks:
    """The trace hooks of a role. A :class:`~ocppflow.trace.SelectiveHook` is asked before each message without a
    fault: to make a record of a message costs half of what answering it does."""

    __slots__ = ("_plain", "_selective", "all")

    def __init__(self, hooks: Iterable[TraceHook] = ()) -> None:
        self.all: list[TraceHook] = []
        self._plain: list[TraceHook] = []
        self._selective: list[SelectiveHook] = []
        for hook in hooks:
            self.add(hook)

    def add(self, hook: TraceHook) -> None:
        """One more."""
        self.all.append(hook)
        if isinstance(hook, SelectiveHook):
            self._selective.append(hook)
        else:
            self._plain.append(hook)

    def wanting(self, identity: str, event: str, data: bytes) -> Sequence[TraceHook]:
        """Those that want this message, in which there is no fault."""
        if not self._selective:
            return self.all
        wanting = self._plain
        for hook in self._selective:
            try:
                if hook.wants_message():
                    wanting = [*wanting, hook]
                else:
                    hook.passed_over(identity, event, _head(data))
            except Exception:
                log.exception("the trace hook failed")
        return wanting

    def __bool__(self) -> bool:
        return bool(self.all)

    def __call__(self, record: TraceRecord) -> None:
        """Hand ``record`` to all."""
        hand(self.all, record)


def _head(data: bytes) -> bytes:
    """What stands before the payload: kind, id and action."""
    head, brace, rest = data.partition(b"{")
    return head + brace + rest.partition(b"{")[0] if head.count(b'"') % 2 else head  # some put their ids into braces


def hand(hooks: Iterable[Callable[[TraceRecord], object]], record: TraceRecord) -> None:
    """Hand ``record`` to ``hooks``; one that fails is logged and harms nothing."""
    for hook in hooks:
        try:
            hook(record)
        except Exception:
            log.exception("the trace hook failed")


def without_fault(events: Sequence[Event]) -> bool:
    """Whether what came is one valid message and nothing else."""
    if len(events) != 1:
        return False
    event = events[0]
    return isinstance(event, CallReceived | CallAnswered | SendReceived) and not event.violations
