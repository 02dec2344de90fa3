"""I: tariffs and costs."""

from __future__ import annotations

from msgspec import Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock


class NamedTariff(Struct):
    """A tariff of the store."""


class Course(Struct):
    """When energy flowed, and when the EV was idle."""


class TransactionCost(Struct):
    """What it costs, line by line."""


class TariffService(CSMSBlock):
    """I: tariffs and costs."""

    title = "tariff"

    async def tariff_for(
        self, identity: str, evse: int | None, token: str | None, token_type: str | None
    ) -> NamedTariff | None:
        """The tariff of a transaction: the token's, its group's, the station's, the default."""
        raise NotImplementedError

    def price(self, tariff: NamedTariff, course: Course) -> TransactionCost:
        """What a transaction costs, by when energy flowed and the EV was idle."""
        raise NotImplementedError
