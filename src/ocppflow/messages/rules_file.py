"""Tolerance rules from a file.

TOML::

    [[rules]]
    vendor = "Acme*"
    path = "$.chargingStation.serialNumber"
    forgive = ["value"]

or JSON, a list of the same tables.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages.tolerance import Rules


def read_rules(file: Path) -> Rules:
    """The rules in ``file``: JSON if its name ends so, else TOML. Raises ConfigurationError that names the file."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{file}: {exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: the text is not UTF-8") from None
    try:
        return Rules.from_data(_rows(parse_rules(text) if file.suffix.lower() == ".json" else _tables(text)))
    except ConfigurationError as exc:
        raise ConfigurationError(f"{file}: {exc}") from None


def parse_rules(text: str) -> Any:
    """A list of rules written as JSON. Raises ConfigurationError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise ConfigurationError(f"not JSON: {exc}") from None


def _tables(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigurationError(f"not TOML: {exc}") from None


def _rows(content: Any) -> Any:
    """The list, which stands in the table ``rules`` where it does not stand alone."""
    if not isinstance(content, dict):
        return content
    unknown = sorted(content.keys() - {"rules"})
    if unknown or "rules" not in content:
        found = f"it has {unknown[0]!r}" if unknown else "it is empty"
        raise ConfigurationError(f"rules stand in tables [[rules]]; {found}")
    return content["rules"]
