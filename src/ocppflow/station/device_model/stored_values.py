"""What one station has of values beside what is declared, and how they are kept."""

from __future__ import annotations

from ocppflow.log_budget import budgeted
from ocppflow.messages.v21 import AttributeEnumType
from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.device_model.declared_variables import DeclaredVariables
from ocppflow.station.device_model.value_rules import Refusal, Unfit, fit
from ocppflow.station.station_store import StationStore

log = budgeted("ocppflow.station")

AREA = "variables"
_BETWEEN = "\x1f"
"""Between the parts of a key in the store; no name has it."""

_OTHERS: dict[str, AttributeEnumType] = {"Target": "Target", "MinSet": "MinSet", "MaxSet": "MaxSet"}


class StoredValues:
    """Values that differ from the declared ones: ``actual``, ``coming`` after the next boot, and the ``others``:
    Target, MinSet and MaxSet."""

    __slots__ = ("actual", "coming", "others")

    def __init__(self) -> None:
        self.actual: dict[VariableKey, str] = {}
        self.coming: dict[VariableKey, str] = {}
        self.others: dict[tuple[VariableKey, AttributeEnumType], str] = {}

    def get(self, key: VariableKey, attribute: AttributeEnumType) -> str | None:
        """What is kept of it; None: nothing."""
        if attribute != "Actual":
            return self.others.get((key, attribute))
        return self.coming.get(key, self.actual.get(key))

    def drop_coming(self, key: VariableKey) -> bool:
        """Forget a value that was to come; whether there was one."""
        return self.coming.pop(key, None) is not None

    def restore(self, key: VariableKey, attribute: AttributeEnumType, before: str | None) -> None:
        """Let a coming or another value be what it was."""
        if attribute == "Actual":
            self.coming.pop(key, None)
            if before is not None and before != self.actual.get(key):
                self.coming[key] = before
        elif before is None:
            self.others.pop((key, attribute), None)
        else:
            self.others[key, attribute] = before

    def put(
        self, store: StationStore, key: VariableKey, text: str | None, attribute: AttributeEnumType = "Actual"
    ) -> None:
        """Stage a value in the store; None: that nothing is kept of it."""
        name = _BETWEEN.join(map(str, key)) + ("" if attribute == "Actual" else _BETWEEN + attribute)
        if text is None:
            store.remove(AREA, name)
        else:
            store.put(AREA, name, text)

    def bounds_refusal(self, declaration: Declaration, attribute: AttributeEnumType, text: str) -> Refusal | None:
        """Whether a Target is outside of MinSet and MaxSet, or they of each other (B05, its remarks)."""
        if declaration.data_type not in ("integer", "decimal"):
            return None
        bounds = {name: self.others.get((declaration.key, name)) for name in _OTHERS.values()} | {attribute: text}
        order = [float(bounds[name] or "nan") for name in ("MinSet", "Target", "MaxSet")]
        low, target, high = order
        if low > target or target > high or low > high:
            return Refusal("ValueOutOfRange", "MinSet, Target and MaxSet are not in this order")
        return None


def kept_values(identity: str, declared: DeclaredVariables, store: StationStore) -> StoredValues:
    """What the store has for these declarations. A value that the declaration no longer allows gives way to the
    declared one, and the log says so; what is not declared now stays where it is."""
    values = StoredValues()
    for name, text in store.load(AREA, str).items():
        found = _found(name, declared)
        if found is None:
            continue
        declaration, attribute = found
        why = _forbidden(declaration, attribute, text)
        if why:
            log.warning(
                "%s: the stored value of %s is %s; %r counts", identity, declaration.key, why, declaration.value
            )
            store.remove(AREA, name)
        elif attribute == "Actual":
            values.actual[declaration.key] = text
        else:
            values.others[declaration.key, attribute] = text
    return values


def _found(name: str, declared: DeclaredVariables) -> tuple[Declaration, AttributeEnumType] | None:
    parts = name.split(_BETWEEN)
    try:
        component, variable, component_instance, variable_instance, evse, connector = parts[:6]
        key = VariableKey(component, variable, component_instance, variable_instance, int(evse), int(connector))
        attribute: AttributeEnumType = _OTHERS[parts[6]] if len(parts) > 6 else "Actual"
    except (ValueError, KeyError):
        return None
    declaration = declared.find(key)
    return None if declaration is None else (declaration, attribute)


def _forbidden(declaration: Declaration, attribute: AttributeEnumType, text: str) -> str:
    if attribute != "Actual":
        return "" if declaration.targets else "of an attribute that it has no longer"
    if declaration.constant or not declaration.persistent:
        return "of no use: it cannot be set any more"
    if declaration.mutability == "ReadOnly":
        return ""  # the station's own
    try:
        fit(declaration, text)
    except Unfit as exc:
        return f"forbidden now ({exc})"
    return ""
