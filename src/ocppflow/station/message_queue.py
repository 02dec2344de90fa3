"""MessageQueue: what must reach the CSMS; it is kept, leaves in order, and is forgotten when it is answered.

A message is put in the same commit as what it tells of, so that after a power cut the station knows of neither or of
both. It is sent once that commit is durable, always with the same content, and leaves the store together with what its
answer has changed. So a CSMS may hear a message twice, alike in every field, but never misses one, and never hears two
that differ under one seqNo.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ocppflow.errors import (
    CallTimeout,
    ConnectionLost,
    InvalidResponse,
    LocalError,
    NotConnected,
    QueueFull,
    RemoteCallError,
    RemoteError,
)
from ocppflow.log_budget import budgeted
from ocppflow.messages import Request, Version, request_type, v21
from ocppflow.messages.codec import decoded
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station.blocks.block import Block
from ocppflow.station.hardware import Fault
from ocppflow.station.words_201 import in_words_of

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

AREA = "queue"

LIMIT: Final = 2000
"""Messages after which an offline station is short of memory (E04.FR.07): values of 33 hours, each minute."""

_SHORT: Final = 60.0
"""Seconds in which messages that are dropped, one after another, are one event of the security log."""

_STORE_RETRY = 10.0
"""Seconds after which a failed commit is tried again, when nothing else commits."""

_NEVER_DROPPED: Final = frozenset(
    {"LimitSet", "CostLimitReached", "EnergyLimitReached", "TimeLimitReached", "SoCLimitReached"}
)
"""Reasons of Updated events that are kept however short memory is (2.1 E12.FR.04)."""

_VALUES_ALONE: Final = frozenset({"MeterValuePeriodic", "MeterValueClock"})
"""Reasons of Updated events that go first when memory is short (2.1 J02.FR.12)."""


class QueuedMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message that waits. It is kept in the store as it is, by its number."""

    __repr__ = discreet_repr

    number: int
    action: str
    payload: msgspec.Raw
    """JSON, in the words of 2.1."""
    transaction: str = ""
    """The transactionId that it is about."""
    event: str = ""
    """Started, Updated or Ended."""
    reason: str = ""
    """Its triggerReason."""
    offline: bool = False


