"""The configuration of the nodes, as flows export it. Property names and defaults come from the contract.

Editors store numbers as text and leave new properties out, so every value is read with care. What makes no sense raises
ConfigurationError, whose text becomes the node's status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from ocppflow.endpoint import Leniency, LinkLimits, ServerLimits
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.nodes.properties import (
    TLSFiles,
    Validation,
    flag_of,
    message_size_of,
    number_of,
    refuse_answers,
    seconds_of,
    text_of,
    tls_files,
    validation_of,
    version_of,
    versions_of,
)
from ocppflow.nodes.values import shown
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.transport.address import PLACEHOLDER, StationAddress, station_address
from ocppflow.transport.handshake import check_identity


class CSMSSettings(msgspec.Struct, frozen=True):
    """The settings of a CSMS node. Times are in seconds. ``shared`` is the user name and password of the older format,
    the same for all stations."""

    SECRET_FIELDS: ClassVar = frozenset({"shared"})
    __repr__ = discreet_repr

    port: int
    host: str
    path: str
    versions: tuple[Version, ...]
    timeout: float
    profile: int
    tls: TLSFiles | None
    validation: Validation
    logs: bool
    max_message_size: int
    ping_interval: float
    leniency: Leniency
    hides_identities: bool
    log_file: str
    shared: tuple[str, str] | None

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> CSMSSettings:
        """Raises ConfigurationError."""
        refuse_answers(config)
        port = number_of(config, "port", None, most=65535)
        profile = int(number_of(config, "securityProfile", 1, most=3))
        tls = tls_files(config.get("tls"))
        if profile >= 2 and (tls is None or not tls.cert):
            raise ConfigurationError(f"security profile {profile} needs a certificate and its key (tls)")
        if profile == 3 and (tls is None or not tls.ca):
            raise ConfigurationError("security profile 3 needs the CA of the stations' certificates (tls)")
        versions = versions_of(config, (Version.V201,))
        leniency = Leniency(
            version=version_of(config, "assumeVersion"),
            identity=text_of(config, "assumeIdentity") or None,
            any_username=flag_of(config, "anyUser", False),
            any_connection_header=flag_of(config, "anyConnectionHeader", False),
            origins=[each.strip() for each in text_of(config, "allowOrigins").split(",") if each.strip()],
        )
        leniency.check(versions)
        user, password = text_of(config, "ws_user"), text_of(config, "ws_pw")
        return cls(
            port=int(port),
            host=text_of(config, "host"),
            path="/" + text_of(config, "path").strip("/"),
            versions=versions,
            timeout=seconds_of(config),
            profile=profile,
            tls=tls if profile >= 2 else None,
            validation=validation_of(config),
            logs=flag_of(config, "ocpp_logging", False),
            max_message_size=message_size_of(config),
            ping_interval=number_of(config, "pingInterval", 60),
            leniency=leniency,
            hides_identities=flag_of(config, "hideIdentities", False),
            log_file=text_of(config, "logpath") if flag_of(config, "log", False) else "",
            shared=(user, password) if user and password else None,
        )

    @property
    def url(self) -> str:
        """What stations append their identity to."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{self.path}"

    def server_limits(self, close_timeout: float) -> ServerLimits:
        """What a station's connection may do."""
        return ServerLimits(
            max_message_size=self.max_message_size, ping_interval=self.ping_interval, close_timeout=close_timeout
        )


class CSSettings(msgspec.Struct, frozen=True):
    """The settings of a CS node. Times are in seconds. ``cb_id`` and ``url`` may be missing or wrong, because
    ``connect`` may bring others."""

    __repr__ = discreet_repr

    cb_id: str
    url: str
    user: str
    wait_minimum: float
    repeat_times: int
    random_range: float
    auto_connect: bool
    versions: tuple[Version, ...]
    timeout: float
    tls: TLSFiles | None
    validation: Validation
    logs: bool
    max_message_size: int
    ping_interval: float
    leniency: Leniency

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> CSSettings:
        """Raises ConfigurationError."""
        refuse_answers(config)
        cb_id = text_of(config, "cbId")
        versions = versions_of(config, (Version.V201,))
        leniency = Leniency(version=version_of(config, "assumeVersion"))
        leniency.check(versions)
        return cls(
            cb_id=cb_id,
            url=_target(config),
            user=text_of(config, "csms_user") or cb_id,
            wait_minimum=number_of(config, "ws_rt_minimum", 10),
            repeat_times=int(number_of(config, "ws_rt_repeat", 2)),
            random_range=number_of(config, "ws_rt_rnd_range", 2),
            auto_connect=flag_of(config, "auto_connect", True),
            versions=versions,
            timeout=seconds_of(config),
            tls=tls_files(config.get("tls")),
            validation=validation_of(config),
            logs=flag_of(config, "ocpp_logging", False),
            max_message_size=message_size_of(config),
            ping_interval=number_of(config, "pingInterval", 30),
            leniency=leniency,
        )

    def link_limits(self, close_timeout: float) -> LinkLimits:
        """What the connection to the CSMS may do."""
        return LinkLimits(
            max_message_size=self.max_message_size, ping_interval=self.ping_interval, close_timeout=close_timeout
        )

    def moved(self, cb_id: str | None, url: str | None, tls: TLSFiles | None) -> CSSettings:
        """The settings with what the Command Message ``connect`` changes. Raises ConfigurationError."""
        moved = msgspec.structs.replace(
            self, cb_id=cb_id or self.cb_id, url=_as_kept(url) if url else self.url, tls=tls or self.tls
        )
        moved.address()
        return moved

    def address(self) -> StationAddress:
        """Where the station connects to. Raises ConfigurationError if identity or URL is missing or forbidden. A URL's
        credentials are not shown."""
        if not self.cb_id:
            raise ConfigurationError("cbId is missing: expected the station's identity")
        if not self.url:
            raise ConfigurationError("the URL of the CSMS is missing: expected ws:// or wss://, host, port and route")
        if self.url.startswith(_NO_TARGET):
            name = shown(self.url.removeprefix(_NO_TARGET))
            raise ConfigurationError(f"csms refers to the target-csms node {name}, which is not there")
        if "@" in self.url.partition("//")[2].partition("/")[0]:
            raise ConfigurationError("the URL of the CSMS holds credentials: the password belongs into csms_pw")
        faults = [fault for version in self.versions if (fault := check_identity(self.cb_id, version))]
        if len(faults) == len(self.versions):
            raise ConfigurationError(faults[0].reason)
        return station_address(self.url, self.cb_id)


_NO_TARGET: Final = "target-csms:"
"""Before the id of a ``target-csms`` node that is not there, in place of its URL."""


def _target(config: Mapping[str, Any]) -> str:
    """The URL of the ``target-csms`` node, or that of the older format; empty if there is none."""
    target = config.get("csms")
    url = target.get("url") if isinstance(target, Mapping) else None
    url = url or config.get("csms_url")
    if isinstance(url, str) and url.strip():
        return _as_kept(url)
    if isinstance(target, str) and target.strip():
        return _as_kept(target) if "://" in target else f"{_NO_TARGET}{target}"
    return ""


def _as_kept(url: str) -> str:
    """As it is, but for one slash at the end of the route: with and without it, the identity comes after one slash."""
    url = url.strip()
    return url[:-1] if url.endswith("/") and not url.endswith("//") and not (PLACEHOLDER in url or "?" in url) else url
