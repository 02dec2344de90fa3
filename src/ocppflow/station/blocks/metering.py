"""J, Metering: meter values, sampled in transactions, and aligned with the clock within and outside of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from ocppflow.messages import Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.ended_values import EndedValues
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.clock_alignment import next_dot
from ocppflow.station.device_model import VariableKey, on_change
from ocppflow.station.hardware import SignedReading
from ocppflow.station.measured_values import sampled_values, signed_value
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

Ctrlr = Literal["SampledDataCtrlr", "AlignedDataCtrlr"]

_LATE: Final = 1.0
"""Seconds after its dot in which a clock-aligned value is still taken: a busy loop may wake late."""

_EARLY: Final = 0.005
"""Seconds by which a timer may seem early, since the time of day counts whole milliseconds."""


class Metering(Block):
    """The meter values of one station."""

    __slots__ = ("_dots", "_due", "_since", "ended")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.ended = EndedValues(station)
        """What is collected for the Ended events."""
        self._due: dict[str, float] = {}
        """Clock time of the next sample, by timer."""
        self._dots: dict[str, datetime] = {}
        """When the next clock-aligned values are due, by variable."""
        self._since: dict[str, float] = {}
        """Wh of the register at the last sample with an Interval measurand, by EVSE and variable."""

    # --- reading -------------------------------------------------------------------------------------------------

    def register(self, evse: int) -> float:
        """Wh of the register of an EVSE's meter."""
        return hardware_of(self.station, evse).read().energy_import

    def sample(
        self,
        evse: int,
        context: v21.ReadingContextEnumType,
        measurands_variable: str,
        *,
        at: datetime | None = None,
        transaction: Transaction | None = None,
    ) -> list[v21.MeterValueType]:
        """What the meter of an EVSE shows now, of the measurands that a variable lists, such as
        ``SampledDataCtrlr.TxUpdatedMeasurands``; empty if it lists none that there is, or its controller is off.
        ``at``: the timestamp, now by default. ``transaction``: in whose event it goes."""
        component, _, variable = measurands_variable.partition(".")
        model = self.station.device_model
        measurands = model.members(component, variable)
        if not measurands or not evse or not model.flag(component, "Enabled", True):
            return []
        reading = hardware_of(self.station, evse).read()
        since = None
        if "Energy.Active.Import.Interval" in measurands:
            where = f"{evse} {measurands_variable}"
            since, self._since[where] = self._since.get(where), reading.energy_import
        signed = None
        if reading.signed is not None and self._signs(component, variable):
            signed = self._signature(reading.signed, transaction)
        values = sampled_values(
            reading,
            measurands,
            context,
            offer=self.station.transactions.sessions[evse].offer,
            since=since,
            signed=signed,
        )
        return [v21.MeterValueType(timestamp=at or self.station.time.now(), sampled_value=values)] if values else []

    def _signs(self, component: str, variable: str) -> bool:
        """Whether values go with their signature. 2.0.1 has SignReadings alone; in 2.1 that is for what Ended events
        hold, and for the rest there is a second switch (J02.FR.21 with SampledDataSignStartedReadings and
        SampledDataSignUpdatedReadings; J01.FR.21 with AlignedDataSignUpdatedReadings)."""
        model = self.station.device_model
        if not model.flag(component, "SignReadings"):
            return False
        if self.station.version is Version.V201 or variable == "TxEndedMeasurands":
            return True
        if variable == "TxStartedMeasurands":
            return model.flag(component, "SignStartedReadings") or "DataSigned" in self.station.transactions.points(
                "TxStartPoint"
            )
        return model.flag(component, "SignUpdatedReadings")

    def _signature(self, reading: SignedReading, transaction: Transaction | None) -> v21.SignedMeterValueType:
        mode = self.station.device_model.text("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue", "Never")
        once = mode == "OncePerTransaction" and transaction is not None and not transaction.key_told
        if once and transaction is not None:
            transaction.key_told = True
        key = reading.public_key if mode == "EveryMeterValue" or once else ""
        return signed_value(reading, key)

    # --- transactions --------------------------------------------------------------------------------------------

    def begin_values(self, transaction: Transaction) -> list[v21.MeterValueType]:
        """The values of the beginning (E01.FR.09), and what of them the Ended event will repeat (E06.FR.11; 1.6, errata
        3.14: always)."""
        evse = transaction.evse
        told = self.sample(evse, "Transaction.Begin", "SampledDataCtrlr.TxStartedMeasurands", transaction=transaction)
        in_between = self.station.device_model.integer("SampledDataCtrlr", "TxEndedInterval")
        if not in_between or self.station.dialect_16.spoken:
            variable = "SampledDataCtrlr.TxEndedMeasurands"
            kept = self.sample(evse, "Transaction.Begin", variable, transaction=transaction)
            self.ended.collect(transaction.id, kept)
        return told

    def ended_values(self, transaction: Transaction) -> list[v21.MeterValueType]:
        """The values of an Ended event: those collected, and the last ones (E06.FR.11). The store forgets them with the
        next commit."""
        collected = self.ended.take(transaction.id)
        if not transaction.begin_told:
            return collected
        last = self.sample(
            transaction.evse, "Transaction.End", "SampledDataCtrlr.TxEndedMeasurands", transaction=transaction
        )
        return [*collected, *last]

    def transaction_started(self, transaction: Transaction) -> None:
        self._sample_from_now(transaction)

    def _sample_from_now(self, transaction: Transaction) -> None:
        self._every(transaction, "TxUpdatedInterval", self._updated)
        self._every(transaction, "TxEndedInterval", self._for_the_end)

    def transaction_ended(self, transaction: Transaction) -> None:
        for variable in ("TxUpdatedInterval", "TxEndedInterval"):
            self._stop(f"{variable} {transaction.id}")
        self.ended.forget(transaction.id)

    def _every(self, transaction: Transaction, variable: str, take: Callable[[Transaction], None]) -> None:
        """Take samples each so many seconds, as far as the variable says; each a whole interval after the last."""
        name = f"{variable} {transaction.id}"
        interval = self.station.device_model.integer("SampledDataCtrlr", variable)
        if not interval:
            self._stop(name)
            return
        self._due[name] = self._due.get(name, self.station.clock.now()) + interval
        self.later(name, self._due[name] - self.station.clock.now(), partial(self._take, transaction, variable, take))

    def _take(self, transaction: Transaction, variable: str, take: Callable[[Transaction], None]) -> None:
        self._every(transaction, variable, take)
        if transaction.begin_told and transaction.id in self.station.transactions.running:
            take(transaction)

    def _stop(self, name: str) -> None:
        self._due.pop(name, None)
        self.cancel_timer(name)

    def _updated(self, transaction: Transaction) -> None:
        """J02.FR.11."""
        values = self.sample(
            transaction.evse, "Sample.Periodic", "SampledDataCtrlr.TxUpdatedMeasurands", transaction=transaction
        )
        if values:
            self.station.transactions.touch(transaction, "MeterValuePeriodic", values=values)

    def _for_the_end(self, transaction: Transaction) -> None:
        variable = "SampledDataCtrlr.TxEndedMeasurands"
        values = self.sample(transaction.evse, "Sample.Periodic", variable, transaction=transaction)
        self.ended.collect(transaction.id, values, commit=True)

    # --- by the clock --------------------------------------------------------------------------------------------

    def ready(self) -> None:
        self._align_all()
        for evse in range(1, len(self.station.config.evses) + 1):
            if self.station.device_model.find("FiscalMetering", "PublicKey", evse=evse) and self.station.hardware:
                signed = hardware_of(self.station, evse).read().signed
                if signed is not None:
                    self.station.device_model.set("FiscalMetering", "PublicKey", signed.public_key, evse=evse)

    def time_set(self) -> None:
        """What is due in this very moment is not lost."""
        for variable, take in self._aligned:
            dot = self._dots.get(variable)
            if dot is not None and self._is_now(dot):
                self._strike(variable, take, dot)
            else:
                self._align(variable, take)

    def _align_all(self) -> None:
        for variable, take in self._aligned:
            self._align(variable, take)

    @property
    def _aligned(self) -> tuple[tuple[str, Callable[[datetime], None]], ...]:
        return (("Interval", self._on_the_dot), ("TxEndedInterval", self._dot_for_the_end))

    def _align(self, variable: str, take: Callable[[datetime], None], struck: datetime | None = None) -> None:
        """Wake at the next dot of the time of day, counted from midnight (J, 2.2); not at one that was ``struck``."""
        interval = self.station.device_model.integer("AlignedDataCtrlr", variable)
        if not interval:
            self._dots.pop(variable, None)
            self.cancel_timer(variable)
            return
        now = self.station.time.now()
        dot = self._dots[variable] = next_dot(max(now, struck) if struck is not None else now, interval)
        self.later(variable, (dot - now).total_seconds(), partial(self._strike, variable, take, dot))

    def _is_now(self, dot: datetime) -> bool:
        return 0 <= (self.station.time.now() - dot).total_seconds() + _EARLY <= _LATE

    def _strike(self, variable: str, take: Callable[[datetime], None], dot: datetime) -> None:
        is_now = self._is_now(dot)  # else the time of day has jumped
        self._align(variable, take, dot if is_now else None)
        if is_now:
            take(dot)

    def _on_the_dot(self, dot: datetime) -> None:
        """J01.FR.14, J01.FR.22; with SendDuringIdle, nothing while a transaction runs (J01.FR.20)."""
        running = self.station.transactions.running
        if running and self.station.device_model.flag("AlignedDataCtrlr", "SendDuringIdle"):
            return
        for evse in range(1, len(self.station.config.evses) + 1):
            transaction = self.station.transactions.on_evse(evse)
            if transaction is not None and not transaction.begin_told:
                transaction = None
            values = self.sample(evse, "Sample.Clock", "AlignedDataCtrlr.Measurands", at=dot, transaction=transaction)
            if not values:
                continue
            if transaction is not None:
                self.station.transactions.touch(transaction, "MeterValueClock", values=values, at=dot)
            else:
                request = v21.MeterValuesRequest(evse_id=evse, meter_value=values)
                self.station.work(self.station.say(request), "meter values")

    def _dot_for_the_end(self, dot: datetime) -> None:
        for transaction in self.station.transactions.running.values():
            if transaction.begin_told:
                variable = "AlignedDataCtrlr.TxEndedMeasurands"
                values = self.sample(transaction.evse, "Sample.Clock", variable, at=dot, transaction=transaction)
                self.ended.collect(transaction.id, values, commit=True)

    def changed(self, variable: str, *, aligned: bool) -> None:
        """An interval has another value, which counts at once."""
        if aligned:
            self._align_all()
            return
        for transaction in self.station.transactions.running.values():
            self._stop(f"{variable} {transaction.id}")
            self._every(transaction, variable, self._updated if variable == "TxUpdatedInterval" else self._for_the_end)


def _new_interval(station: CompleteStation, key: VariableKey, value: str) -> None:
    if station.is_up:
        station.metering.changed(key.variable, aligned=key.component == "AlignedDataCtrlr")


for _component, _variable in (
    ("SampledDataCtrlr", "TxUpdatedInterval"),
    ("SampledDataCtrlr", "TxEndedInterval"),
    ("AlignedDataCtrlr", "Interval"),
    ("AlignedDataCtrlr", "TxEndedInterval"),
):
    on_change(_component, _variable)(_new_interval)