class MessageQueue(Block):
    """The queue of one station."""

    __slots__ = (
        "_broken",
        "_commits",
        "_down",
        "_failures",
        "_messages",
        "_next",
        "_sending",
        "_short_at",
        "_unkept",
        "_waiting",
        "limit",
    )

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._messages = {each.number: each for each in station.store.load(AREA, QueuedMessage).values()}
        self._next = max(self._messages, default=0) + 1
        self._commits = 0
        self._unkept: dict[int, int] = {}
        """What is not durable yet, coming or going: by its number, which commit makes it so."""
        self._failures = 0
        """How often the first message has failed."""
        self._broken: Fault | None = None
        """What the station shows as broken while nothing can be kept."""
        self._sending = False
        self._short_at = -_SHORT
        self._down = False
        self._waiting: list[asyncio.Future[None]] = []
        self.limit = LIMIT

    # --- what others ask -----------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no transaction may begin, whose messages would have to wait too."""
        return len(self._messages) > 2 * self.limit

    def waiting(self) -> list[QueuedMessage]:
        """What waits, the oldest first."""
        return list(self._messages.values())

    def holds(self, transaction: str | None = None) -> bool:
        """Whether messages about this transaction wait; None: about any (E14)."""
        if transaction is None:
            return any(each.transaction for each in self._messages.values())
        return any(each.transaction == transaction for each in self._messages.values())

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        if self._messages:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(done)
            await done

    def put(self, request: Request[Any]) -> asyncio.Future[None]:
        """Keep ``request`` and send it in its turn. It is committed together with all that has been put into the store
        since the last commit. The future is done when it is durable, and raises StoreFailed if it is not yet: the
        message then stays in memory, is tried to be kept again, and is not sent before it is."""
        message = self._made(request)
        self._messages[message.number] = message
        self._store(message)
        self._thin_out()
        return self._commit()

    def take_back(self, transaction: str) -> None:
        """Forget the messages about a transaction that could not be kept, none of which has been sent."""
        for message in [each for each in self._messages.values() if each.transaction == transaction]:
            self._remove(message)
        self.station.dialect_16.forget(transaction)

    def _made(self, request: Request[Any]) -> QueuedMessage:
        about: dict[str, Any] = {}
        if isinstance(request, v21.TransactionEventRequest):
            about = {
                "transaction": request.transaction_info.transaction_id,
                "event": request.event_type,
                "reason": request.trigger_reason,
                "offline": not self.station.is_connected,
            }
            if about["offline"]:
                request.offline = True  # E04.FR.03, E12.FR.02
            self.station.dialect_16.queued(request)
        number, self._next = self._next, self._next + 1
        payload = msgspec.Raw(msgspec.json.encode(request))
        return QueuedMessage(number=number, action=request.__action__, payload=payload, **about)

    # --- the store -----------------------------------------------------------------------------------------------

    def _store(self, message: QueuedMessage) -> None:
        self.station.store.put(AREA, _key(message.number), message)
        self._unkept[message.number] = self._commits + 1

    def _remove(self, message: QueuedMessage) -> None:
        self._messages.pop(message.number, None)
        self._unkept[message.number] = self._commits + 1
        self.station.store.remove(AREA, _key(message.number))
        if message.event == "Ended":
            self.station.dialect_16.forget(message.transaction)
        if not self._messages:
            for each in self._waiting:
                if not each.done():
                    each.set_result(None)
            self._waiting.clear()

    def _commit(self) -> asyncio.Future[None]:
        self._commits += 1
        commit = self._commits
        written = self.station.store.commit()
        if written.done():
            self._written(commit, written)
        else:
            written.add_done_callback(lambda done: self._written(commit, done))
        return written

    def _written(self, commit: int, written: asyncio.Future[None]) -> None:
        if written.cancelled() or self._down:
            return
        if (failure := written.exception()) is None:
            self._unkept = {number: at for number, at in self._unkept.items() if at > commit}
            self._recover()
            self._wake()
            return
        log.error("%s: %d messages to the CSMS cannot be kept: %s", self.station.identity, self.length, failure)
        for number, at in self._unkept.items():
            if at <= commit:
                self._unkept[number] = self._commits + 1
        if "store" not in self._timers:
            self.later("store", _STORE_RETRY, self._commit)
        if (0, 0) not in self.station.availability.faults:
            self._broken = Fault(code="InternalError", text=str(failure))
            self.station.availability.fault(0, 0, self._broken)  # no transaction starts that could not be kept

    def _recover(self) -> None:
        """What is put can be kept again."""
        broken, self._broken = self._broken, None
        if broken is not None and self.station.availability.faults.get((0, 0)) is broken:
            log.warning("%s: messages to the CSMS can be kept again", self.station.identity)
            self.station.availability.clear(0, 0)

    def _thin_out(self) -> None:
        """Drop every second Updated event when a station is short of memory that is offline, or whose CSMS does not
        answer: values alone before others (E04.FR.08, J02.FR.12, J02.FR.13). The first message stays: it may have been
        sent. If there are none, what belongs to no transaction goes, the oldest first."""
        if len(self._messages) <= self.limit * (2 if self.station.is_connected else 1):
            return
        later = list(self._messages.values())[1:]
        updates = [each for each in later if each.event == "Updated" or each.action == "MeterValues"]
        droppable = [each for each in updates if each.reason in _VALUES_ALONE or each.action == "MeterValues"]
        if len(droppable) < 2:
            droppable = [each for each in updates if each.reason not in _NEVER_DROPPED]
        if not droppable:
            others = [each for each in later if not each.event]
            droppable = others[: len(others) // 4] if self.is_full else []
        for message in droppable[::2]:
            self._remove(message)
        if droppable:
            dropped = (len(droppable) + 1) // 2
            log.warning("%s: %d messages wait: %d were dropped", self.station.identity, self.length, dropped)
            now, before = self.station.clock.now(), self._short_at
            self._short_at = now
            if now >= before + _SHORT:  # the event itself is put here
                self.station.security.event("MemoryExhaustion", f"{self.length} messages wait, {dropped} were dropped")

    # --- sending -------------------------------------------------------------------------------------------------

    def power_up(self) -> None:
        self._mark_offline()

    def registered(self) -> None:
        self.cancel_timer("retry")  # after a loss of the connection there is no failure to wait for
        self._wake()

    def disconnected(self) -> None:
        self.cancel_timer("retry")
        self._mark_offline()

    def power_down(self) -> None:
        self._down = True
        super().power_down()

    def _mark_offline(self) -> None:
        """E11.FR.07: what waits when the station goes offline is marked so, durable before it is sent. The first
        message keeps its content, for it may have been sent already, and nothing is said twice in different words."""
        marked = False
        for message in list(self._messages.values())[1:]:
            if message.event and not message.offline:
                request = decoded(v21.TransactionEventRequest, bytes(message.payload))
                request.offline = message.offline = True
                message.payload = msgspec.Raw(msgspec.json.encode(request))
                self._store(message)
                marked = True
        if marked:
            self._commit()

    def _wake(self) -> None:
        if not self._sending and "retry" not in self._timers and self._head() is not None:
            self._sending = True
            self.station.work(self._send_all(), "sending what waits")

    def _head(self) -> QueuedMessage | None:
        """The message whose turn it is, if it may go: it is durable, and so is that those before it have left. So
        after a power cut only the first of those in the store can have been sent."""
        may_send = not self._down and self.station.is_connected and self.station.provisioning.may_send
        if not may_send or not self._messages:
            return None
        first = next(iter(self._messages.values()))
        return first if min(self._unkept, default=first.number + 1) > first.number else None

    async def _send_all(self) -> None:
        try:
            while (message := self._head()) is not None and await self._deliver(message):
                pass
        finally:
            self._sending = False

    async def _deliver(self, message: QueuedMessage) -> bool:
        """Whether to go on with the next message."""
        model = self.station.device_model
        timeout = model.integer("OCPPCommCtrlr", "MessageTimeout", variable_instance="Default")
        request: Any = decoded(request_type(Version.V21, message.action), bytes(message.payload))
        try:
            said = in_words_of(self.station.version, request)
            response = await self.station.call(said, timeout=float(timeout) if timeout else None)
        except (NotConnected, ConnectionLost, QueueFull):
            return False  # it goes on when the station is registered again, or with the next message
        except LocalError as exc:
            if self._down:
                return False
            self._discard(message, f"cannot be said in OCPP {self.station.version}: {exc}")
            return True
        except (CallTimeout, InvalidResponse, RemoteError) as exc:
            return not self._down and self._failed(message, exc)
        if self._down:
            return False  # the power went while the answer was on its way: it will be asked for again
        self._failures = 0
        self._remove(message)
        self.station.told_all("answered", request, response)
        self._commit()
        return True

    def _failed(self, message: QueuedMessage, failure: Exception) -> bool:
        """E13: try again after a growing while, then give it up."""
        if not message.event and _is_unwelcome(failure):  # what comes after it need not wait for more of the same
            self._discard(message, f"given up: {failure}")
            return True
        model = self.station.device_model
        self._failures += 1
        attempts = model.integer("OCPPCommCtrlr", "MessageAttempts", 3, variable_instance="TransactionEvent")
        wait = model.integer("OCPPCommCtrlr", "MessageAttemptInterval", 60, variable_instance="TransactionEvent")
        if self._failures >= max(1, attempts) and not message.event and message.action != "MeterValues":
            return self._postpone(message, wait)
        if self._failures >= max(1, attempts):  # E13.FR.04
            self._discard(message, f"given up after {self._failures} attempts: {failure}")
            return True
        log.warning("%s: %s: %s", self.station.identity, message.action, failure)
        self.later("retry", wait * self._failures, self._wake)  # E13.FR.03
        return False

    def _postpone(self, message: QueuedMessage, wait: int) -> bool:
        """Let others go before what must arrive, but has no order among them (A04.FR.02); whether there are any."""
        self._failures = 0
        self._remove(message)
        message.number, self._next = self._next, self._next + 1
        self._messages[message.number] = message
        self._store(message)
        alone = len(self._messages) == 1
        if alone:
            self.later("retry", wait, self._wake)
        self._commit()
        return not alone

    def _discard(self, message: QueuedMessage, why: str) -> None:
        what = f"{message.action} {message.event} of transaction {message.transaction}".replace("  of transaction ", "")
        log.error("%s: %s %s", self.station.identity, what, why)
        self._failures = 0
        self._remove(message)
        self._commit()


def _is_unwelcome(failure: Exception) -> bool:
    """Whether the CSMS will never take such a message."""
    return isinstance(failure, RemoteCallError) and failure.code in ("NotImplemented", "NotSupported")


def _key(number: int) -> str:
    """So that the order of the keys is that of the numbers."""
    return f"{number:012}"
