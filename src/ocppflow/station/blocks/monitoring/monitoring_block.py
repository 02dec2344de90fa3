"""Monitoring: the monitors of one station at work."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.messages import v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.monitoring.event_outlet import EventOutlet, is_online, queued_severity
from ocppflow.station.blocks.monitoring.monitor import Monitor, MonitorEvent, judge, next_aligned
from ocppflow.station.blocks.monitoring.monitor_table import MonitorTable, is_numeric
from ocppflow.station.device_model import VariableKey
from ocppflow.station.device_model.device_model import Watcher
from ocppflow.station.device_model.variable_hooks import TELLERS
from ocppflow.station.device_model.wire_keys import component_of, variable_of

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

POLL: Final = 1.0
"""Seconds between looks at a value that nobody announces, such as that of the meter."""


class Monitoring(Block):
    """Watches variables for the monitors there are; without any it costs nothing. While events cannot be sent, the
    monitors whose events would not wait in the queue rest, and look at the values once they can be: then the CSMS hears
    what is so, and not of what it has missed (2.1, N07 remarks)."""

    __slots__ = ("_by_key", "_dues", "outlet", "table")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.outlet = EventOutlet(station)
        self.table = MonitorTable(station.identity, station.config, station.device_model, station.store)
        self._by_key: dict[VariableKey, list[Monitor]] = {}
        self._dues: dict[int, datetime] = {}
        """When the clock-aligned monitors are due, by id."""

    @property
    def level(self) -> int:
        """Up to which severity events are reported (N05)."""
        return self.station.device_model.integer("MonitoringCtrlr", "ActiveMonitoringLevel", 9)

    @property
    def enabled(self) -> bool:
        """MonitoringCtrlr.Enabled."""
        return self.station.device_model.flag("MonitoringCtrlr", "Enabled", False)

    # --- what happens around it ----------------------------------------------------------------------------------

    def ready(self) -> None:
        """The station is up, and every value is what it is."""
        self.arm()
        self.look_at_all()

    def registered(self) -> None:
        self.outlet.retry()
        self.look_at_all()

    def time_set(self) -> None:
        now = self.station.time.now()
        for number, due in list(self._dues.items()):
            monitor = self.table.active[number]
            # what was due a moment ago is not left out, nor is anything when the clock was ahead
            self._wait_until(monitor, min(due, next_aligned(now, monitor.value)))

    def power_down(self) -> None:
        self.outlet.close()
        super().power_down()

    def transaction_started(self, transaction: Transaction) -> None:
        for monitor in list(self.table.active.values()):
            if monitor.transaction and monitor.key.evse in (0, transaction.evse):
                monitor.alarmed, monitor.reference = False, None
                self.look_at(monitor)
                self._wait(monitor)

    # --- monitors ------------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Watch for the monitors that are active now, and for no others."""
        self.cancel_timers()
        self._by_key = {}
        self._dues = {}
        for monitor in self.table.active.values():
            if monitor.is_periodic:
                self._wait(monitor)
            else:
                self._by_key.setdefault(monitor.key, []).append(monitor)
        watchers: dict[VariableKey, Watcher] = dict.fromkeys(self._by_key, self._changed)
        self.station.device_model.watchers = watchers or None
        self._poll_later()

    def _changed(self, key: VariableKey, before: str, now: str) -> None:
        for monitor in self._by_key.get(key, ()):
            if monitor.type == "Delta" and monitor.reference is None and before != now:
                monitor.reference = before
            self.look_at(monitor)

    def look_at_all(self) -> None:
        """Compare all values with what the monitors remember."""
        for monitors in self._by_key.values():
            for monitor in monitors:
                self.look_at(monitor)

    def look_at(self, monitor: Monitor) -> None:
        """Make an event of it, if its value asks for one."""
        if not self._is_active(monitor) or not self._is_heard(monitor):
            return
        model = self.station.device_model
        declaration = model.declared[monitor.key]
        target = model.shown(declaration, "Target") or "" if declaration.targets else ""
        before = (monitor.alarmed, monitor.reference)
        event = judge(monitor, self._value(monitor), target, numeric=is_numeric(declaration))
        if (monitor.alarmed, monitor.reference) != before:
            self.table.keep(monitor)
        if event is not None:
            self.report(monitor, event)

    def _value(self, monitor: Monitor) -> str:
        key = monitor.key
        value = self.station.device_model.value(
            key.component,
            key.variable,
            component_instance=key.component_instance,
            variable_instance=key.variable_instance,
            evse=key.evse,
            connector=key.connector,
        )
        return value or ""

    def _is_active(self, monitor: Monitor) -> bool:
        if not monitor.transaction:
            return True
        transactions = self.station.transactions
        return transactions.on_evse(monitor.key.evse) is not None if monitor.key.evse else bool(transactions.running)

    def _is_heard(self, monitor: Monitor) -> bool:
        return is_online(self.station) or monitor.severity <= queued_severity(self.station)

    def _transaction(self, evse: int) -> str | None:
        transactions = self.station.transactions
        if evse:
            running = transactions.on_evse(evse)
            return running.id if running is not None else None
        return next(iter(transactions.running), None) if len(transactions.running) == 1 else None

    # --- by the clock --------------------------------------------------------------------------------------------

    def _wait(self, monitor: Monitor) -> None:
        if monitor.type == "Periodic":
            self.later(f"monitor {monitor.id}", monitor.value, lambda: self._due(monitor))
        elif monitor.type == "PeriodicClockAligned":
            self._wait_until(monitor, next_aligned(self.station.time.now(), monitor.value))

    def _wait_until(self, monitor: Monitor, due: datetime) -> None:
        self._dues[monitor.id] = due
        seconds = (due - self.station.time.now()).total_seconds()
        self.later(f"monitor {monitor.id}", seconds, lambda: self._due(monitor))

    def _due(self, monitor: Monitor) -> None:
        self._wait(monitor)
        if self._is_active(monitor) and self._is_heard(monitor):
            self.report(monitor, MonitorEvent("Periodic"))

    def _poll_later(self) -> None:
        """Values that are told only when asked for change without a word."""
        if any((key.component, key.variable) in TELLERS for key in self._by_key):
            self.later("poll", POLL, self._poll)

    def _poll(self) -> None:
        self._poll_later()
        for key, monitors in self._by_key.items():
            if (key.component, key.variable) in TELLERS:
                for monitor in monitors:
                    self.look_at(monitor)

    # --- events --------------------------------------------------------------------------------------------------

    def report(self, monitor: Monitor, event: MonitorEvent) -> None:
        """Tell the CSMS, unless the event is beyond the monitoring level (N05.FR.03, N07.FR.15)."""
        if not self.enabled or monitor.severity > self.level:
            return
        declaration = self.station.device_model.declared[monitor.key]
        seen = declaration.mutability != "WriteOnly"  # N07.FR.10
        self.outlet.put(
            v21.EventDataType(
                event_id=self.outlet.next_id(),
                timestamp=self.station.time.now(),
                trigger=event.trigger,
                actual_value=self._value(monitor)[: self._longest()] if seen else "",
                component=component_of(monitor.key),
                variable=variable_of(monitor.key),
                event_notification_type=monitor.kind,
                variable_monitoring_id=monitor.id,
                severity=monitor.severity,
                cleared=True if event.cleared else UNSET,
                transaction_id=self._transaction(monitor.key.evse) or UNSET,
            )
        )

    def _longest(self) -> int:
        return self.station.device_model.integer("DeviceDataCtrlr", "ReportingValueSize", 2500)

    def notify(
        self,
        key: VariableKey,
        value: str,
        severity: int,
        *,
        trigger: v21.EventTriggerEnumType = "Alerting",
        cause: int | None = None,
        cleared: bool = False,
        tech_code: str = "",
        tech_info: str = "",
    ) -> int | None:
        """Tell the CSMS of something that needs no monitor: a hard-wired notification. Returns the eventId, which may
        be the ``cause`` of others (N07.FR.05); None if it is not to be told."""
        if not self.enabled or severity > self.level:
            return None
        number = self.outlet.next_id()
        self.outlet.put(
            v21.EventDataType(
                event_id=number,
                timestamp=self.station.time.now(),
                trigger=trigger,
                actual_value=value,
                component=component_of(key),
                variable=variable_of(key),
                event_notification_type="HardWiredNotification",
                severity=severity,
                cause=UNSET if cause is None else cause,
                cleared=True if cleared else UNSET,
                tech_code=tech_code[:50] or UNSET,
                tech_info=tech_info[:500] or UNSET,
            )
        )
        return number
