"""TransactionCosts: what the transactions of a station cost by the tariffs that are installed (2.1 I12)."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.messages import Version, v21
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, moment, station_local_clock
from ocppflow.station.blocks.tariff.cost_meter import CostMeter, MeterPoint
from ocppflow.station.blocks.tariff.tariff_book import TariffInUse
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.blocks.tariff.tariff_block import Tariff, Texts

AREA: Final = "transaction_costs"
"""Of the store: CostMeter by transactionId."""
CTRLR: Final = "TariffCostCtrlr"


class TransactionCosts:
    """A CostMeter for each transaction that has a tariff."""

    __slots__ = ("_block", "_last_told", "_meters")

    def __init__(self, block: Tariff) -> None:
        self._block = block
        self._meters: dict[str, CostMeter] = block.station.store.load(AREA, CostMeter)
        self._last_told: dict[str, int] = {}

    def of(self, transaction: Transaction) -> CostMeter | None:
        """The meter of a transaction."""
        return self._meters.get(transaction.id)

    def in_use(self) -> dict[int, TariffInUse]:
        """By EVSE, the tariff of its transaction."""
        found = {}
        for number, meter in self._meters.items():
            transaction = self._block.station.transactions.running.get(number)
            if transaction is not None:
                token = "" if transaction.token is None else transaction.token.id_token
                found[transaction.evse] = TariffInUse(meter.tariff.tariff_id, token, meter.kind)
        return found

    def description(self, evse: int) -> Texts | None:
        """What the tariff at an EVSE says of itself, if it says something."""
        if not self._block.calculates or not evse:
            return None
        transaction = self._block.station.transactions.on_evse(evse)
        meter = None if transaction is None else self.of(transaction)
        tariff = self._block.book.default(evse) if meter is None else meter.tariff
        if tariff is None or tariff.description is UNSET:
            return None
        return tariff.description[0], tariff.description[1:]

    # --- as time goes by -----------------------------------------------------------------------------------------

    def ready(self) -> None:
        """After a boot: go on with what runs still, forget the rest."""
        station, local = self._block.station, self._local()
        for number in list(self._meters):
            transaction = station.transactions.running.get(number)
            if transaction is None:
                self._forget(number)
            else:
                self._meters[number].resume(self._point(transaction), local)
        self.look_again()

    def ended(self, transaction: Transaction) -> None:
        """The last event is queued."""
        self._forget(transaction.id)
        self._block.book.forget_driver(transaction.token)  # I08.FR.06

    def _forget(self, number: str) -> None:
        self._last_told.pop(number, None)
        if self._meters.pop(number, None) is not None:
            self._block.station.store.remove(AREA, number)

    def time_set(self) -> None:
        """The time of day has been set: nobody pays for the difference."""
        jump = round(self._block.station.time.jump.total_seconds() * 1000)
        for meter in self._meters.values():
            meter.move(jump)
        self._last_told = {number: told + jump for number, told in self._last_told.items()}
        self.look_again()

    def look_again(self) -> None:
        """Bring all meters up to date, tell running costs that are due (I12.FR.02), and wake up when it is time."""
        station = self._block.station
        self._block.book.tidy()
        wait, now = inf, moment(station.time.now())
        local = self._local()
        for number, meter in self._meters.items():
            transaction = station.transactions.running.get(number)
            if transaction is None:
                continue
            self._advance(transaction, meter, local)
            if self._is_due(number, now):
                station.transactions.touch(transaction, "RunningCost")  # I12.FR.03
            every = station.device_model.integer(CTRLR, "Interval", variable_instance="Tariff") or 1
            wait = min(wait, every, (meter.next_moment(local) - now) / 1000, self._until_due(number, now))
        self._block.wake_at(max(0.001, wait))

    def _advance(self, transaction: Transaction, meter: CostMeter, local: LocalClock) -> None:
        meter.advance(self._point(transaction), local)
        self._block.station.store.put(AREA, transaction.id, meter)
        total = meter.totals()[1]
        if total != transaction.total_cost:
            self._block.station.transactions.told_cost(transaction, total)  # a limit of cost may be reached (E16)
            self._block.show_cost(transaction, total)

    def _point(self, transaction: Transaction) -> MeterPoint:
        station = self._block.station
        at = moment(station.time.now())
        if station.hardware is None or not transaction.evse:
            return MeterPoint(at, 0.0, 0.0, 0.0, transaction.charging_state)
        reading = station.hardware.evses[transaction.evse - 1].read()
        state = transaction.charging_state
        return MeterPoint(at, reading.energy_import, reading.power, sum(reading.currents), state)

    def _local(self) -> LocalClock:
        return station_local_clock(self._block.station.device_model) if self._meters else LocalClock()

    def _told_running(self) -> bool:
        return self._block.station.device_model.flag(CTRLR, "Enabled", variable_instance="RunningCost")

    def _until_due(self, number: str, now: int) -> float:
        if not self._told_running():
            return inf
        every = self._block.station.device_model.integer(CTRLR, "Interval", variable_instance="Cost") or 60
        return max(0.0, every - (now - self._last_told.get(number, now)) / 1000)

    def _is_due(self, number: str, now: int) -> bool:
        return number in self._last_told and self._until_due(number, now) == 0.0

    # --- in the events of a transaction --------------------------------------------------------------------------

    def complete(self, request: v21.TransactionEventRequest, transaction: Transaction) -> None:
        """Add to an event that is about to be queued what belongs into it: the tariff's id once (I08.FR.22), the cost
        while it runs (I12.FR.02) and at the end (I12.FR.01)."""
        meter = self._meters.get(transaction.id)
        if meter is None and self._block.book.is_empty:
            return
        if not self._block.calculates or self._block.station.version is Version.V201:
            return
        if meter is None:
            meter = self._begin(transaction)
            if meter is None:
                return
        else:
            self._advance(transaction, meter, self._local())
        if not meter.told_id:
            meter.told_id = True
            request.transaction_info.tariff_id = meter.tariff.tariff_id
        final = request.event_type == "Ended"
        now = moment(self._block.station.time.now())
        first = transaction.id not in self._last_told
        if final or (self._told_running() and (first or self._until_due(transaction.id, now) == 0.0)):
            request.cost_details = meter.details(final=final)
            self._last_told[transaction.id] = now
        self._block.station.store.put(AREA, transaction.id, meter)

    def _begin(self, transaction: Transaction) -> CostMeter | None:
        """The tariff of the driver, or else the default of the EVSE (I07.FR.14), from when it is known who charges."""
        if transaction.token is None or not transaction.evse or self._block.book.is_central(transaction.token):
            return None
        own, default = self._block.book.of_driver(transaction.token), self._block.book.default(transaction.evse)
        if own is not None:
            return self.apply(transaction, own)
        return None if default is None else self.apply(transaction, default, "DefaultTariff")

    def apply(
        self, transaction: Transaction, tariff: v21.TariffType, kind: v21.TariffKindEnumType = "DriverTariff"
    ) -> CostMeter:
        """Use a tariff from now on (I11.FR.08)."""
        local, meter = station_local_clock(self._block.station.device_model), self._meters.get(transaction.id)
        if meter is not None:
            self._advance(transaction, meter, local)
            meter.change(tariff, local)
        else:
            current = self._block.station.config.evses[transaction.evse - 1].current
            more = UNSET if transaction.token is None else transaction.token.additional_info
            payment = frozenset((one.type, one.additional_id_token) for one in (() if more is UNSET else more))
            meter = CostMeter.begin(
                tariff,
                self._point(transaction),
                local,
                evse_kind=current,
                payment=payment,
                reserved=self._block.station.reservations.kept_for(transaction.reservation_id),
            )
            self._meters[transaction.id] = meter
        meter.kind = kind
        self._block.station.store.put(AREA, transaction.id, meter)
        self._block.wake_at(0.001)
        return meter
