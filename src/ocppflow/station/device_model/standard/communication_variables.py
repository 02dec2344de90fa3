"""OCPPCommCtrlr and NetworkConfiguration."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig

SLOTS = ("1", "2", "3")
"""The places for network connection profiles (B09)."""

FILE_TRANSFERS = ("FTP", "FTPS", "HTTP", "HTTPS")

VERSIONS = ("OCPP201", "OCPP21")


def declare_communication(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the variables of the connection to the CSMS."""
    comm = Declarer(made, "OCPPCommCtrlr")
    comm.integer("ActiveNetworkProfile", int(SLOTS[0]), "kept", required=True)
    comm.members("FileTransferProtocols", ",".join(FILE_TRANSFERS), FILE_TRANSFERS, required=True)
    comm.integer("HeartbeatInterval", 300, "RW", unit="s", least=1)
    comm.integer("MessageTimeout", 30, "live", instance="Default", unit="s", least=1, required=True)
    comm.integer("MessageAttempts", 5, "RW", instance="TransactionEvent", least=1, required=True)
    comm.integer("MessageAttemptInterval", 60, "RW", instance="TransactionEvent", unit="s", least=0, required=True)
    comm.flag("QueueAllMessages", False, "RW")
    comm.sequence("NetworkConfigurationPriority", SLOTS[0], SLOTS, "RW", required=True)
    comm.integer("NetworkProfileConnectionAttempts", 3, "RW", least=1, required=True)
    comm.integer("OfflineThreshold", 60, "RW", unit="s", least=0, required=True)
    comm.integer("ResetRetries", 2, "RW", least=0, required=True)
    comm.integer("RetryBackOffRepeatTimes", 5, "RW", least=0, most=30, required=True)
    comm.integer("RetryBackOffRandomRange", 10, "RW", unit="s", least=0, required=True)
    comm.integer("RetryBackOffWaitMinimum", 5, "RW", unit="s", least=1, required=True)
    comm.integer("WebSocketPingInterval", 60, "RW", unit="s", least=0, required=True)
    socket = any(connector.type.startswith("s") for evse in config.evses for connector in evse.connectors)
    comm.flag("UnlockOnEVSideDisconnect", socket, "RW" if socket else "fixed", required=True)
    if config.has("signed_meter_values"):
        modes = ("Never", "OncePerTransaction", "EveryMeterValue")
        comm.option("PublicKeyWithSignedMeterValue", "Never", modes, "RW")
    for slot in SLOTS:
        _declare_slot(Declarer(made, "NetworkConfiguration", instance=slot, since=Version.V21))


def _declare_slot(slot: Declarer) -> None:
    """A network connection profile, which a CSMS sets by SetNetworkProfile, or in 2.1 by these (B09.FR.10)."""
    slot.text("OcppCsmsUrl", None, "RW", most=2000)
    interfaces = ("Any", *(f"{kind}{number}" for kind in ("Wired", "Wireless") for number in range(4)))
    slot.option("OcppInterface", None, interfaces, "RW")
    slot.option("OcppTransport", None, ("JSON",), "RW")
    slot.option("OcppVersion", None, VERSIONS, "RW")
    slot.integer("MessageTimeout", None, "RW", unit="s", least=1)
    slot.integer("SecurityProfile", None, "RW", least=0, most=3)
    slot.text("Identity", None, "RW", most=48)
    slot.text("BasicAuthPassword", None, "WO", most=64)
    slot.flag("VpnEnabled", False)
    slot.flag("ApnEnabled", False)
