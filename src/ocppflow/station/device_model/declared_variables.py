"""DeclaredVariables: all declarations of a make of stations, and how they are found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ocppflow.station.device_model.declaration import Declaration, VariableKey


class ComponentPlace(NamedTuple):
    """Which component, in one case."""

    name: str
    instance: str = ""
    evse: int = 0
    connector: int = 0


class DeclaredVariables(dict[VariableKey, Declaration]):
    """Declarations by key, as declared, in the order in which they are reported. It is made once for all stations of a
    make, and never changed."""

    __slots__ = ("_components", "_folded", "wanting")

    def __init__(self, made: Iterable[Declaration]) -> None:
        super().__init__((each.key, each) for each in made)
        self._folded = {key.folded: each for key, each in self.items()}
        self._components: dict[ComponentPlace, list[Declaration]] = {}
        self.wanting = tuple(
            each for each in self.values() if each.required and each.value is None and each.mutability != "WriteOnly"
        )
        """What is required, and has no value from the start: a station does not start without one."""
        for each in self.values():
            self._components.setdefault(place_of(each.key), []).append(each)

    def find(self, key: VariableKey) -> Declaration | None:
        """The declaration of just this variable, whatever the case of its names; None if there is none."""
        return self.get(key) or self._folded.get(key.folded)

    @property
    def components(self) -> dict[ComponentPlace, list[Declaration]]:
        """The variables of each component."""
        return self._components


def place_of(key: VariableKey) -> ComponentPlace:
    """Which component a variable belongs to."""
    return ComponentPlace(key.component.casefold(), key.component_instance.casefold(), key.evse, key.connector)
