"""Dialect16: what one station has to remember because it speaks 1.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ocppflow.messages import Version, v16
from ocppflow.station.blocks.block import Block
from ocppflow.station.dialect_16.numbering import connector_id, places
from ocppflow.station.dialect_16.statuses import Status16, status_16
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

AREA = "transactions_16"


class Known16(msgspec.Struct):
    """What is known of a transaction in 1.6's terms, before and after the CSMS knows of it."""

    number: int | None = None
    """The transactionId that the CSMS gave in StartTransaction.conf; None: it has not been told yet."""
    connector_id: int = 0
    """0 as long as no cable is in."""
    id_tag: str = ""
    """Who started it; empty as long as nobody is authorized."""
    reservation_id: int | None = None
    stop_tag: str = ""
    """Who presented a token after the start."""
    soft: bool = False
    """It ends because of a soft reset, which 2.1 does not tell from a hard one."""


class Dialect16(Block):
    """The numbers that a 1.6 CSMS gave to transactions, and the statuses of connectors that it was told.

    The numbers are kept: a transaction that outlives a power cut is stopped with the number that it was started with.
    """

    __slots__ = ("_due", "_known", "_told", "extended")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._known = station.store.load(AREA, Known16)
        self._told: dict[int, Status16] = {}
        self.extended = False
        """Whether the last trigger was an ExtendedTriggerMessage, which wants the newer kind of status notification."""

    # --- transactions --------------------------------------------------------------------------------------------

    def known(self, transaction_id: str) -> Known16:
        """What is known of a transaction so far."""
        return self._known.get(transaction_id) or Known16()

    def known_by(self, number: int) -> str | None:
        """The transaction that the CSMS means; None if there is none of this number."""
        return next((key for key, known in self._known.items() if known.number == number), None)

    def learn(self, transaction_id: str, known: Known16) -> None:
        """More is known of it. Staged: whoever takes the message from the queue commits it in the same moment."""
        self._known[transaction_id] = known
        self.station.store.put(AREA, transaction_id, known)

    def forget(self, transaction_id: str) -> None:
        """It is over, and the CSMS knows. Staged as well."""
        if self._known.pop(transaction_id, None) is not None:
            self.station.store.remove(AREA, transaction_id)

    def mark_soft(self) -> None:
        """What runs now ends because of a soft reset."""
        for transaction_id, known in self._known.items():
            known.soft = True
            self.station.store.put(AREA, transaction_id, known)

    # --- statuses ------------------------------------------------------------------------------------------------

    def registered(self) -> None:
        if self.station.version is Version.V16:
            self.tell_changes()

    def disconnected(self) -> None:
        self.cancel_timers()

    def transaction_started(self, transaction: Transaction) -> None:
        self.tell_changes()

    def transaction_ended(self, transaction: Transaction) -> None:
        self.tell_changes()

    def tell_all(self) -> None:
        """Say the status of the station and of all its connectors."""
        self._told.clear()
        self.tell_changes()

    def tell(self, evse: int, connector: int) -> None:
        """Say the status of one connector, or of the station, whether it has changed or not."""
        number = connector_id(self.station.config, evse, connector)
        self._told.pop(number, None)
        self._say(number)

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
        patience = self.station.device_model.integer("Configuration16", "MinimumStatusDuration")
        if patience and number in self._told:  # 1.6, 4.9: a status that does not last need not be told
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
        request = v16.StatusNotificationRequest(
            connector_id=number,
            status=status.status,
            error_code=status.error_code,
            info=status.info or msgspec.UNSET,
            vendor_error_code=status.vendor_code or msgspec.UNSET,
            vendor_id=self.station.config.vendor if status.vendor_code else msgspec.UNSET,
            timestamp=self.station.time.now(),
        )
        self.station.work(self.station.say(request), "StatusNotification")
