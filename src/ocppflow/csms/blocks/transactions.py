"""E: TransactionEvent, StartTransaction and StopTransaction, into the books."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.books.booked import Booked


class TransactionService(CSMSBlock):
    """E: TransactionEvent, StartTransaction and StopTransaction, into the books."""

    title = "transactions"

    def active(self, identity: str, evse: int | None = None) -> list[Booked]:
        """The transactions that go on at a station, or at one of its EVSEs."""
        raise NotImplementedError

    async def find(self, identity: str, transaction_id: str) -> Booked | None:
        """A transaction, whatever its state."""
        raise NotImplementedError

    async def close_by_hand(self, number: int, by: str, why: str, energy_wh: float | None = None) -> Booked:
        """End a transaction that needs attention."""
        raise NotImplementedError
