"""ClockCtrlr, DeviceDataCtrlr, DisplayMessageCtrlr and MonitoringCtrlr."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig

ITEMS_PER_MESSAGE = 100
BYTES_PER_MESSAGE = 65_536
"""What a message of one of these may have at most: room for a hundred long values."""

BASES = ("All", "FactoryDefault", "HardWiredOnly")


def declare_controllers(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the variables of the station's own affairs."""
    clock = Declarer(made, "ClockCtrlr")
    clock.moment("DateTime", None, required=True)
    clock.sequence("TimeSource", "Heartbeat", ("Heartbeat",), "RW", required=True)
    clock.text("TimeOffset", "+00:00", "RW", most=6)
    clock.moment("NextTimeOffsetTransitionDateTime", None, "RW")
    clock.text("TimeOffset", "", "RW", instance="NextTransition", most=6)
    clock.text("TimeZone", "", "RW", most=64)
    clock.integer("TimeAdjustmentReportingThreshold", 20, "RW", unit="s", least=1)

    data = Declarer(made, "DeviceDataCtrlr")
    for message in ("GetReport", "GetVariables", "SetVariables"):
        data.integer("ItemsPerMessage", ITEMS_PER_MESSAGE, instance=message, required=True)
        data.integer("BytesPerMessage", BYTES_PER_MESSAGE, instance=message, unit="B", required=True)
    data.integer("ConfigurationValueSize", 1000, most=1000)
    data.integer("ReportingValueSize", 2500, most=2500)
    _declare_display(config, made)
    _declare_monitoring(config, made)


def _declare_display(config: StationConfig, made: list[Declaration]) -> None:
    display = Declarer(made, "DisplayMessageCtrlr")
    display.flag("Available", config.has("display"))
    if not config.has("display"):
        return
    display.flag("Enabled", True, "RW")
    display.integer("DisplayMessages", 0, "live", most=100, required=True)
    formats = ("ASCII", "HTML", "URI", "UTF8")
    display.members("SupportedFormats", ",".join(formats), formats, required=True)
    priorities = ("AlwaysFront", "InFront", "NormalCycle")
    display.members("SupportedPriorities", ",".join(priorities), priorities, required=True)
    states = ("Charging", "Faulted", "Idle", "Unavailable")
    display.members("SupportedStates", ",".join(states), states, required=True, since=Version.V21)
    display.option("Language", "en", ("en",), "RW", required=True, since=Version.V21)


def _declare_monitoring(config: StationConfig, made: list[Declaration]) -> None:
    monitoring = Declarer(made, "MonitoringCtrlr")
    monitoring.flag("Available", config.has("monitoring"))
    if not config.has("monitoring"):
        return
    monitoring.flag("Enabled", True, "RW")
    for message in ("SetVariableMonitoring", "ClearVariableMonitoring"):
        required = message.startswith("Set")
        monitoring.integer("ItemsPerMessage", ITEMS_PER_MESSAGE, instance=message, required=required)
        monitoring.integer("BytesPerMessage", BYTES_PER_MESSAGE, instance=message, unit="B", required=required)
    monitoring.integer("OfflineQueuingSeverity", 3, "RW", least=0, most=9)
    monitoring.option("ActiveMonitoringBase", "All", BASES, "kept")
    monitoring.integer("ActiveMonitoringLevel", 9, "kept", least=0, most=9)
