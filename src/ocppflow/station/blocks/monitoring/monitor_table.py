"""MonitorTable: which monitors a station has, hard-wired, preconfigured and custom, and what it keeps of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages.v21 import EventNotificationEnumType, MonitorEnumType
from ocppflow.station.blocks.monitoring.monitor import TARGET, Monitor
from ocppflow.station.device_model import Declaration, DeviceModel, VariableKey
from ocppflow.station.station_config import StationConfig
from ocppflow.station.station_store import StationStore

log = budgeted("ocppflow.station")

AREA = "monitors"
_CLEARED = "monitors_cleared"
_FIRST_CUSTOM: Final = 1001
"""Ids below it are those of the config's monitors, so that they stay what they are when the config gets more."""

MOST_CUSTOM: Final = 500
"""Monitors that a CSMS may set: memory and time for each change of a value are bounded by it."""


class MonitorTable:
    """The active monitors, by id. Changes are staged in the store."""

    __slots__ = ("_cleared", "_config", "_model", "_store", "active")

    def __init__(self, identity: str, config: StationConfig, model: DeviceModel, store: StationStore) -> None:
        """Raises ConfigurationError if a monitor of the config makes no sense."""
        self._config = config
        self._model = model
        self._store = store
        self._cleared = set(store.load(_CLEARED, bool)) if config.monitors else set()
        self.active: dict[int, Monitor] = {}
        kept = {each.id: each for each in store.load(AREA, Monitor).values()}
        self._activate_configured(kept, hard_wired_only=_base(model) == "HardWiredOnly")
        for monitor in kept.values():
            if monitor.kind == "CustomMonitor":
                self._take_custom(identity, monitor)

    def _configured(self) -> Iterator[Monitor]:
        for number, each in enumerate(self._config.monitors, 1):
            where = f"monitors[{number - 1}] ({each.component}.{each.variable})"
            key = VariableKey(
                each.component,
                each.variable,
                each.component_instance,
                each.variable_instance,
                each.evse,
                each.connector,
            )
            declaration = self._model.declared.find(key)
            if declaration is None:
                raise ConfigurationError(f"{where}: the station has no such variable")
            if not supports(declaration, each.type):
                raise ConfigurationError(f"{where}: the variable cannot have a monitor of type {each.type}")
            kind: EventNotificationEnumType = "HardWiredMonitor" if each.hard_wired else "PreconfiguredMonitor"
            yield Monitor(
                id=number, key=declaration.key, type=each.type, value=each.value, severity=each.severity, kind=kind
            )

    def _activate_configured(self, kept: dict[int, Monitor], *, hard_wired_only: bool) -> None:
        for monitor in self._configured():
            if monitor.kind != "HardWiredMonitor" and (hard_wired_only or str(monitor.id) in self._cleared):
                continue
            known = kept.get(monitor.id)
            if known is not None and known.kind == monitor.kind and known.says_the_same(monitor):
                monitor = known
            self.active[monitor.id] = monitor

    def _take_custom(self, identity: str, monitor: Monitor) -> None:
        """N04, remarks: a custom monitor stays as long as its variable is there and can be monitored. One that has
        replaced a preconfigured one has its id."""
        declaration = self._model.declared.find(monitor.key)
        if declaration is None or not supports(declaration, monitor.type):
            log.warning("%s: a monitor of %s goes, as it cannot be monitored now", identity, monitor.key)
            self._store.remove(AREA, str(monitor.id))
            return
        replaced = self.active.get(monitor.id)
        if replaced is not None and (replaced.key != monitor.key or replaced.kind == "HardWiredMonitor"):
            self._store.remove(AREA, str(monitor.id))  # the config has another one there now
            monitor = replace(monitor, id=self.new_id())
            self.keep(monitor)
        self.active[monitor.id] = monitor

    # --- changes -------------------------------------------------------------------------------------------------

    def new_id(self) -> int:
        """An id for a custom monitor."""
        return max(_FIRST_CUSTOM - 1, max(self.active, default=0)) + 1

    @property
    def custom(self) -> int:
        """How many custom monitors there are."""
        return sum(each.kind == "CustomMonitor" for each in self.active.values())

    def twin(self, monitor: Monitor) -> bool:
        """Whether another monitor of the same variable has its type and severity (N04.FR.10)."""
        mine = (monitor.key, monitor.type, monitor.severity)
        return any(
            each.id != monitor.id and mine == (each.key, each.type, each.severity) for each in self.active.values()
        )

    def keep(self, monitor: Monitor) -> None:
        """Stage what is to be remembered of a monitor, and have it active."""
        self.active[monitor.id] = monitor
        self._store.put(AREA, str(monitor.id), monitor)

    def remove(self, monitor: Monitor) -> None:
        """It is active no longer; one of the config's comes back with another monitoring base."""
        del self.active[monitor.id]
        self._store.remove(AREA, str(monitor.id))
        if monitor.id < _FIRST_CUSTOM:
            self._cleared.add(str(monitor.id))
            self._store.put(_CLEARED, str(monitor.id), True)

    def set_base(self, base: str) -> None:
        """N03.FR.03 to N03.FR.05."""
        self._cleared.clear()
        self._store.replace(_CLEARED, {})
        known = dict(self.active)
        self.active = {}
        self._activate_configured(known, hard_wired_only=base == "HardWiredOnly")
        if base == "All":
            self.active |= {each.id: each for each in known.values() if each.kind == "CustomMonitor"}
        self._store.replace(AREA, {str(each.id): each for each in self.active.values()})

    def back_to(self, before: dict[int, Monitor]) -> None:
        """What has been staged could not be kept: the monitors are those of before."""
        self.active = before
        self._store.replace(AREA, {str(each.id): each for each in before.values()})


def supports(declaration: Declaration, kind: MonitorEnumType) -> bool:
    """Whether a variable can have a monitor of this type (N04.FR.05)."""
    if not declaration.supports_monitoring:
        return False
    if kind in TARGET:
        return declaration.targets and is_numeric(declaration)
    return is_numeric(declaration) or kind not in ("UpperThreshold", "LowerThreshold")


def is_numeric(declaration: Declaration) -> bool:
    """Whether its values are numbers (N04.FR.17)."""
    return declaration.data_type in ("integer", "decimal")


def _base(model: DeviceModel) -> str:
    return model.text("MonitoringCtrlr", "ActiveMonitoringBase", "All")
