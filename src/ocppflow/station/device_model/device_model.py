"""DeviceModel: the values of one station over the declarations that all stations of its make share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Version
from ocppflow.messages.v21 import AttributeEnumType, SetVariableStatusEnumType
from ocppflow.station.device_model.declaration import Declaration, Mutability, VariableKey
from ocppflow.station.device_model.declared_variables import DeclaredVariables, place_of
from ocppflow.station.device_model.stored_values import StoredValues, kept_values
from ocppflow.station.device_model.value_rules import Refusal, Unfit, fit
from ocppflow.station.device_model.variable_hooks import CHECKERS, REACTIONS, TELLERS
from ocppflow.station.station_store import StationStore

log = budgeted("ocppflow.station")

Watcher = Callable[[VariableKey, str, str], None]
"""``watcher(key, before, now)``: called when the Actual value of a watched variable has changed, or its Target, MinSet
or MaxSet: then both are that."""


class Outcome(NamedTuple):
    """What came of a CSMS's wish to read or write an attribute of a variable."""

    status: SetVariableStatusEnumType
    """GetVariableStatusEnumType is a part of it."""
    refusal: Refusal | None = None
    declaration: Declaration | None = None
    value: str = ""
    """What was read."""
    before: str | None = None
    """What was kept before a write; None: nothing, the declared value counted."""


