"""Which variable of the device model each configuration key of 1.6 shows."""

from __future__ import annotations

from typing import Final, NamedTuple


class KeyView(NamedTuple):
    """Which variable a key shows."""

    component: str
    variable: str
    instance: str = ""
    read_only: bool = False
    """1.6 only reads it, whatever 2.1 allows."""
    limit: bool = False
    """It shows the variable's upper limit, not its value."""
    feature: str = ""
    """Of the config: only stations with it have the key."""
    also: tuple[tuple[str, str], ...] = ()
    """More variables that a new value is for: 2.1 has several where 1.6 has one key."""


VIEWS: Final[dict[str, KeyView]] = {
    # Core
    "AllowOfflineTxForUnknownId": KeyView("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "AuthorizationCacheEnabled": KeyView("AuthCacheCtrlr", "Enabled"),
    "AuthorizeRemoteTxRequests": KeyView("AuthCtrlr", "AuthorizeRemoteStart"),
    "ClockAlignedDataInterval": KeyView(
        "AlignedDataCtrlr", "Interval", also=(("AlignedDataCtrlr", "TxEndedInterval"),)
    ),
    "ConnectionTimeOut": KeyView("TxCtrlr", "EVConnectionTimeOut"),
    "GetConfigurationMaxKeys": KeyView("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", read_only=True),
    "HeartbeatInterval": KeyView("OCPPCommCtrlr", "HeartbeatInterval"),
    "LocalAuthorizeOffline": KeyView("AuthCtrlr", "LocalAuthorizeOffline"),
    "LocalPreAuthorize": KeyView("AuthCtrlr", "LocalPreAuthorize"),
    "MaxEnergyOnInvalidId": KeyView("TxCtrlr", "MaxEnergyOnInvalidId"),
    "MeterValuesAlignedData": KeyView("AlignedDataCtrlr", "Measurands"),
    "MeterValuesSampledData": KeyView("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "MeterValueSampleInterval": KeyView(
        "SampledDataCtrlr", "TxUpdatedInterval", also=(("SampledDataCtrlr", "TxEndedInterval"),)
    ),
    "MessageTimeout": KeyView("OCPPCommCtrlr", "MessageTimeout", "Default"),
    "ResetRetries": KeyView("OCPPCommCtrlr", "ResetRetries"),
    "StopTransactionOnEVSideDisconnect": KeyView("TxCtrlr", "StopTxOnEVSideDisconnect"),
    "StopTransactionOnInvalidId": KeyView("TxCtrlr", "StopTxOnInvalidId"),
    "StopTxnAlignedData": KeyView("AlignedDataCtrlr", "TxEndedMeasurands"),
    "StopTxnSampledData": KeyView("SampledDataCtrlr", "TxEndedMeasurands"),
    "TransactionMessageAttempts": KeyView("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    "TransactionMessageRetryInterval": KeyView("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    "UnlockConnectorOnEVSideDisconnect": KeyView("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"),
    "WebSocketPingInterval": KeyView("OCPPCommCtrlr", "WebSocketPingInterval"),
    # Local Auth List Management
    "LocalAuthListEnabled": KeyView("LocalAuthListCtrlr", "Enabled"),
    "LocalAuthListMaxLength": KeyView("LocalAuthListCtrlr", "Entries", read_only=True, limit=True),
    "SendLocalListMaxLength": KeyView("LocalAuthListCtrlr", "ItemsPerMessage", read_only=True),
    # Reservation
    "ReserveConnectorZeroSupported": KeyView("ReservationCtrlr", "NonEvseSpecific", read_only=True),
    # Smart Charging
    "ChargeProfileMaxStackLevel": KeyView("SmartChargingCtrlr", "ProfileStackLevel", read_only=True),
    "ChargingScheduleAllowedChargingRateUnit": KeyView("SmartChargingCtrlr", "RateUnit", read_only=True),
    "ChargingScheduleMaxPeriods": KeyView("SmartChargingCtrlr", "PeriodsPerSchedule", read_only=True),
    "ConnectorSwitch3to1PhaseSupported": KeyView("SmartChargingCtrlr", "Phases3to1", read_only=True),
    "MaxChargingProfilesInstalled": KeyView(
        "SmartChargingCtrlr", "Entries", "ChargingProfiles", read_only=True, limit=True
    ),
    # Security
    "AdditionalRootCertificateCheck": KeyView("SecurityCtrlr", "AdditionalRootCertificateCheck", read_only=True),
    "AuthorizationKey": KeyView("SecurityCtrlr", "BasicAuthPassword"),
    "CertificateSignedMaxChainSize": KeyView("SecurityCtrlr", "MaxCertificateChainSize", read_only=True),
    "CertificateStoreMaxLength": KeyView("SecurityCtrlr", "CertificateEntries", read_only=True, limit=True),
    "CpoName": KeyView("SecurityCtrlr", "OrganizationName"),
    "SecurityProfile": KeyView("SecurityCtrlr", "SecurityProfile"),
    "SupportedFileTransferProtocols": KeyView("OCPPCommCtrlr", "FileTransferProtocols", read_only=True),
    # Signed meter values (application note of the Open Charge Alliance, 3.3)
    "AlignedDataSignReadings": KeyView("AlignedDataCtrlr", "SignReadings"),
    "AlignedDataSignUpdatedReadings": KeyView("AlignedDataCtrlr", "SignUpdatedReadings"),
    "PublicKeyWithSignedMeterValue": KeyView("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue"),
    "SampledDataSignReadings": KeyView("SampledDataCtrlr", "SignReadings"),
    "SampledDataSignStartedReadings": KeyView("SampledDataCtrlr", "SignStartedReadings"),
    "SampledDataSignUpdatedReadings": KeyView("SampledDataCtrlr", "SignUpdatedReadings"),
    "StartTxnSampledData": KeyView("SampledDataCtrlr", "TxStartedMeasurands", feature="signed_meter_values"),
}
