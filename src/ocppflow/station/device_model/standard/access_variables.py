"""AuthCtrlr, AuthCacheCtrlr, LocalAuthListCtrlr and SecurityCtrlr."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig

TOKEN_TYPES = (
    "Central",
    "DirectPayment",
    "eMAID",
    "EVCCID",
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Local",
    "MacAddress",
    "NoAuthorization",
    "VIN",
)


def declare_access(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the variables of authorization and of security."""
    auth = Declarer(made, "AuthCtrlr")
    auth.flag("Enabled", True, "RW")
    auth.integer("AdditionalInfoItemsPerMessage", 10)
    auth.flag("AuthorizeRemoteStart", False, "RW", required=True)
    auth.flag("LocalAuthorizeOffline", True, "RW", required=True)
    auth.flag("LocalPreAuthorize", False, "RW", required=True)
    auth.text("MasterPassGroupId", "", "RW", most=36)
    auth.flag("OfflineTxForUnknownIdEnabled", False, "RW")
    auth.flag("DisableRemoteAuthorization", False, "RW")
    auth.members("SupportedIdTokenTypes", ",".join(TOKEN_TYPES), TOKEN_TYPES, required=True, since=Version.V21)
    _declare_cache(config, made)
    _declare_local_list(config, made)
    _declare_security(config, made)


def _declare_cache(config: StationConfig, made: list[Declaration]) -> None:
    cache = Declarer(made, "AuthCacheCtrlr")
    available = config.has("auth_cache")
    cache.flag("Available", available)
    if available:
        cache.flag("Enabled", True, "RW")
        cache.integer("LifeTime", 86_400 * 30, "RW", unit="s", least=0)
        cache.integer("Storage", 0, "live", unit="B", most=200_000)
        cache.option("Policy", "LRU", ("LRU", "LFU", "FIFO", "CUSTOM"), "RW")
        cache.flag("DisablePostAuthorize", False, "RW")


def _declare_local_list(config: StationConfig, made: list[Declaration]) -> None:
    local = Declarer(made, "LocalAuthListCtrlr")
    available = config.has("local_list")
    local.flag("Available", available)
    if available:
        local.flag("Enabled", True, "RW")
        local.integer("Entries", 0, "live", most=10_000, required=True)
        local.integer("ItemsPerMessage", 1000, required=True)
        local.integer("BytesPerMessage", 200_000, required=True)
        local.integer("Storage", 0, "live", unit="B", most=2_000_000)
        local.flag("DisablePostAuthorize", False, "RW")
        local.flag("SupportsExpiryDateTime", True)


def _declare_security(config: StationConfig, made: list[Declaration]) -> None:
    security = Declarer(made, "SecurityCtrlr")
    security.text("BasicAuthPassword", None, "WO", most=64)
    security.text("Identity", None, most=48)
    security.text("OrganizationName", config.vendor, "RW", most=64, required=True)
    security.integer("CertificateEntries", 0, "live", most=100, required=True)
    security.integer("SecurityProfile", 0, "kept", least=0, most=3, required=True)
    security.flag("AdditionalRootCertificateCheck", False)
    security.integer("MaxCertificateChainSize", 10_000)
    security.integer("CertSigningWaitMinimum", 30, "RW", unit="s", least=1)
    security.integer("CertSigningRepeatTimes", 3, "RW", least=0, most=30)
    security.flag("AllowCSMSTLSWildcards", False, "RW")  # of the errata
    security.flag("AllowSecurityProfileDowngrade", False, "RW", since=Version.V21)
