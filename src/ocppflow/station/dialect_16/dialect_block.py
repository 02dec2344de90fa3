"""Dialect16: what one station has to remember because it speaks 1.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.messages import Request, Response, Version, v16, v21
from ocppflow.messages.words_16 import token_status_16
from ocppflow.station.blocks.block import Block
from ocppflow.station.device_model.standard.keys_16 import KEYS_OF_ITS_OWN
from ocppflow.station.dialect_16.numbering import connector_id, places
from ocppflow.station.dialect_16.statuses import Status16, status_16
from ocppflow.station.dialect_16.words import id_tag, token_21
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

AREA = "transactions_16"

_BREATH = 0.2
"""Seconds that a status lasts at least before it is told: one thing that happens changes it more than once."""


class Known16(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A transaction in 1.6's terms. It is kept with the events that it comes from, in one commit."""

    number: int | None = None
    """The transactionId that the CSMS gave in StartTransaction.conf; None: it has not been told yet."""
    verdict: v16.IdTagInfo | None = None
    """What it said there of the driver, until that has been taken in."""
    connector_id: int = 0
    """0 as long as no cable is in."""
    id_tag: str = ""
    """Who started it; empty as long as nobody is authorized."""
    start_seq_no: int | None = None
    """Of the first event with both, which is the one that becomes StartTransaction; None: there was none so far."""
    meter_start: float = 0.0
    """Wh of the register then."""
    meter_stop: float = 0.0
    """Wh of the register at its end."""
    reservation_id: int | None = None
    stop_tag: str = ""
    """Who presented a token after the start."""
    soft: bool = False
    """It ends because of a soft reset, which 2.1 does not tell from a hard one."""


