"""SmartChargingCtrlr, TariffCostCtrlr, ReservationCtrlr and ISO15118Ctrlr."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig


def declare_charging(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the variables of what may be offered, at which price, and to whom."""
    _declare_smart_charging(config, made)
    _declare_tariff(config, made)
    reservation = Declarer(made, "ReservationCtrlr")
    reservation.flag("Available", config.has("reservation"))
    if config.has("reservation"):
        reservation.flag("Enabled", True, "RW")
        reservation.flag("NonEvseSpecific", True)
    if config.has("iso15118"):
        _declare_iso15118(config, made)


def _declare_smart_charging(config: StationConfig, made: list[Declaration]) -> None:
    smart = Declarer(made, "SmartChargingCtrlr")
    smart.flag("Available", config.has("smart_charging"))
    if not config.has("smart_charging"):
        return
    ac = any(evse.current == "AC" for evse in config.evses)
    smart.flag("Enabled", True, "RW")
    smart.flag("ACPhaseSwitchingSupported", False)
    smart.integer("Entries", 0, "live", instance="ChargingProfiles", most=100, required=True)
    smart.flag("ExternalControlSignalsEnabled", True, "RW")
    smart.flag("NotifyChargingLimitWithSchedules", False, "RW")
    smart.decimal("LimitChangeSignificance", 1.0, "RW", unit="Percent", least=0, required=True)
    smart.integer("PeriodsPerSchedule", 1024, required=True)
    smart.integer("ProfileStackLevel", 9, required=True)
    smart.flag("Phases3to1", ac)
    units = ("A", "W")
    smart.members("RateUnit", "A,W", units, required=True)
    new = Version.V21
    smart.flag("ExternalConstraintsProfileDisallowed", False, "RW", since=new)
    smart.flag("ChargingProfilePersistence", True, instance="TxProfile", since=new)
    smart.flag("ChargingProfilePersistence", False, instance="ChargingStationExternalConstraints", since=new)
    smart.flag("ChargingProfilePersistence", True, instance="LocalGeneration", since=new)
    smart.integer("UpdateRateLimit", 0, unit="s", since=new)
    smart.integer("MaxExternalConstraintsId", 0, "RW", least=0, since=new)
    purposes = ("PriorityCharging", "LocalGeneration")
    smart.members("SupportedAdditionalPurposes", ",".join(purposes), purposes, since=new)
    for feature in ("DynamicProfiles", "MaxOfflineDuration", "UseLocalTime", "RandomizedDelay", "LimitAtSoC"):
        smart.flag("SupportsFeature", True, instance=feature, since=new)
    smart.flag("SupportsFeature", False, instance="EvseSleep", since=new)


def _declare_tariff(config: StationConfig, made: list[Declaration]) -> None:
    tariff = Declarer(made, "TariffCostCtrlr")
    available = config.has("tariff")
    tariff.flag("Available", available, instance="Tariff")
    tariff.flag("Available", available, instance="Cost")
    if not available:
        return
    tariff.flag("Enabled", True, "RW", instance="Tariff")
    tariff.flag("Enabled", True, "RW", instance="Cost")
    tariff.text("Currency", "EUR", "RW", most=3, required=True)
    tariff.text("TariffFallbackMessage", "Ask the operator for the price.", "RW", most=255, required=True)
    tariff.text("TotalCostFallbackMessage", "The cost will be on your bill.", "RW", most=255, required=True)
    new = Version.V21
    tariff.text("OfflineTariffFallbackMessage", "Ask the operator for the price.", "RW", most=255, since=new)
    tariff.flag("Enabled", False, "RW", instance="RunningCost", since=new)
    tariff.flag("Problem", False, "live", since=new)
    tariff.integer("Interval", 60, "RW", instance="Cost", unit="s", least=1, since=new)
    tariff.integer("Interval", 60, "RW", instance="Tariff", unit="s", least=0, since=new)
    tariff.integer("MaxElements", 100, instance="Tariff", since=new)
    tariff.flag("ConditionsSupported", True, instance="Tariff", since=new)
    answers = ("Deauthorize", "UseDefaultTariff", "CentralCost")
    tariff.option("HandleFailedTariff", "CentralCost", answers, "RW", instance="Tariff", since=new)


def _declare_iso15118(config: StationConfig, made: list[Declaration]) -> None:
    iso = Declarer(made, "ISO15118Ctrlr")
    iso.flag("Enabled", True)
    iso.flag("ContractValidationOffline", False, "RW", required=True)
    iso.flag("PnCEnabled", False)  # no EV of ours shows a contract certificate
    iso.flag("V2GCertificateInstallationEnabled", True, "RW")
    iso.flag("ContractCertificateInstallationEnabled", False)
    iso.text("SeccId", config.model, "RW", most=64)
    iso.text("CountryName", "NL", "RW", most=2)
    iso.text("OrganizationName", config.vendor, "RW", most=64)
