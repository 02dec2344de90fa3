"""The standard's variables, as a station of ours declares them (Part 2, Referenced Components and Variables)."""

from __future__ import annotations

import pytest

from ocppflow.station import ConnectorConfig, EvseConfig, StationConfig
from ocppflow.station.device_model import Declaration, VariableKey, declarations
from ocppflow.station.device_model.variable_hooks import TELLERS
from ocppflow.station.station_config import FEATURES

REQUIRED = {
    "OCPPCommCtrlr": "ActiveNetworkProfile FileTransferProtocols MessageTimeout[Default]"
    " MessageAttempts[TransactionEvent]"
    " MessageAttemptInterval[TransactionEvent] NetworkConfigurationPriority NetworkProfileConnectionAttempts"
    " OfflineThreshold ResetRetries RetryBackOffRandomRange RetryBackOffRepeatTimes RetryBackOffWaitMinimum"
    " UnlockOnEVSideDisconnect WebSocketPingInterval",
    "ClockCtrlr": "DateTime TimeSource",
    "DeviceDataCtrlr": " ".join(
        f"{what}[{message}]"
        for what in ("ItemsPerMessage", "BytesPerMessage")
        for message in ("GetReport", "GetVariables", "SetVariables")
    ),
    "SecurityCtrlr": "CertificateEntries OrganizationName SecurityProfile",
    "AuthCtrlr": "AuthorizeRemoteStart LocalAuthorizeOffline LocalPreAuthorize SupportedIdTokenTypes",
    "LocalAuthListCtrlr": "Entries ItemsPerMessage BytesPerMessage",
    "TxCtrlr": "EVConnectionTimeOut StopTxOnEVSideDisconnect StopTxOnInvalidId TxStartPoint TxStopPoint",
    "SampledDataCtrlr": "TxStartedMeasurands TxUpdatedMeasurands TxEndedMeasurands TxUpdatedInterval TxEndedInterval",
    "AlignedDataCtrlr": "Measurands Interval TxEndedMeasurands TxEndedInterval",
    "SmartChargingCtrlr": "Entries[ChargingProfiles] LimitChangeSignificance PeriodsPerSchedule ProfileStackLevel"
    " RateUnit",
    "TariffCostCtrlr": "Currency TariffFallbackMessage TotalCostFallbackMessage",
    "MonitoringCtrlr": "ItemsPerMessage[SetVariableMonitoring] BytesPerMessage[SetVariableMonitoring]",
    "DisplayMessageCtrlr": "DisplayMessages SupportedFormats SupportedPriorities SupportedStates Language",
    "ChargingStation": "Available AvailabilityState SupplyPhases",
    "EVSE": "Available AvailabilityState SupplyPhases Power",
    "Connector": "Available AvailabilityState SupplyPhases ConnectorType",
    "ISO15118Ctrlr": "ContractValidationOffline",
}


def shown(key: VariableKey) -> str:
    return f"{key.variable}[{key.variable_instance}]" if key.variable_instance else key.variable


@pytest.mark.parametrize("component", REQUIRED)
def test_what_the_standard_requires_is_declared_and_has_a_value(component: str) -> None:
    declared = [each for each in declarations(StationConfig()).values() if each.key.component == component]
    required = {shown(each.key) for each in declared if each.required}
    assert required == set(REQUIRED[component].split())
    told = TELLERS.keys()
    assert all(each.value is not None or each.key[:2] in told for each in declared if each.required)


def test_nothing_is_declared_twice_in_whatever_case() -> None:
    keys = [key.folded for key in declarations(StationConfig(evses=(EvseConfig(), EvseConfig())))]
    assert len(keys) == len(set(keys))


def test_every_EVSE_and_connector_of_the_config_is_there_with_its_own_figures() -> None:
    ac = EvseConfig(connectors=(ConnectorConfig(type="sType2"), ConnectorConfig(type="cType2")))
    dc = EvseConfig(current="DC", max_amps=125, voltage=400, connectors=(ConnectorConfig(type="cCCS2"),))
    declared = declarations(StationConfig(evses=(ac, dc)))

    def one(variable: str, evse: int, connector: int = 0) -> Declaration:
        return declared[VariableKey("Connector" if connector else "EVSE", variable, evse=evse, connector=connector)]

    assert one("Power", 1).max_limit == 22_080
    assert one("Power", 2).max_limit == 50_000
    assert [one("SupplyPhases", evse).value for evse in (1, 2)] == ["3", "0"]
    assert [one("ConnectorType", 1, each).value for each in (1, 2)] == ["sType2", "cType2"]
    assert one("ConnectorType", 2, 1).value == "cCCS2"
    assert VariableKey("Connector", "ConnectorType", evse=2, connector=2) not in declared


def test_only_sockets_can_be_unlocked_when_the_EV_side_is_out() -> None:
    key = VariableKey("OCPPCommCtrlr", "UnlockOnEVSideDisconnect")
    fixed = declarations(StationConfig())[key]
    socket = declarations(StationConfig(evses=(EvseConfig(connectors=(ConnectorConfig(type="sType2"),)),)))[key]
    assert (fixed.mutability, fixed.value) == ("ReadOnly", "false")
    assert (socket.mutability, socket.value) == ("ReadWrite", "true")


@pytest.mark.parametrize(
    ("feature", "component"),
    [
        ("auth_cache", "AuthCacheCtrlr"),
        ("local_list", "LocalAuthListCtrlr"),
        ("reservation", "ReservationCtrlr"),
        ("tariff", "TariffCostCtrlr"),
        ("smart_charging", "SmartChargingCtrlr"),
        ("monitoring", "MonitoringCtrlr"),
        ("display", "DisplayMessageCtrlr"),
    ],
)
def test_a_feature_that_is_off_leaves_nothing_but_that_it_is_not_available(feature: str, component: str) -> None:
    config = StationConfig(features=tuple(name for name in FEATURES if name != feature))
    left = [each for each in declarations(config).values() if each.key.component == component]
    assert {each.key.variable for each in left} == {"Available"}
    assert {each.value for each in left} == {"false"}


def test_stations_of_one_make_share_their_declarations() -> None:
    one, other = (declarations(StationConfig(serial_number=number, seed=int(number))) for number in ("1", "2"))
    assert one is other


def test_every_value_obeys_its_own_declaration() -> None:
    for declared in declarations(StationConfig()).values():
        if declared.value and declared.values_list:
            assert set(declared.value.split(",")) <= set(declared.values_list), declared.key
        if declared.value and declared.data_type in ("integer", "decimal"):
            number = float(declared.value)
            assert declared.min_limit is None or number >= declared.min_limit, declared.key
            assert declared.max_limit is None or number <= declared.max_limit, declared.key
        if declared.value and declared.data_type == "string":
            assert declared.max_limit is None or len(declared.value) <= declared.max_limit, declared.key
        assert len(declared.key.variable) <= 50
        assert len(",".join(declared.values_list)) <= 1000