class Dialect16(Block):
    """The transactions in 1.6's terms, and the statuses of connectors that the CSMS was told.

    The numbers are kept: a transaction that outlives a power cut is stopped with the number that it was started with.
    """

    __slots__ = ("_known", "_offered", "_told", "spoken")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._offered = Version.V16 in station.versions
        self._known = station.store.load(AREA, Known16)
        self._told: dict[int, Status16] = {}
        self.spoken = all(version is Version.V16 for version in station.versions)
        """Whether the last connection spoke 1.6; before the first one, whether nothing else can be spoken."""

    # --- transactions --------------------------------------------------------------------------------------------

    def known(self, transaction_id: str) -> Known16:
        """What is known of a transaction."""
        return self._known.get(transaction_id) or Known16()

    def known_by(self, number: int) -> str | None:
        """The transaction that the CSMS means; None if there is none of this number."""
        return next((key for key, known in self._known.items() if known.number == number), None)

    def queued(self, event: v21.TransactionEventRequest) -> None:
        """An event is about to be kept, to be sent later: what 1.6 will need of it is kept with it."""
        if not self._offered:
            return
        transaction_id = event.transaction_info.transaction_id
        known = self._known.setdefault(transaction_id, Known16())
        self._widen(known, event)
        self.station.store.put(AREA, transaction_id, known)
        self.tell_changes()

    def _widen(self, known: Known16, event: v21.TransactionEventRequest) -> None:
        if not isinstance(event.evse, UnsetType) and not isinstance(event.evse.connector_id, UnsetType):
            known.connector_id = connector_id(self.station.config, event.evse.id, event.evse.connector_id)
        if not isinstance(event.id_token, UnsetType) and event.id_token.id_token:
            if known.start_seq_no is None:
                known.id_tag = id_tag(event.id_token)
            else:
                known.stop_tag = id_tag(event.id_token)
        if not isinstance(event.reservation_id, UnsetType):
            known.reservation_id = event.reservation_id
        if known.start_seq_no is None and known.connector_id and known.id_tag:
            known.start_seq_no = event.seq_no
            known.meter_start = self._register(known)
        if event.event_type == "Ended" and known.connector_id:
            known.meter_stop = self._register(known)

    def _register(self, known: Known16) -> float:
        evse, _ = places(self.station.config)[known.connector_id - 1]
        return self.station.metering.register(evse)

    def started(self, transaction_id: str, number: int, verdict: v16.IdTagInfo) -> None:
        """The CSMS has given a number. It is kept before anything else is said, so that nothing is started twice."""
        known = self._known.setdefault(transaction_id, Known16())
        known.number, known.verdict = number, verdict
        self.station.store.put(AREA, transaction_id, known)
        self.station.store.commit()

    def answered(self, request: Request[Any], response: Response) -> None:
        if not isinstance(request, v21.TransactionEventRequest):
            return
        transaction_id = request.transaction_info.transaction_id
        known = self._known.get(transaction_id)
        if known is not None and known.verdict is not None and known.start_seq_no == request.seq_no:
            known.verdict = None
            self.station.store.put(AREA, transaction_id, known)

    def forget(self, transaction_id: str) -> None:
        """It is over, and nothing more will be said of it. Committed together with its last message's leaving the
        queue."""
        if self._known.pop(transaction_id, None) is not None:
            self.station.store.remove(AREA, transaction_id)

    def mark_soft(self) -> None:
        """What runs now ends because of a soft reset."""
        for transaction_id, known in self._known.items():
            known.soft = True
            self.station.store.put(AREA, transaction_id, known)

    # --- statuses ------------------------------------------------------------------------------------------------

    def connected(self) -> None:
        self.spoken = self.station.version is Version.V16

    def boot_answered(self) -> None:
        """The CSMS has answered a BootNotification. If it accepts the station, it hears every status anew (errata
        3.22)."""
        self._told.clear()

    def registered(self) -> None:
        self.tell_changes()

    def disconnected(self) -> None:
        self.cancel_timers()

    def transaction_ended(self, transaction: Transaction) -> None:
        self.tell_changes()

    async def tell(self, number: int | None = None) -> None:
        """Say the status of one connector, or of the station (0), or of all that there is, changed or not: the CSMS has
        asked for it by a trigger."""
        for each in range(len(places(self.station.config)) + 1) if number is None else (number,):
            self.cancel_timer(f"status {each}")
            self._told[each] = self._status(each)
            await self._sent(each, self._told[each], asked=True)

    def told_of(self, tag: str, info: v16.IdTagInfo) -> None:
        """The CSMS has said what it thinks of an idTag: if the local list sees that otherwise, the CSMS hears of it
        (3.5.2). ConcurrentTx is a word for a valid tag, which only the CSMS can know to be in use."""
        listed = self.station.local_list.find(token_21(tag))
        if listed is None or _is_valid(info.status) == _is_valid(token_status_16(listed.status)):
            return
        note = f"idTag {tag}: {info.status}, listed as {listed.status}"
        status = self._status(0)._replace(error_code="LocalListConflict", info=note[:50])
        self.station.work(self.station.say(self._request(0, status)), "StatusNotification")

    def tell_changes(self) -> None:
        """Say whatever status the CSMS does not know. Nothing on a connection of another version."""
        if self.station.version is not Version.V16 or not self.station.provisioning.may_send:
            return
        for number in range(len(places(self.station.config)) + 1):
            self._say_if_new(number)

    def _say_if_new(self, number: int) -> None:
        if self._told.get(number) == self._status(number):
            self.cancel_timer(f"status {number}")
            return
        if number in self._told:  # 1.6, 4.9: a status that does not last need not be told
            patience = self.station.device_model.decimal(KEYS_OF_ITS_OWN, "MinimumStatusDuration") or _BREATH
            if f"status {number}" not in self._timers:
                self.later(f"status {number}", patience, lambda: self._say(number))
        else:
            self._say(number)

    def _status(self, number: int) -> Status16:
        evse, connector = places(self.station.config)[number - 1] if number else (0, 0)
        return status_16(self.station, evse, connector)

    def _say(self, number: int) -> None:
        status = self._status(number)
        if status == self._told.get(number) or not self.station.provisioning.may_send:
            return
        self._told[number] = status
        self.station.work(self._sent(number, status), "StatusNotification")

    async def _sent(self, number: int, status: Status16, *, asked: bool = False) -> None:
        answer = await self.station.say(self._request(number, status), asked=asked)
        if answer is None and self._told.get(number) == status:
            del self._told[number]  # the CSMS has not heard it

    def _request(self, number: int, status: Status16) -> v16.StatusNotificationRequest:
        return v16.StatusNotificationRequest(
            connector_id=number,
            status=status.status,
            error_code=status.error_code,
            info=status.info or UNSET,
            vendor_error_code=status.vendor_code or UNSET,
            vendor_id=self.station.config.vendor if status.vendor_code else UNSET,
            timestamp=self.station.time.now(),
        )


def _is_valid(status: v16.AuthorizationStatus) -> bool:
    return status in ("Accepted", "ConcurrentTx")
