"""EvseOffers: what the EVs of a station are offered from moment to moment."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ocppflow.station.blocks.smart_charging.charging_rate import ChargingRate
from ocppflow.station.blocks.smart_charging.composite_schedule import StationLimits, next_change
from ocppflow.station.blocks.smart_charging.load_sharing import Claim, share
from ocppflow.station.blocks.smart_charging.wiring import supplies
from ocppflow.station.hardware import Hardware, Offer

if TYPE_CHECKING:
    from ocppflow.station.blocks.smart_charging.charging_block import SmartCharging

_LOOK_AGAIN = 10.0
"""Seconds after which it is looked at again who draws how much, while EVSEs have to share, and at the state of
charge."""


_FAR = 10**12
"""Milliseconds after which a change is looked for again: a profile may name any number of seconds."""


class EvseOffers:
    """Tells the hardware what it may offer: what the limits allow now and, if all together may not have that, a share
    of it. For each EVSE a timer runs until its limit changes; none if it does not."""

    __slots__ = ("_block", "_made")

    def __init__(self, block: SmartCharging) -> None:
        self._block = block
        self._made: dict[int, Offer] = {}

    def made_to(self, evse: int) -> Offer | None:
        """What the EVSE is offered now; None: nothing has been said yet."""
        return self._made.get(evse)

    def recompute(self, asks: int = 0) -> None:
        """Make new offers where they are other ones now; ``asks``: an EVSE that will fetch its own by
        :meth:`made_to`."""
        block, hardware = self._block, self._block.station.hardware
        if hardware is None:
            return
        now, limits = block.now(), block.limits()
        rates = [limits.evse(number, now)[0] for number in range(1, len(limits.evses) + 1)]
        shared = self._shares(hardware, limits, rates, now)
        for number, rate in enumerate(rates, 1):
            self._make(number, self.offer(number, rate, shared.get(number, inf)), quiet=number == asks)
            changes = next_change(lambda when, number=number: limits.evse(number, when), now)  # type: ignore[misc]
            if changes == inf:
                block.cancel_timer(f"limit {number}")
            else:  # a millisecond later, so that no rounding makes it too early
                block.later(f"limit {number}", min(changes - now + 1, _FAR) / 1000, block.recompute)

    def offer(self, evse: int, rate: ChargingRate, amps: float = inf) -> Offer:
        """A limit as it can be offered, with no more than ``amps`` per phase."""
        supply = supplies(self._block.station.config)[1][evse - 1]
        least = self._block.station.config.evses[evse - 1].min_amps
        shared = rate._replace(amps=min(rate.amps, amps))
        given = shared.value("A", supply.voltage)
        if given < least and not supply.is_dc:  # IEC 61851-1: an EV cannot charge with less
            return Offer(watts=0.0, amps=0.0, phases=rate.phases)
        return Offer(watts=shared.value("W", supply.voltage), amps=given, phases=rate.phases)

    def _make(self, evse: int, offer: Offer, *, quiet: bool) -> None:
        before = self._made.get(evse)
        self._made[evse] = offer
        if offer != before and not quiet:
            self._block.station.transactions.offered(evse, offer)
            if before is not None:
                self._block.offer_changed(evse, before, offer)

    # --- sharing (K04) -------------------------------------------------------------------------------------------

    def _shares(
        self, hardware: Hardware, limits: StationLimits, rates: list[ChargingRate], now: int
    ) -> dict[int, float]:
        """A per phase for the EVSEs that have to share; empty if none has to."""
        block = self._block
        sessions = block.station.transactions.sessions
        taking = [number for number in range(1, len(rates) + 1) if sessions[number].may_draw]
        together, _ = limits.shared(now)
        drawn = {number: max(hardware.evses[number - 1].read().currents, default=0.0) for number in taking}
        claims = [self._claim(number, limits, rates[number - 1], drawn[number], now) for number in taking]
        amps, watts = together.amps_at(limits.supply.voltage), together.watts_at(limits.supply.voltage)
        needed = sum(claim.most * claim.grid for claim in claims), sum(claim.most * claim.watts for claim in claims)
        scarce = len(claims) > 1 and (needed[0] > amps + 1e-6 or needed[1] > watts + 1e-6)
        if scarce or (taking and block.limits_by_soc):
            block.later("look again", _LOOK_AGAIN, block.recompute)
        else:
            block.cancel_timer("look again")
        return dict(zip(taking, share(claims, amps, watts), strict=True)) if scarce else {}

    def _claim(self, evse: int, limits: StationLimits, rate: ChargingRate, drawn: float, now: int) -> Claim:
        place, config = limits.evses[evse - 1], self._block.station.config.evses[evse - 1]
        transaction, offer = self._block.transaction_on(evse), self._made.get(evse)
        one_amp = ChargingRate(1.0, inf, rate.phases)
        wanted = most = rate.amps_at(place.supply.voltage)
        needed = 0.0 if place.supply.is_dc else config.min_amps
        least = max(needed, min(most, place.least(now)))  # an inefficient rate is better than none (K01.FR.21)
        if offer is not None and 0 < drawn < 0.9 * offer.amps:
            wanted = drawn * 1.1 + 1  # as much as it takes, and room to find out that it wants more
        elif not drawn and transaction is not None and transaction.charging_state == "SuspendedEV":
            wanted = least
        return Claim(
            most=most,
            least=least,
            wanted=max(least, wanted),
            grid=limits.grid_amps(place.supply, one_amp),
            watts=one_amp.watts_at(place.supply.voltage),
            rank=(-(transaction.charging_priority or 0), transaction.started_at.timestamp())
            if transaction
            else (0, inf),
        )
