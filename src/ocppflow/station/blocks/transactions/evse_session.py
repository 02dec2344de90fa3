"""EvseSession: what goes on at one EVSE, with a transaction or without one."""

from __future__ import annotations

import asyncio

from ocppflow.messages.v21 import ChargingStateEnumType, IdTokenType, TriggerReasonEnumType
from ocppflow.station.blocks.transactions.transaction_points import NOTHING_SO, Fact, Facts
from ocppflow.station.hardware import NOTHING, EvDemand, Offer
from ocppflow.station.transaction import Transaction


class EvseSession:
    """The state of one EVSE. Number 0 is for a driver who has been authorized before it is known at which EVSE."""

    __slots__ = (
        "asking",
        "authorized",
        "away",
        "bay",
        "charged",
        "connector",
        "demand",
        "denied",
        "evse",
        "faults",
        "group",
        "held",
        "keeper",
        "kept",
        "known",
        "locked",
        "offer",
        "only",
        "path",
        "pauses",
        "remote_start_id",
        "reservation_id",
        "resuming",
        "signed",
        "supplying",
        "token",
        "transaction",
    )

    def __init__(self, evse: int) -> None:
        self.evse = evse
        self.connector = 0
        """Where a cable is in; 0: nowhere."""
        self.away = False
        """A cable is in, but the EV has gone from its other end."""
        self.demand = EvDemand.NONE
        self.bay = self.charged = False
        """``charged``: the transaction of the cable that is in has ended."""
        self.authorized = False
        self.token: IdTokenType | None = None
        """Who is authorized, or was until the transaction ends."""
        self.group: IdTokenType | None = None
        self.remote_start_id: int | None = None
        self.reservation_id: int | None = None
        self.only: tuple[int, ...] = ()
        """The EVSEs at which the driver may plug in, who was authorized before that was known; empty: all."""
        self.asking = False
        """A token is being judged."""
        self.signed = self.locked = self.path = False
        """``path``: the contactor is closed."""
        self.resuming = self.supplying = False
        """A transaction of before is about to go on, and will tell how; cable and contactor are being closed."""
        self.offer: Offer = NOTHING
        self.pauses: set[str] = set()
        """Why energy must not flow, whatever is offered: ``invalid`` token, a ``limit`` that is reached, ``resumption``
        that is not allowed."""
        self.held = False
        """A random while is waited for before energy flows again (E17.FR.18)."""
        self.faults: set[int] = set()
        """Connectors with a fault that forbids charging; 0: the EVSE."""
        self.keeper: tuple[IdTokenType, IdTokenType | None] | None = None
        """Whose token unlocks the cable that was left locked (E09.FR.03, E05.FR.11), and that one's group."""
        self.known: Facts = NOTHING_SO
        """What was so when it was last considered whether a transaction starts or ends."""
        self.denied: TriggerReasonEnumType | None = None
        """What would have started a transaction, had the CSMS accepted the station already."""
        self.transaction: Transaction | None = None
        self.kept: asyncio.Future[None] | None = None
        """Done when the start of the transaction is durable."""

    @property
    def is_broken(self) -> bool:
        """Whether a fault forbids charging here: of the EVSE, or of the connector that is in use. One of another
        connector does not."""
        return bool(self.faults & {0, self.connector})

    @property
    def ev(self) -> bool:
        """Whether there is a connection with an EV."""
        return self.connector != 0 and not self.away

    @property
    def state(self) -> ChargingStateEnumType:
        """The charging state, as it is told."""
        if not self.ev:
            return "Idle"
        if not self.path:
            return "EVConnected"
        if self.offer.amps <= 0:
            return "SuspendedEVSE"
        return "Charging" if self.demand is EvDemand.READY else "SuspendedEV"

    @property
    def paused(self) -> bool:
        """Whether energy must not flow, whatever is offered."""
        return bool(self.pauses)

    @property
    def may_draw(self) -> bool:
        """Whether the EV gets energy as soon as something is offered."""
        return self.path and not self.paused and not self.held

    @property
    def facts(self) -> Facts:
        """What is so now."""
        so = {
            Fact.BAY: self.bay,
            Fact.EV: self.ev,
            Fact.AUTHORIZED: self.authorized,
            Fact.SIGNED: self.signed,
            Fact.PATH: self.path and self.authorized and self.ev,
            Fact.ENERGY: self.state == "Charging",
        }
        return frozenset(fact for fact, holds in so.items() if holds)

    @property
    def is_free(self) -> bool:
        """Whether nobody is authorized, no transaction runs, and no cable is in."""
        return not self.authorized and self.transaction is None and self.connector == 0

    def admit(
        self, token: IdTokenType, group: IdTokenType | None, remote_start_id: int | None, reservation_id: int | None
    ) -> None:
        """Somebody is authorized."""
        self.authorized = True
        self.token, self.group = token, group
        self.remote_start_id, self.reservation_id = remote_start_id, reservation_id
        if self.transaction is not None:
            self.hand_over(self.transaction)

    def hand_over(self, transaction: Transaction) -> None:
        """Let the transaction know its driver."""
        if self.token is not None and self.authorized:
            transaction.token, transaction.group = self.token, self.group
            transaction.remote_start_id, transaction.reservation_id = self.remote_start_id, self.reservation_id
            transaction.token_told = False
            transaction.stopped_reason = None

    def forget_driver(self) -> None:
        """Nobody is authorized here any more."""
        self.authorized = self.signed = self.held = False
        self.pauses.clear()
        self.token = self.group = self.remote_start_id = self.reservation_id = None
        self.only = ()
