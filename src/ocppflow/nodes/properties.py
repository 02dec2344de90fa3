"""The properties of a node, one by one, as editors store them: numbers may be text, and new ones may be missing.

What makes no sense raises ConfigurationError, whose text names the property and becomes the node's status.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.rules_file import parse_rules, read_rules
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy, Rule, Rules
from ocppflow.nodes.values import as_flag, as_number, shown
from ocppflow.secrecy.discreet_repr import discreet_repr

_UNLIMITED: Final = float("inf")
_LEAST_MESSAGE: Final = 1024
"""Bytes; the boot of an ordinary station is half of it."""
_MOST_MESSAGE: Final = 8 * 2**20
"""Bytes: as much as a line between the engine and a flow runtime holds."""


class TLSFiles(msgspec.Struct, frozen=True):
    """Certificate, key and trusted authorities: file names, or the PEM text itself."""

    __repr__ = discreet_repr

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


def refuse_answers(config: Mapping[str, Any]) -> None:
    """``answer`` lists actions that a node is to answer by itself, which this version cannot."""
    answers = config.get("answer")
    if answers:
        raise ConfigurationError(
            "answer: this version has no answers of its own; leave the list empty and answer in the flow"
        )


def text_of(config: Mapping[str, Any], name: str) -> str:
    """Text without blanks around it; empty if it is missing."""
    value = config.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected text, not {shown(value)}")
    return value.strip()


def flag_of(config: Mapping[str, Any], name: str, default: bool) -> bool:
    """True or false, also as text."""
    value = config.get(name)
    if value is None or value == "":
        return default
    flag = as_flag(value)
    if flag is None:
        raise ConfigurationError(f"{name} is {shown(value)}: expected true or false")
    return flag


def number_of(config: Mapping[str, Any], name: str, default: float | None, *, most: float = _UNLIMITED) -> float:
    """A number of 0 or more, also as text; a whole one if there is a ``most``. Without a ``default`` it is required."""
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


def seconds_of(config: Mapping[str, Any]) -> float:
    """``messageTimeout``, which is in ms, in seconds."""
    return (number_of(config, "messageTimeout", 10_000) or 10_000) / 1000


def message_size_of(config: Mapping[str, Any]) -> int:
    """``maxMessageSize``, in bytes. The default of 1 MiB is a thousand ordinary messages; what is larger is more likely
    an attack than a charging profile."""
    size = number_of(config, "maxMessageSize", 2**20, most=_MOST_MESSAGE)
    if size < _LEAST_MESSAGE:
        raise ConfigurationError(
            f"maxMessageSize is {shown(config['maxMessageSize'])}: expected bytes, {_LEAST_MESSAGE} or more"
        )
    return int(size)


def version_of(config: Mapping[str, Any], name: str) -> Version | None:
    """A version; None if the property is empty."""
    value = config.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is {shown(value)}: expected a version such as 1.6")
    return Version.parse(value.strip())


def versions_of(config: Mapping[str, Any], default: tuple[Version, ...]) -> tuple[Version, ...]:
    """``versions``, a list or text with commas."""
    value = config.get("versions")
    if value is None or value in ("", []):
        return default
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"versions: expected a list such as 1.6, 2.0.1, not {shown(value)}")
    return tuple(dict.fromkeys(Version.parse(name.strip()) for name in names))


def validation_of(config: Mapping[str, Any]) -> Validation:
    """``validation``, and the ``rules`` that go with it."""
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
    try:
        if isinstance(value, str) and not value.lstrip().startswith("["):
            return read_rules(Path(value.strip())).rules
        return Rules.from_data(parse_rules(value) if isinstance(value, str) else value).rules
    except ConfigurationError as exc:
        raise ConfigurationError(f"rules: {exc}") from None


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
