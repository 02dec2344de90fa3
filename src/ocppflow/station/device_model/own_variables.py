"""Variables of a station's own, and other values, limits or rights for the standard's, from the config."""

from __future__ import annotations

from typing import Any, cast, get_args

from msgspec.structs import replace

from ocppflow.errors import ConfigurationError
from ocppflow.station.device_model.declaration import DataType, Declaration, VariableKey
from ocppflow.station.device_model.value_rules import Unfit, fit
from ocppflow.station.station_config import StationConfig, VariableConfig

_DATA_TYPES: tuple[str, ...] = get_args(DataType)
_LONGEST_NAME = 50
"""Of components, variables and instances (Part 2, ComponentType and VariableType)."""


def declare_own(config: StationConfig, made: list[Declaration]) -> None:
    """Add what ``config.variables`` has, or change with it what is there. Raises ConfigurationError, which names the
    place."""
    standard = {each.key.folded: place for place, each in enumerate(made)}
    for number, own in enumerate(config.variables):
        where = f"variables[{number}] ({own.component}.{own.variable})"
        key = _key(own, config, where)
        place = standard.get(key.folded)
        if place is None:
            standard[key.folded] = len(made)
            made.append(_declared(own, Declaration(key=key, data_type="string", supports_monitoring=True), where))
        else:
            made[place] = _declared(own, made[place], where)


def _key(own: VariableConfig, config: StationConfig, where: str) -> VariableKey:
    key = VariableKey(
        own.component, own.variable, own.component_instance, own.variable_instance, own.evse, own.connector
    )
    if not (own.component and own.variable):
        raise ConfigurationError(f"{where}: a component and a variable need a name")
    if any(len(name) > _LONGEST_NAME or "\x1f" in name for name in key[:4]):
        raise ConfigurationError(f"{where}: names have at most {_LONGEST_NAME} printable characters")
    if not 0 <= own.evse <= len(config.evses):
        raise ConfigurationError(f"{where}: there is no evse {own.evse}; they count from 1 to {len(config.evses)}")
    if own.connector and (not own.evse or not 0 < own.connector <= len(config.evses[own.evse - 1].connectors)):
        raise ConfigurationError(f"{where}: there is no connector {own.connector} at evse {own.evse}")
    return key


def _declared(own: VariableConfig, base: Declaration, where: str) -> Declaration:
    if own.data_type is not None and own.data_type not in _DATA_TYPES:
        raise ConfigurationError(f"{where}: data_type is {own.data_type!r}; it is one of {', '.join(_DATA_TYPES)}")
    changes: dict[str, Any] = {
        "mutability": own.mutability,
        "data_type": cast(DataType | None, own.data_type),
        "unit": own.unit or None,
        "min_limit": own.min_limit,
        "max_limit": own.max_limit,
        "values_list": tuple(value.strip() for value in own.values_list.split(",")) if own.values_list else None,
        "reboot_required": own.reboot_required or None,
        "required": own.required or None,
        "targets": own.targets or None,
    }
    changed = replace(base, **{name: value for name, value in changes.items() if value is not None})
    if own.mutability is not None and own.mutability != "ReadOnly":
        changed = replace(changed, constant=False, persistent=True)
    if own.value is None:
        return changed
    try:
        return replace(changed, value=fit(changed, own.value))
    except Unfit as exc:
        raise ConfigurationError(f"{where}: the value {own.value!r} does not fit: {exc}") from None