class DeviceModel:
    """Reads and writes variables. Nothing here waits; :meth:`set` and :meth:`assign` stage the value in the store, and
    whoever sets decides when to commit."""

    __slots__ = ("_kept", "_owner", "_store", "_values", "declared", "watchers")

    def __init__(self, owner: Any, declared: DeclaredVariables, store: StationStore) -> None:
        """Raises ConfigurationError if a required variable has no value."""
        self._owner = owner
        self._store = store
        self.declared = declared
        """What is declared, shared with all stations of the make."""
        self._kept: StoredValues = kept_values(owner.identity, declared, store)
        self._values = self._kept.actual
        self.watchers: dict[VariableKey, Watcher] | None = None
        """Who wants to know of changes, by variable."""
        for each in declared.wanting:
            if self._value(each) is None:
                raise ConfigurationError(
                    f"{owner.identity}: {each.key} is required, but has no value; give it one in the config's variables"
                )

    # --- from inside the station ---------------------------------------------------------------------------------

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
        return self.declared.find(key)

    def value(self, component: str, variable: str, **where: Any) -> str | None:
        """The Actual value as text; None if it has none, or there is no such variable."""
        declaration = self.find(component, variable, **where)
        return None if declaration is None else self._value(declaration)

    def _value(self, declaration: Declaration) -> str | None:
        key = declaration.key
        value = self._values.get(key, declaration.value)
        if value is None and (teller := TELLERS.get((key.component, key.variable))) is not None:
            return teller(self._owner, key)
        return value

    def given(self, component: str, variable: str, **where: Any) -> str | None:
        """The Actual value that somebody has set; None if it is as declared, or only told when it is asked for."""
        declaration = self.find(component, variable, **where)
        return None if declaration is None else self._values.get(declaration.key)

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
        self._change(declaration, as_text(value))

    def _change(self, declaration: Declaration, text: str) -> None:
        key = declaration.key
        before = self._value(declaration)
        if self._kept.drop_coming(key) or before != text:
            self._values[key] = text
            if declaration.persistent:
                self._kept.put(self._store, key, text)
        if before != text:
            self._changed(key, before or "", text)

    def _changed(self, key: VariableKey, before: str, now: str) -> None:
        for reaction in REACTIONS.get((key.component, key.variable), ()):
            reaction(self._owner, key, now)
        self._tell_watcher(key, before, now)

    def _tell_watcher(self, key: VariableKey, before: str, now: str) -> None:
        if self.watchers is not None and (watcher := self.watchers.get(key)) is not None:
            watcher(key, before, now)

    # --- for the CSMS --------------------------------------------------------------------------------------------

    def look_up(self, key: VariableKey, attribute: AttributeEnumType, version: Version) -> Outcome:
        """Whether there is such a variable, for a CSMS that speaks ``version``, and whether it has the attribute."""
        declaration = self.declared.find(key)
        if declaration is None or is_hidden(declaration, version):
            others = self.declared.components.get(place_of(key), ())
            known = any(not is_hidden(other, version) for other in others)
            return Outcome("UnknownVariable" if known else "UnknownComponent")
        if attribute != "Actual" and not declaration.targets:
            return Outcome("NotSupportedAttributeType")
        return Outcome("Accepted", declaration=declaration)

    def ask(self, key: VariableKey, attribute: AttributeEnumType, version: Version) -> Outcome:
        """Read for the CSMS (B06)."""
        found = self.look_up(key, attribute, version)
        if found.declaration is None:
            return found
        if found.declaration.mutability == "WriteOnly":
            return found._replace(status="Rejected", refusal=Refusal("WriteOnly"))
        return found._replace(value=self.shown(found.declaration, attribute) or "")

    def shown(self, declaration: Declaration, attribute: AttributeEnumType = "Actual") -> str | None:
        """What a CSMS sees: a value that counts after the next boot is shown at once. None: it has none, or must not be
        seen."""
        if declaration.mutability == "WriteOnly":
            return None
        if attribute != "Actual":
            return self._kept.others.get((declaration.key, attribute))
        coming = self._kept.coming.get(declaration.key)
        return self._value(declaration) if coming is None else coming

    def assign(self, key: VariableKey, attribute: AttributeEnumType, text: str, version: Version) -> Outcome:
        """Write for the CSMS (B05): checked by type, limits, list of values, and whoever has registered a checker."""
        found = self.look_up(key, attribute, version)
        declaration = found.declaration
        if declaration is None:
            return found
        if mutability(declaration, attribute) == "ReadOnly":
            return found._replace(status="Rejected", refusal=Refusal("ReadOnly"))
        try:
            text = fit(declaration, text)
        except Unfit as exc:
            return found._replace(status="Rejected", refusal=exc.refusal)
        refusal = self._refusal(declaration, attribute, text)
        if refusal is not None:
            return found._replace(status="Rejected", refusal=refusal)
        return self._assign(declaration, attribute, text)

    def _assign(self, declaration: Declaration, attribute: AttributeEnumType, text: str) -> Outcome:
        key = declaration.key
        before = self._kept.get(key, attribute)
        if attribute != "Actual":
            self._kept.others[key, attribute] = text
            self._tell_watcher(key, text, text)
        elif declaration.reboot_required:
            if text == self._value(declaration):
                self._change(declaration, text)  # as it is: nothing is to come
                return Outcome("Accepted", declaration=declaration, before=before)
            self._kept.coming[key] = text
        else:
            self._change(declaration, text)
            return Outcome("Accepted", declaration=declaration, before=before)
        self._kept.put(self._store, key, text, attribute)
        status: SetVariableStatusEnumType = "RebootRequired" if attribute == "Actual" else "Accepted"
        return Outcome(status, declaration=declaration, before=before)

    def take_back(self, key: VariableKey, attribute: AttributeEnumType, before: str | None) -> None:
        """Undo an ``assign`` that could not be kept."""
        declaration = self.declared[key]
        if attribute == "Actual" and not declaration.reboot_required:
            now = self._value(declaration) or ""
            if before is None:
                self._values.pop(key, None)
            else:
                self._values[key] = before
            back = self._value(declaration) or ""
            if back != now:
                self._changed(key, now, back)
        else:
            self._kept.restore(key, attribute, before)
        self._kept.put(self._store, key, before, attribute)

    def _refusal(self, declaration: Declaration, attribute: AttributeEnumType, text: str) -> Refusal | None:
        key = declaration.key
        if attribute != "Actual":
            return self._kept.bounds_refusal(declaration, attribute, text)
        for checker in CHECKERS.get((key.component, key.variable), ()):
            refusal = checker(self._owner, key, text)
            if refusal is not None:
                return refusal if isinstance(refusal, Refusal) else Refusal("InvalidValue", refusal)
        return None


def is_hidden(declaration: Declaration, version: Version) -> bool:
    """Whether a CSMS that speaks ``version`` does not know the variable."""
    return declaration.since is Version.V21 and version is not Version.V21


def mutability(declaration: Declaration, attribute: AttributeEnumType) -> Mutability:
    """Targets may always be set: that is what they are for."""
    return declaration.mutability if attribute == "Actual" else "ReadWrite"


def as_text(value: str | int | float | bool | datetime) -> str:
    """A value as the device model has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
