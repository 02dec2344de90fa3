"""CSMSConfig: how a complete CSMS behaves, one section for each subject; ``config_file`` reads it from TOML."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store.pruning import Retention

Seconds = Annotated[float, Meta(ge=0)]
Days = Annotated[float, Meta(ge=0)]


class StationsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[stations]``: who is let in, and what a boot is answered with."""

    admit: bool = False
    """Whether strangers are let in and registered; for labs."""
    admit_as: Literal["Accepted", "Pending", "Rejected"] = "Accepted"
    """What the boot of a station that has just been admitted is answered with."""
    security_profile: Annotated[int, Meta(ge=0, le=3)] = 1
    """The weakest security profile (A00) that a station without one of its own may use. With ``admit`` it is 0."""
    heartbeat_interval: Annotated[int, Meta(ge=1)] = 300
    """Seconds, for a station that is accepted."""
    boot_retry_interval: Annotated[int, Meta(ge=0)] = 60
    """Seconds until a station that is Pending or Rejected boots again."""
    quiet: bool = False
    """Whether the CSMS sends nothing unasked."""


class DeviceModelSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[device_model]``: the base report."""

    fetch: bool = True
    """Whether it is fetched after the first boot, and after one with another firmware."""
    part_timeout: Seconds = 60.0
    """Seconds without another part after which a report has a gap."""
    report: Literal["FullInventory", "ConfigurationInventory", "SummaryInventory"] = "FullInventory"


class TokensSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[tokens]``: who may charge."""

    unknown: Literal["Unknown", "Invalid", "Accepted"] = "Unknown"
    """The status of a token that is not on the list. In 1.6 Unknown is said as Invalid."""
    ask: str = ""
    """URL of a service that is asked with POST about tokens that are not on the list; empty: none is."""
    ask_timeout: Seconds = 5.0
    ask_fallback: Literal["Accepted", "Invalid", "Unknown"] = "Invalid"
    """The status where the service does not answer in time."""
    cache_seconds: Annotated[int, Meta(ge=0)] = 0
    """How long stations may keep a verdict in their cache; 0: as they like."""
    sync_lists: bool = False
    """Whether local lists of all stations that have one are kept in step with the tokens."""


class BooksSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[books]``: transactions."""

    authorize_starts: bool = True
    """Whether a token that starts a transaction is judged, or taken as it is."""
    attention_after: Seconds = 172_800.0
    """Seconds without an event after which an active transaction needs attention."""
    highest_power: Annotated[float, Meta(gt=0)] = 1_000_000.0
    """W. A register that rises faster is not believed."""


class TariffsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[tariffs]``: what transactions cost."""

    zone: str = "UTC"
    """The time zone of the times of day in tariffs, such as Europe/Berlin."""
    running_cost_interval: Seconds = 60.0
    """Seconds between two CostUpdated of a transaction at least; 0: none is sent."""


class ChargingSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[charging]``: limits and profiles."""

    voltage: Annotated[float, Meta(gt=0)] = 230.0
    phases: Annotated[int, Meta(ge=1, le=3)] = 3
    stack_level: Annotated[int, Meta(ge=0)] = 0
    verify_after: Seconds = 60.0
    """Seconds until it is looked whether a limit has an effect."""
    verify: bool = True


class LoadSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[load]``: sharing within groups."""

    interval: Seconds = 10.0
    minimum_current: Annotated[float, Meta(ge=0)] = 6.0
    hysteresis: Annotated[float, Meta(ge=0)] = 1.0
    """A. Smaller changes of what an EVSE may draw are not sent."""


class JobsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[jobs]``: firmware and logs over many stations."""

    at_once: Annotated[int, Meta(ge=1)] = 10
    timeout: Seconds = 3600.0
    """Seconds that one station has for its step."""


class FilesSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[files]``: what stations fetch and bring over HTTP."""

    url: str = ""
    """The base of the URLs that stations are told; empty: from where the API listens."""
    largest: Annotated[int, Meta(ge=0)] = 256 * 1024 * 1024
    """Bytes of an upload at most."""
    keep_days: Days = 90.0


class AlertsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[alerts]``: when something is worth a look."""

    offline_after: Seconds = 300.0
    silent_after: Seconds = 900.0
    flapping_connects: Annotated[int, Meta(ge=2)] = 5
    flapping_within: Seconds = 600.0
    failing_calls: Annotated[int, Meta(ge=1)] = 3
    slow_call: Seconds = 15.0


class CertificatesSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[certificates]``: the local authority."""

    organization: str = "ocppflow"
    valid_days: Days = 365.0
    renew_before_days: Days = 30.0
    sign: bool = True
    """Whether CSRs of stations are signed by the CSMS itself."""


class ApiSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[api]``: REST, and what comes with it."""

    octt: bool = False
    """Whether the calls of the small convention for test tools are served under ``/api/octt``."""
    page: Annotated[int, Meta(ge=1, le=1000)] = 100


class CSMSConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """All sections; each setting has a default that suits most."""

    __repr__ = discreet_repr

    stations: StationsSection = field(default_factory=StationsSection)
    device_model: DeviceModelSection = field(default_factory=DeviceModelSection)
    tokens: TokensSection = field(default_factory=TokensSection)
    books: BooksSection = field(default_factory=BooksSection)
    tariffs: TariffsSection = field(default_factory=TariffsSection)
    charging: ChargingSection = field(default_factory=ChargingSection)
    load: LoadSection = field(default_factory=LoadSection)
    jobs: JobsSection = field(default_factory=JobsSection)
    files: FilesSection = field(default_factory=FilesSection)
    alerts: AlertsSection = field(default_factory=AlertsSection)
    certificates: CertificatesSection = field(default_factory=CertificatesSection)
    retention: Retention = field(default_factory=Retention)
    api: ApiSection = field(default_factory=ApiSection)
    certification: bool = False
    """For official test tools: quiet, and certificates are accepted as the tool makes them."""
    quirks: tuple[str, ...] = ()
    """TOML files with quirk profiles of one's own."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is sent unasked, unless a station's own setting says otherwise."""
        return self.stations.quiet or self.certification


def changed(config: CSMSConfig, **sections: dict[str, object]) -> CSMSConfig:
    """``config`` with some settings of some sections changed: ``changed(config, stations={"admit": True})``."""
    replace = msgspec.structs.replace
    return replace(config, **{name: replace(getattr(config, name), **some) for name, some in sections.items()})
