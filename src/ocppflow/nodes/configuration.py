"""The configuration of the nodes, as flows export it: property names and defaults are the contract's.

Editors store numbers as text and leave new properties out, so every value is read with care. What makes no sense raises
ConfigurationError, whose text becomes the node's status.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.rules_file import parse_rules, read_rules
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy, Rule, Rules
from ocppflow.nodes.values import as_flag, as_number, shown
from ocppflow.transport.settings import LinkLimits, ServerLimits

_UNLIMITED = float("inf")
_LEAST_MESSAGE = 1024
"""Bytes; the boot of an ordinary station is half of it."""
_MOST_MESSAGE = 8 * 2**20
"""Bytes: as much as a line between the engine and a flow runtime holds."""


class TLSFiles(msgspec.Struct, frozen=True):
    """Certificate, key and trusted authorities: file names, or the PEM text itself."""

    cert: str = ""
    key: str = ""
    ca: str = ""
    passphrase: str = ""
    verify: bool = True


class Validation(msgspec.Struct, frozen=True):
    """What is forgiven of messages that break the schema."""

    tolerant: bool = False
    """Everything."""
    rules: tuple[Rule, ...] = ()
    """What these say, unless it is everything."""

    @property
    def policy(self) -> Policy:
        """As the roles take it."""
        if self.tolerant:
            return TOLERANT
        return Rules(self.rules) if self.rules else STRICT


class CSMSSettings(msgspec.Struct, frozen=True):
    """A CSMS node's. ``timeout`` in seconds. ``shared`` is the one user name and password of the older format."""

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
            validation=_validation(config),
            logs=_flag(config, "ocpp_logging", False),
            max_message_size=_message_size(config),
            ping_interval=_number(config, "pingInterval", 60),
            log_file=_text(config, "logpath") if _flag(config, "log", False) else "",
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
    """A CS node's. Times in seconds. ``cb_id`` and ``url`` may be missing or wrong: ``connect`` may bring others."""

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

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> CSSettings:
        """Raises ConfigurationError."""
        _no_behaviour(config)
        cb_id = _text(config, "cbId")
        return cls(
            cb_id=cb_id,
            url=_target(config),
            user=_text(config, "csms_user") or cb_id,
            wait_minimum=_number(config, "ws_rt_minimum", 10),
            repeat_times=int(_number(config, "ws_rt_repeat", 2)),
            random_range=_number(config, "ws_rt_rnd_range", 2),
            auto_connect=_flag(config, "auto_connect", True),
            versions=_versions(config, (Version.V201,)),
            timeout=_milliseconds(config),
            tls=_tls(config),
            validation=_validation(config),
            logs=_flag(config, "ocpp_logging", False),
            max_message_size=_message_size(config),
            ping_interval=_number(config, "pingInterval", 30),
        )

    def link_limits(self, close_timeout: float) -> LinkLimits:
        """What the connection to the CSMS may do."""
        return LinkLimits(
            max_message_size=self.max_message_size, ping_interval=self.ping_interval, close_timeout=close_timeout
        )

    def moved(self, cb_id: str | None, url: str | None, tls: TLSFiles | None) -> CSSettings:
        """With what the Command Message ``connect`` says instead. Raises ConfigurationError."""
        moved = msgspec.structs.replace(
            self, cb_id=cb_id or self.cb_id, url=_as_kept(url) if url else self.url, tls=tls or self.tls
        )
        moved.check_address()
        return moved

    def check_address(self) -> None:
        """Raise ConfigurationError unless this station can connect to this URL. The URL's credentials are not shown."""
        if not self.cb_id:
            raise ConfigurationError("cbId is missing: expected the station's identity")
        if not self.url:
            raise ConfigurationError("the URL of the CSMS is missing: expected ws:// or wss://, host, port and route")
        if self.url.startswith(_NO_TARGET):
            name = shown(self.url.removeprefix(_NO_TARGET))
            raise ConfigurationError(f"csms refers to the target-csms node {name}, which is not there")
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
            parts = urlsplit("")
        if parts.username or parts.password:
            raise ConfigurationError("the URL of the CSMS holds credentials: the password belongs into csms_pw")
        if not valid:
            raise ConfigurationError(
                f"the URL of the CSMS is {shown(self.url)}: expected ws:// or wss://, host, port and route"
            )


_NO_TARGET = "target-csms:"
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
    """As it is, but for one slash at the end: with and without it, the identity comes after one slash."""
    url = url.strip()
    return url[:-1] if url.endswith("/") and not url.endswith("//") else url


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
    flag = as_flag(value)
    if flag is None:
        raise ConfigurationError(f"{name} is {shown(value)}: expected true or false")
    return flag


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


def _milliseconds(config: Mapping[str, Any]) -> float:
    return (_number(config, "messageTimeout", 10_000) or 10_000) / 1000


def _message_size(config: Mapping[str, Any]) -> int:
    """In bytes. 1 MiB holds some thousand times the largest message that stations send; the most is what the engine
    can pass to the flow."""
    size = _number(config, "maxMessageSize", 2**20, most=_MOST_MESSAGE)
    if size < _LEAST_MESSAGE:
        raise ConfigurationError(
            f"maxMessageSize is {shown(config['maxMessageSize'])}: expected bytes, {_LEAST_MESSAGE} or more"
        )
    return int(size)


def _versions(config: Mapping[str, Any], default: tuple[Version, ...]) -> tuple[Version, ...]:
    value = config.get("versions")
    if value is None or value in ("", []):
        return default
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"versions: expected a list such as 1.6, 2.0.1, not {shown(value)}")
    return tuple(dict.fromkeys(Version.parse(name.strip()) for name in names))


def _validation(config: Mapping[str, Any]) -> Validation:
    value = config.get("validation")
    if value in (None, "", "strict"):
        return Validation()
    if value == "tolerant":
        return Validation(tolerant=True)
    if value == "rules":
        return Validation(rules=_rules(config.get("rules")))
    raise ConfigurationError(f'validation is {shown(value)}: expected "strict", "tolerant" or "rules"')


def _rules(value: Any) -> tuple[Rule, ...]:
    """A list, the same as JSON text, or the name of a file."""
    if value is None or value in ("", []):
        raise ConfigurationError('validation is "rules", but rules is empty: expected a list of rules, or a file name')
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return read_rules(Path(value.strip())).rules
    try:
        return Rules.from_data(parse_rules(value) if isinstance(value, str) else value).rules
    except ConfigurationError as exc:
        raise ConfigurationError(f"rules: {exc}") from None


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
