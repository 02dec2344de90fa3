"""The configuration of the nodes, as flows export it: property names and defaults are the contract's.

Editors store numbers as text and leave new properties out, so every value is read with care. What makes no sense raises
ConfigurationError, whose text becomes the node's status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy
from ocppflow.nodes.contract import shown

_UNLIMITED = float("inf")


class TLSFiles(msgspec.Struct, frozen=True):
    """Certificate, key and trusted authorities: file names, or the PEM text itself."""

    cert: str = ""
    key: str = ""
    ca: str = ""
    passphrase: str = ""
    verify: bool = True


class CSMSSettings(msgspec.Struct, frozen=True):
    """A CSMS node's. ``timeout`` in seconds. ``shared`` is the one user name and password of the older format."""

    port: int
    host: str
    path: str
    versions: tuple[Version, ...]
    timeout: float
    profile: int
    tls: TLSFiles | None
    policy: Policy
    logs: bool
    log_file: str
    shared: tuple[str, str] | None

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> CSMSSettings:
        """Raises ConfigurationError."""
        _no_behaviour(config)
        port = _number(config, "port", None, most=65535)
        profile = int(_number(config, "securityProfile", 1, most=3))
        tls = _tls(config)
        if profile >= 2 and (tls is None or not tls.cert):
            raise ConfigurationError(f"security profile {profile} needs a certificate and its key (tls)")
        if profile == 3 and (tls is None or not tls.ca):
            raise ConfigurationError("security profile 3 needs the CA of the stations' certificates (tls)")
        user, password = _text(config, "ws_user"), _text(config, "ws_pw")
        return cls(
            port=int(port),
            host=_text(config, "host"),
            path="/" + _text(config, "path").strip("/"),
            versions=_versions(config, (Version.V201,)),
            timeout=_milliseconds(config),
            profile=profile,
            tls=tls if profile >= 2 else None,
            policy=_policy(config),
            logs=_flag(config, "ocpp_logging", False),
            log_file=_text(config, "logpath") if _flag(config, "log", False) else "",
            shared=(user, password) if user and password else None,
        )

    @property
    def url(self) -> str:
        """What stations append their identity to."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "0.0.0.0"  # noqa: S104 - all interfaces
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{self.path}"


class CSSettings(msgspec.Struct, frozen=True):
    """A CS node's. Times in seconds."""

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
    policy: Policy
    logs: bool
    ping_interval: float

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> CSSettings:
        """Raises ConfigurationError."""
        _no_behaviour(config)
        cb_id = _text(config, "cbId")
        if not cb_id:
            raise ConfigurationError("cbId is missing: expected the station's identity")
        return cls(
            cb_id=cb_id,
            url=csms_url(_target(config), "the URL of the CSMS"),
            user=_text(config, "csms_user") or cb_id,
            wait_minimum=_number(config, "ws_rt_minimum", 10),
            repeat_times=int(_number(config, "ws_rt_repeat", 2)),
            random_range=_number(config, "ws_rt_rnd_range", 2),
            auto_connect=_flag(config, "auto_connect", True),
            versions=_versions(config, (Version.V201,)),
            timeout=_milliseconds(config),
            tls=_tls(config),
            policy=_policy(config),
            logs=_flag(config, "ocpp_logging", False),
            ping_interval=_number(config, "pingInterval", 30),
        )


def csms_url(value: Any, what: str) -> str:
    """A CSMS's endpoint URL without trailing slashes. Raises ConfigurationError, which never shows the URL's
    credentials."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{what} is missing: expected ws:// or wss://, host, port and route")
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
        parts = urlsplit("")
    if parts.username or parts.password:
        raise ConfigurationError(f"{what} holds credentials: the password belongs into csms_pw")
    if not valid:
        raise ConfigurationError(f"{what} is {shown(url)}: expected ws:// or wss://, host, port and route")
    return url


def _target(config: Mapping[str, Any]) -> Any:
    """The URL of the ``target-csms`` node, or that of the older format."""
    target = config.get("csms")
    if isinstance(target, Mapping) and target.get("url"):
        return target["url"]
    if config.get("csms_url"):
        return config["csms_url"]
    if isinstance(target, str) and "://" not in target and target:
        raise ConfigurationError(f"csms refers to the target-csms node {shown(target)}, which is not there")
    return target


def _no_behaviour(config: Mapping[str, Any]) -> None:
    answers = config.get("answer")
    if answers:
        raise ConfigurationError(
            "answer: this version has no answers of its own; leave the list empty and answer in the flow"
        )


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected text, not {shown(value)}")
    return value.strip()


def _flag(config: Mapping[str, Any], name: str, default: bool) -> bool:
    value = config.get(name)
    if value is None or value == "":
        return default
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {shown(value)}: expected true or false")
    return value


def _number(config: Mapping[str, Any], name: str, default: float | None, *, most: float = _UNLIMITED) -> float:
    value = config.get(name)
    if value is None or value == "":
        if default is None:
            raise ConfigurationError(f"{name} is missing: expected a number")
        return default
    number = as_number(value)
    whole = most == _UNLIMITED or (number is not None and number.is_integer())
    if number is None or not whole or not 0 <= number <= most:
        upto = "of 0 or more" if most == _UNLIMITED else f"from 0 to {most:g}"
        raise ConfigurationError(f"{name} is {shown(value)}: expected a number {upto}")
    return number


def as_number(value: Any) -> float | None:
    """A number, or text that is one; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < _UNLIMITED else None


def _milliseconds(config: Mapping[str, Any]) -> float:
    return (_number(config, "messageTimeout", 10_000) or 10_000) / 1000


def _versions(config: Mapping[str, Any], default: tuple[Version, ...]) -> tuple[Version, ...]:
    value = config.get("versions")
    if value is None or value in ("", []):
        return default
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"versions: expected a list such as 1.6, 2.0.1, not {shown(value)}")
    return tuple(dict.fromkeys(Version.parse(name.strip()) for name in names))


def _policy(config: Mapping[str, Any]) -> Policy:
    value = config.get("validation")
    if value in (None, "", "strict"):
        return STRICT
    if value == "tolerant":
        return TOLERANT
    raise ConfigurationError(f'validation is {shown(value)}: expected "strict" or "tolerant"')


def _tls(config: Mapping[str, Any]) -> TLSFiles | None:
    return tls_files(config.get("tls"))


def tls_files(value: Any) -> TLSFiles | None:
    """A ``tls`` object; None if there is none. Raises ConfigurationError."""
    if value is None or value == "":
        return None
    if not isinstance(value, Mapping):
        raise ConfigurationError("tls: expected an object with cert, key, ca, passphrase, verify")
    texts = [value.get(name) or "" for name in ("cert", "key", "ca", "passphrase")]
    verify = value.get("verify", True)
    if not all(isinstance(text, str) for text in texts) or not isinstance(verify, bool):
        raise ConfigurationError("tls: cert, key, ca and passphrase are text, verify is true or false")
    cert, key, ca, passphrase = texts
    return TLSFiles(cert, key, ca, passphrase, verify)
