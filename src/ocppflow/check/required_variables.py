"""The variables that every station must have, and those of its profiles (Part 2, Referenced Components and
Variables)."""

from __future__ import annotations

from typing import Final, NamedTuple

from ocppflow.messages import Version


class RequiredVariable(NamedTuple):
    """A variable that must be in a FullInventory. ``writable``: and in a ConfigurationInventory."""

    component: str
    variable: str
    instance: str = ""
    writable: bool = False


def _table(text: str) -> tuple[RequiredVariable, ...]:
    """``Component: Variable[Instance]*, ...`` a line; ``*`` marks what a CSMS must be able to write."""
    found: list[RequiredVariable] = []
    for line in text.strip().splitlines():
        component, _, variables = line.partition(":")
        for item in variables.split(","):
            name, _, instance = item.strip().rstrip("*").rstrip("]").partition("[")
            found.append(RequiredVariable(component.strip(), name, instance, item.strip().endswith("*")))
    return tuple(found)


_CORE: Final = _table("""
OCPPCommCtrlr: MessageTimeout[Default], FileTransferProtocols, NetworkConfigurationPriority*
OCPPCommCtrlr: NetworkProfileConnectionAttempts*, OfflineThreshold*, MessageAttempts[TransactionEvent]*
OCPPCommCtrlr: MessageAttemptInterval[TransactionEvent]*, UnlockOnEVSideDisconnect, ResetRetries*
DeviceDataCtrlr: ItemsPerMessage[GetReport], ItemsPerMessage[GetVariables], ItemsPerMessage[SetVariables]
DeviceDataCtrlr: BytesPerMessage[GetReport], BytesPerMessage[GetVariables], BytesPerMessage[SetVariables]
ClockCtrlr: DateTime, TimeSource*
SecurityCtrlr: OrganizationName*, CertificateEntries, SecurityProfile
AuthCtrlr: AuthorizeRemoteStart, LocalAuthorizeOffline*, LocalPreAuthorize*
TxCtrlr: EVConnectionTimeOut*, StopTxOnEVSideDisconnect, TxStartPoint, TxStopPoint, StopTxOnInvalidId*
SampledDataCtrlr: TxEndedMeasurands*, TxEndedInterval*, TxStartedMeasurands*, TxUpdatedMeasurands*, TxUpdatedInterval*
AlignedDataCtrlr: Measurands*, Interval*, TxEndedMeasurands*, TxEndedInterval*
ChargingStation: Available, AvailabilityState, SupplyPhases
EVSE: Available, AvailabilityState, SupplyPhases, Power
Connector: Available, ConnectorType, SupplyPhases
""")

_NEW_IN_21: Final = _table("""
OCPPCommCtrlr: ActiveNetworkProfile
AuthCtrlr: SupportedIdTokenTypes
""")

_OF_PROFILE: Final = {
    "Smart Charging": _table("""
SmartChargingCtrlr: ProfileStackLevel, RateUnit, PeriodsPerSchedule, Entries[ChargingProfiles]
SmartChargingCtrlr: LimitChangeSignificance*
"""),
    "Local Authorization List Management": _table("LocalAuthListCtrlr: Entries, ItemsPerMessage, BytesPerMessage"),
    "Advanced Device Management": _table("""
MonitoringCtrlr: ItemsPerMessage[SetVariableMonitoring], BytesPerMessage[SetVariableMonitoring]
"""),
    "Advanced User Interface": _table("DisplayMessageCtrlr: DisplayMessages, SupportedFormats, SupportedPriorities"),
    "ISO 15118 Support": _table("ISO15118Ctrlr: ContractValidationOffline*"),
}


def required_variables(version: Version, profiles: list[str]) -> list[RequiredVariable]:
    """What a station of these profiles must have."""
    found = [*_CORE, *(_NEW_IN_21 if version is Version.V21 else ())]
    return found + [each for name in profiles for each in _OF_PROFILE.get(name, ())]


def profiles_with_variables() -> list[str]:
    """The profiles that bring required variables."""
    return list(_OF_PROFILE)
