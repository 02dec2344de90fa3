"""A station's make-up as a TOML file: read with errors that say where, written with comments; and the shipped makes."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.station.config_comments import COMMENTS, HEAD
from ocppflow.station.station_config import (
    ConnectorConfig,
    EvseConfig,
    MonitorConfig,
    StationConfig,
    VariableConfig,
)
from ocppflow.station.toml_faults import near_miss, worded_fault

MAKES: Final = {
    "ac-wallbox": "one AC EVSE of 22 kW with a fixed cable",
    "ac-double-post": "two AC EVSEs of 22 kW with sockets that lock the cable",
    "dc-fast-charger": "two DC EVSEs of 150 kW, one with two connectors, and an AC one",
    "minimal-1.6": "speaks only OCPP 1.6, and only its Core profile",
    "awkward": "says it as badly as stations in the field do",
}
"""The shipped makes, and what each is."""

_LONGEST_FILE: Final = 1_000_000

_OWN_TABLES: Final[dict[str, type[msgspec.Struct]]] = {"variables": VariableConfig, "monitors": MonitorConfig}
"""Tables of which a station has as many as it likes, and by default none."""


def read_config(file: Path | str) -> StationConfig:
    """The make-up in a file. Raises ConfigurationError, one line: the file, the key, what is wanted."""
    file = Path(file)
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file}: {exc.strerror or exc}") from None
    if len(raw) > _LONGEST_FILE:
        raise ConfigurationError(f"{file}: a station's make-up has at most {_LONGEST_FILE} bytes, not {len(raw)}")
    try:
        return parse_config(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: the text is not UTF-8") from None
    except ConfigurationError as exc:
        raise ConfigurationError(f"{file}: {exc}") from None


def make_config(name: str) -> StationConfig:
    """A shipped make. Raises ConfigurationError."""
    return parse_config(make_text(name))


def make_text(name: str) -> str:
    """The file of a shipped make, as it is. Raises ConfigurationError."""
    if name not in MAKES:
        raise ConfigurationError(f"there is no make {name!r}; {near_miss(name, list(MAKES), 'the makes are')}")
    return resources.files("ocppflow.station").joinpath("makes", f"{name}.toml").read_text(encoding="utf-8")


def parse_config(text: str) -> StationConfig:
    """The make-up in TOML. Raises ConfigurationError: the key, what is wanted."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigurationError(f"not TOML: {exc}") from None
    return config_of(content)


def config_of(content: dict[str, Any]) -> StationConfig:
    """The make-up in a table of TOML. Raises ConfigurationError: the key, what is wanted."""
    try:
        return msgspec.convert(content, StationConfig)
    except msgspec.ValidationError as exc:
        raise ConfigurationError(worded_fault(str(exc), _fields_at, _choices)) from None


def _struct_at(path: str) -> type[msgspec.Struct]:
    for table, kind in _OWN_TABLES.items():
        if path.startswith(f"{table}["):
            return kind
    if path.startswith("evses["):
        return ConnectorConfig if ".connectors[" in path else EvseConfig
    return StationConfig


def _fields_at(path: str) -> tuple[str, ...]:
    return _struct_at(path).__struct_fields__


def _choices(path: str) -> list[str]:
    if path.startswith("versions"):
        return [version.value for version in Version]
    kind = next(field for field in msgspec.json.schema(_struct_at(path))["$defs"].values() if "properties" in field)
    found = kind["properties"].get(path.rpartition(".")[2], {})
    options = [found, *found.get("anyOf", ())]
    return [str(value) for option in options for value in option.get("enum", ()) if value is not None]


# --- writing -------------------------------------------------------------------------------------------------------


def config_text(config: StationConfig) -> str:
    """``config`` as TOML with comments, which :func:`parse_config` reads as just this."""
    lines = [*HEAD.splitlines(), ""]
    lines += _table(config, StationConfig, skip=("evses", *_OWN_TABLES))
    for evse in config.evses:
        lines += ["", *_commented("evses"), "[[evses]]", *_table(evse, EvseConfig, skip=("connectors",))]
        for connector in evse.connectors:
            lines += ["", "[[evses.connectors]]", *_table(connector, ConnectorConfig)]
    for table, kind in _OWN_TABLES.items():
        lines += ["", *_commented(table)]
        for each in getattr(config, table):
            lines += [f"[[{table}]]", *_table(each, kind, only_given=True), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(
    value: msgspec.Struct, kind: type[msgspec.Struct], *, skip: tuple[str, ...] = (), only_given: bool = False
) -> list[str]:
    lines: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.name in skip:
            continue
        now = getattr(value, field.name)
        if only_given:
            if now != field.default:
                lines.append(f"{field.name} = {_toml(now)}")
            continue
        lines += _commented(f"{kind.__name__}.{field.name}")
        lines.append(f"# {field.name} =" if now is None else f"{field.name} = {_toml(now)}")
    return lines


def _commented(name: str) -> list[str]:
    return [f"# {line}".rstrip() for line in COMMENTS[name].splitlines()]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)
