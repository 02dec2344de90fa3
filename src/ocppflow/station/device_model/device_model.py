"""DeviceModel: the values of one station over the declarations that all stations of its make share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ocppflow.errors import ConfigurationError
from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.station_store import StationStore

AREA = "variables"

Reaction = Callable[[Any, VariableKey, str], None]
"""``reaction(station, key, value)``: called after an Actual value has changed, whoever changed it."""

_REACTIONS: dict[tuple[str, str], list[Reaction]] = {}


def on_change(component: str, variable: str) -> Callable[[Reaction], Reaction]:
    """Decorator for a function of a block that has to do something when a variable gets a new value."""

    def register(reaction: Reaction) -> Reaction:
        _REACTIONS.setdefault((component, variable), []).append(reaction)
        return reaction

    return register


class DeviceModel:
    """Reads and writes variables. Nothing here waits; :meth:`set` stages the value in the store, and whoever sets
    decides when to commit."""

    __slots__ = ("_declared", "_owner", "_store", "_values")

    def __init__(self, owner: Any, declared: dict[VariableKey, Declaration], store: StationStore) -> None:
        self._owner = owner
        self._declared = declared
        self._store = store
        self._values: dict[VariableKey, str] = {}
        for text, value in store.load(AREA, str).items():
            key = VariableKey(*_parts(text))
            if key in declared:
                self._values[key] = value

    def find(
        self,
        component: str,
        variable: str,
        *,
        component_instance: str = "",
        variable_instance: str = "",
        evse: int = 0,
        connector: int = 0,
    ) -> Declaration | None:
        """The declaration of just this variable; None if there is none."""
        key = VariableKey(component, variable, component_instance, variable_instance, evse, connector)
        return self._declared.get(key)

    def value(self, component: str, variable: str, **where: Any) -> str | None:
        """The Actual value as text; None if it has none, or there is no such variable."""
        declaration = self.find(component, variable, **where)
        if declaration is None:
            return None
        return self._values.get(declaration.key, declaration.value)

    def text(self, component: str, variable: str, default: str = "", **where: Any) -> str:
        """The Actual value, or ``default``."""
        value = self.value(component, variable, **where)
        return default if value is None else value

    def integer(self, component: str, variable: str, default: int = 0, **where: Any) -> int:
        """The Actual value of an integer, or ``default``."""
        value = self.value(component, variable, **where)
        return int(value) if value else default

    def decimal(self, component: str, variable: str, default: float = 0.0, **where: Any) -> float:
        """The Actual value of a number, or ``default``."""
        value = self.value(component, variable, **where)
        return float(value) if value else default

    def flag(self, component: str, variable: str, default: bool = False, **where: Any) -> bool:
        """The Actual value of a boolean, or ``default``."""
        value = self.value(component, variable, **where)
        return value.lower() == "true" if value else default

    def members(self, component: str, variable: str, default: Iterable[str] = (), **where: Any) -> tuple[str, ...]:
        """The Actual value of a list, or ``default``."""
        value = self.value(component, variable, **where)
        return tuple(default) if value is None else tuple(item.strip() for item in value.split(",") if item.strip())

    def set(self, component: str, variable: str, value: str | int | float | bool | datetime, **where: Any) -> None:
        """Give a variable a new Actual value from inside the station, whatever its mutability; reactions are called if
        it differs. Raises ConfigurationError if it is not declared."""
        declaration = self.find(component, variable, **where)
        if declaration is None:
            raise ConfigurationError(f"{component}.{variable} is not declared in the device model")
        text = as_text(value)
        if self._values.get(declaration.key, declaration.value) == text:
            return
        self._values[declaration.key] = text
        if declaration.persistent:
            self._store.put(AREA, "\x1f".join(map(str, declaration.key)), text)
        for reaction in _REACTIONS.get((component, variable), ()):
            reaction(self._owner, declaration.key, text)


def as_text(value: str | int | float | bool | datetime) -> str:
    """A value as the device model has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _parts(text: str) -> tuple[str, str, str, str, int, int]:
    component, variable, component_instance, variable_instance, evse, connector = text.split("\x1f")
    return component, variable, component_instance, variable_instance, int(evse), int(connector)
