"""Settings: what the tester chooses; the configuration items of the official tool, with values that suit most."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from ocppflow.messages.v21 import (
    AdditionalInfoType,
    ChargingRateUnitEnumType,
    IdTokenType,
    MessageFormatEnumType,
    MessagePriorityEnumType,
)
from ocppflow.secrecy.discreet_repr import discreet_repr


class CheckSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a station is tested. Times are in seconds."""

    __repr__ = discreet_repr

    connectors: tuple[int, ...] = (1,)
    """How many connectors each EVSE has, EVSE 1 first."""
    evse: int = 1
    """The EVSE that the scenarios use."""
    connector: int = 1
    second_evse: int = 2
    token: str = "CHECK-0001"
    token_type: str = "ISO14443"
    second_token: str = "CHECK-0002"
    """Another one of the same type and, where a case says so, of the same group."""
    invalid_token: str = "CHECK-BAD1"
    blocked_token: str = "CHECK-BAD2"
    expired_token: str = "CHECK-BAD3"
    master_pass_token: str = "CHECK-0009"
    """A token of the master pass group."""
    group: str = "CHECK-GROUP"
    master_pass_group: str = "CHECK-MASTER"
    remote_start: bool = False
    """Whether cases that leave it open authorize by RequestStartTransaction instead of with a token."""
    start_button: bool = False
    """Whether the station starts by a button (use case C02): then no AuthorizeRequest is waited for."""
    patience: float = 30.0
    """For a message that must come."""
    reboot_patience: float = 300.0
    """For a station that starts again."""
    quiet: float = 5.0
    """How long nothing must come, where nothing must."""
    tolerance: float = 4.0
    """By how much times may be off: what certification labs allow."""
    transaction_seconds: float = 5.0
    """How long energy flows in a case that does not say."""
    energy_patience: float = 0.0
    """For the 10 kWh of MaxEnergyOnInvalidId in one case; 0: they are not waited for, and the case is partial."""
    connector_type: str = ""
    """Of the connector that the scenarios use, such as sType2, for reservations of a type."""
    heartbeat_interval: int = 300
    offline_threshold: int = 20
    connection_timeout: int = 30
    """EVConnectionTimeOut of the cases that set it."""
    retry_wait_minimum: int = 5
    """RetryBackOffWaitMinimum of the cases that set it."""
    retry_interval: int = 5
    """MessageAttemptInterval of the cases that set it."""
    sampled_interval: int = 5
    """SampledDataCtrlr.TxUpdatedInterval of the cases that set it."""
    aligned_interval: int = 60
    """AlignedDataCtrlr.Interval of the cases that set it."""
    message_timeout: int = 30
    profile_id: int = 1001
    """The id of charging profiles; those that follow it are used too."""
    rate_unit: ChargingRateUnitEnumType = "A"
    """The unit of limits: A or W. In W they are a thousand times as high, as the official cases have it."""
    phases: int = 3
    """The numberPhases of charging profiles; 0: it is left out."""
    max_offline_duration: int = 60
    """maxOfflineDuration of the case that sets it, in seconds: longer than the station needs to connect again."""
    limit_at_soc: int = 80
    """The state of charge, in percent, from which the limit of the case that has one counts."""
    display_message_id: int = 2001
    """The id of display messages; those that follow it are used too."""
    display_format: MessageFormatEnumType = "UTF8"
    display_priority: MessagePriorityEnumType = "NormalCycle"
    display_language: str = "en"
    """One that the display supports."""
    second_language: str = "nl"
    """Another one, where the display supports several."""
    unsupported_language: str = "tlh"
    """One that it does not support."""
    second_slot: int = 2
    """A configuration slot for a NetworkConnectionProfile that is not in use."""
    second_url: str = ""
    """Where this tool can be reached besides, for the cases that let the station move; empty: at the same place."""
    interface: str = "Wired0"
    """The ocppInterface that the station connects with."""
    security_profile: int = 1
    """The one in use."""

    host: str = ""
    """The name or address under which the station finds this machine, for files and a second CSMS; empty: the address
    that this machine has for it."""
    files_port: int = 0
    """Where the file server listens; 0: any free port."""
    firmware: str = ""
    """A firmware image that the station can install; empty: a made-up one, for stations that take any."""
    firmware_signature: str = ""
    """A file with its signature in base64; empty: it is signed here, by a root that the station is given."""
    signing_certificate: str = ""
    """The PEM file of the certificate for that signature."""
    broken_firmware: str = ""
    """An image that is signed by the same and cannot be installed, with .sig appended its signature; empty: a made-up
    one."""
    monitored_component: str = "EVSE"
    """With monitored_variable a number of the EVSE that can be monitored and goes up when energy flows."""
    monitored_variable: str = "Power"
    upper_threshold: float = 100.0
    """Of that number: it is above this while energy flows, and below it else."""
    highest_threshold: float = 20000.0
    """It is never above this, and this is within its limits."""
    lower_threshold: float = 10.0
    """It is below this while no energy flows."""
    signing_wait: int = 30
    """CertSigningWaitMinimum of the case that sets it."""
    second_port: int = 0
    """Where the CSMS listens for a station that goes over to a higher security profile; 0: any free port."""
    customer_identifier: str = ""
    """A customer of whom the station knows something under that name; the case makes it forget. The token, if that is
    what customers are known by: then it is used first."""
    schedule_seconds: int = 60
    """How far ahead a download or an installation is scheduled."""

    @property
    def valid_token(self) -> IdTokenType:
        """The token that the CSMS accepts."""
        return self.id_token(self.token)

    def id_token(self, text: str, kind: str = "") -> IdTokenType:
        """A token of the usual type, or of ``kind``."""
        additional: list[AdditionalInfoType] | msgspec.UnsetType = UNSET
        return IdTokenType(id_token=text, type=kind or self.token_type, additional_info=additional)

    @property
    def all_connectors(self) -> list[tuple[int, int]]:
        """EVSE and connector of each connector."""
        return [(evse, c) for evse, count in enumerate(self.connectors, 1) for c in range(1, count + 1)]
