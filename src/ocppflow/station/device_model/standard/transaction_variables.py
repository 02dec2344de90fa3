"""TxCtrlr, SampledDataCtrlr, AlignedDataCtrlr and FiscalMetering: transactions and their meter values."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig

TX_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "DataSigned")

MEASURANDS = (
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Interval",
    "Energy.Active.Import.Register",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Offered",
    "SoC",
    "Voltage",
)
"""What the hardware can tell; all of them are in 2.0.1 as well."""

_REGISTER = "Energy.Active.Import.Register"
_LONGEST_LIST = 500
"""Characters of a list of measurands: all of them at once are shorter."""


def declare_transactions(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the variables of transactions and of meter values."""
    tx = Declarer(made, "TxCtrlr")
    tx.integer("EVConnectionTimeOut", 60, "RW", unit="s", least=0, required=True)
    tx.integer("MaxEnergyOnInvalidId", 0, "RW", unit="Wh", least=0)
    tx.flag("StopTxOnEVSideDisconnect", True, "RW", required=True)
    tx.flag("StopTxOnInvalidId", True, "RW", required=True)
    tx.flag("TxBeforeAcceptedEnabled", True, "RW")
    points = TX_POINTS if config.has("signed_meter_values") else TX_POINTS[:-1]
    tx.members("TxStartPoint", "PowerPathClosed", points, "RW", required=True)
    tx.members("TxStopPoint", "EVConnected,Authorized", points, "RW", required=True)
    tx.integer("ResumptionTimeout", 3600, "RW", unit="s", least=0, since=Version.V21)
    tx.flag("AllowEnergyTransferResumption", True, "RW", since=Version.V21)
    tx.integer("EnergyTransferResumptionRandomRange", 0, "RW", unit="s", least=0, since=Version.V21)
    limits = ("maxCost", "maxEnergy", "maxTime", "maxSoC")
    tx.members("SupportedLimits", ",".join(limits), limits, since=Version.V21)
    _declare_sampled(config, made)
    _declare_aligned(config, made)


def _measurands(declare: Declarer, name: str, value: str, *, required: bool = True) -> None:
    declare.variable("MemberList", name, value, "RW", most=_LONGEST_LIST, values=MEASURANDS, required=required)


def _declare_sampled(config: StationConfig, made: list[Declaration]) -> None:
    sampled = Declarer(made, "SampledDataCtrlr")
    sampled.flag("Available", True)
    sampled.flag("Enabled", True, "RW")
    _measurands(sampled, "TxStartedMeasurands", _REGISTER)
    _measurands(sampled, "TxUpdatedMeasurands", f"{_REGISTER},Power.Active.Import")
    _measurands(sampled, "TxEndedMeasurands", _REGISTER)
    sampled.integer("TxUpdatedInterval", 60, "RW", unit="s", least=0, required=True)
    sampled.integer("TxEndedInterval", 0, "RW", unit="s", least=0, required=True)
    sampled.flag("RegisterValuesWithoutPhases", True)  # the meter has one register for all
    if config.has("signed_meter_values"):
        sampled.flag("SignReadings", False, "RW")
        sampled.flag("SignStartedReadings", False, "RW", since=Version.V21)
        sampled.flag("SignUpdatedReadings", False, "RW", since=Version.V21)


def _declare_aligned(config: StationConfig, made: list[Declaration]) -> None:
    aligned = Declarer(made, "AlignedDataCtrlr")
    aligned.flag("Available", True)
    aligned.flag("Enabled", True, "RW")
    _measurands(aligned, "Measurands", _REGISTER)
    aligned.integer("Interval", 900, "RW", unit="s", least=0, most=86_400, required=True)
    _measurands(aligned, "TxEndedMeasurands", _REGISTER)
    aligned.integer("TxEndedInterval", 0, "RW", unit="s", least=0, most=86_400, required=True)
    aligned.flag("SendDuringIdle", False, "RW")
    if config.has("signed_meter_values"):
        aligned.flag("SignReadings", False, "RW")
        aligned.flag("SignUpdatedReadings", False, "RW", since=Version.V21)
        for evse in range(1, len(config.evses) + 1):
            Declarer(made, "FiscalMetering", evse=evse).text("PublicKey", "", "live", most=2500)
