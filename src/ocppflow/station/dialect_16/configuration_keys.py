"""The configuration keys of 1.6 as views on the device model: each is a variable under another name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.messages import v16, v21
from ocppflow.station.blocks.ended_values import MOST
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.device_model import Declaration, VariableKey, checked
from ocppflow.station.device_model.standard.keys_16 import KEYS_OF_ITS_OWN
from ocppflow.station.device_model.standard.transaction_variables import MEASURANDS
from ocppflow.station.dialect_16.key_views import VIEWS, KeyView
from ocppflow.station.dialect_16.numbering import places

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_PROFILES: Final[dict[str, str]] = {
    "LocalAuthListManagement": "LocalAuthListCtrlr",
    "Reservation": "ReservationCtrlr",
    "SmartCharging": "SmartChargingCtrlr",
}
"""Feature profile -> the component that says whether the station has it. FirmwareManagement has none, Core and
RemoteTrigger are always there."""


def _profiles(station: CompleteStation) -> str:
    model = station.device_model
    optional = [name for name, component in _PROFILES.items() if model.flag(component, "Available", True)]
    firmware = ["FirmwareManagement"] if station.config.has("firmware") else []
    return ",".join(["Core", *firmware, *optional, "RemoteTrigger"])


def _connectors(station: CompleteStation) -> str:
    return str(len(places(station.config)))


_METER_KEY: Final = "MeterPublicKey"
"""With a connectorId behind it: the key of the meter there, as it is printed on it (application note, 3.3.1)."""


def _meter_keys(station: CompleteStation) -> dict[str, str]:
    """MeterPublicKey1, MeterPublicKey2 ... of the connectors whose meters sign."""
    if station.hardware is None:
        return {}
    found = {}
    for number, (evse, _) in enumerate(places(station.config), 1):
        signed = hardware_of(station, evse).read().signed
        if signed is not None and station.config.has("signed_meter_values"):
            found[f"{_METER_KEY}{number}"] = signed.public_key
    return found


def _most_measurands(station: CompleteStation) -> str:
    """How many items a list of measurands may have: each that there is, once."""
    return str(len(MEASURANDS))


_COMPUTED: Final[dict[str, Callable[[CompleteStation], str]]] = {
    "MeterValuesAlignedDataMaxLength": _most_measurands,
    "MeterValuesSampledDataMaxLength": _most_measurands,
    "NumberOfConnectors": _connectors,
    "StopTransactionMaxMeterValues": lambda _: str(MOST),
    "StopTxnAlignedDataMaxLength": _most_measurands,
    "StopTxnSampledDataMaxLength": _most_measurands,
    "SupportedFeatureProfiles": _profiles,
}

_SPELT: Final = {key.lower(): key for key in (*VIEWS, *_COMPUTED)}


def _declaration(station: CompleteStation, key: str) -> tuple[Declaration, KeyView] | None:
    view = VIEWS.get(_SPELT.get(key.lower(), key)) or KeyView(KEYS_OF_ITS_OWN, key)
    if view.feature and not station.config.has(view.feature):
        return None
    found = station.device_model.find(view.component, view.variable, variable_instance=view.instance)
    return None if found is None else (found, view)


def known_keys(station: CompleteStation) -> list[str]:
    """All keys that this station has, sorted."""
    model = station.device_model
    own = [key.variable for key in model.declared if key.component == KEYS_OF_ITS_OWN]
    views = [key for key in VIEWS if _declaration(station, key) is not None]
    return sorted([*_COMPUTED, *_meter_keys(station), *views, *own])


def read_key(station: CompleteStation, key: str) -> v16.KeyValue | None:
    """A key with its value; None if this station does not have it."""
    name = _SPELT.get(key.lower(), key)
    if name in _COMPUTED:
        return v16.KeyValue(key=name, readonly=True, value=_COMPUTED[name](station)[:500])
    if name.lower().startswith(_METER_KEY.lower()):
        shown = {each.lower(): (each, value) for each, value in _meter_keys(station).items()}.get(name.lower())
        return None if shown is None else v16.KeyValue(key=shown[0], readonly=True, value=shown[1][:500])
    found = _declaration(station, name)
    if found is None:
        return None
    declaration, view = found
    read_only = view.read_only or (declaration.mutability == "ReadOnly" and name != "SecurityProfile")
    if declaration.mutability == "WriteOnly":
        return v16.KeyValue(key=name, readonly=False, value=UNSET)
    return v16.KeyValue(key=name, readonly=read_only, value=_shown(station, declaration, view)[:500])


def _shown(station: CompleteStation, declaration: Declaration, view: KeyView) -> str:
    if view.limit and declaration.max_limit is not None:
        return str(int(declaration.max_limit))
    value = station.device_model.text(view.component, view.variable, variable_instance=view.instance)
    if view.variable == "RateUnit":
        return value.replace("A", "Current").replace("W", "Power")
    return value


def to_set(station: CompleteStation, key: str, value: str) -> list[v21.SetVariableDataType] | v16.ConfigurationStatus:
    """What ChangeConfiguration asks of the device model, or the refusal."""
    name = _SPELT.get(key.lower(), key)
    if name in _COMPUTED or key.lower() in {each.lower() for each in _meter_keys(station)}:
        return "Rejected"
    found = _declaration(station, name)
    if found is None:
        return "NotSupported"
    declaration, view = found
    if view.read_only or declaration.mutability == "ReadOnly":
        return "Rejected"
    text = _as_variable(declaration, value)
    wanted = [(view.component, view.variable, view.instance), *((*each, "") for each in view.also)]
    return [
        v21.SetVariableDataType(
            attribute_value=text,
            component=v21.ComponentType(name=component),
            variable=v21.VariableType(name=variable, instance=instance or UNSET),
        )
        for component, variable, instance in wanted
    ]


def _as_variable(declaration: Declaration, value: str) -> str:
    """1.6 leaves open how booleans are spelt, and whether there is a space behind a comma."""
    match declaration.data_type:
        case "boolean":
            return value.strip().lower()
        case "MemberList" | "SequenceList":
            return ",".join(each.strip() for each in value.split(",") if each.strip())
    return value


_ROTATION: Final = re.compile(r"(\d+)\.(?:NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)", re.ASCII)


@checked(KEYS_OF_ITS_OWN, "ConnectorPhaseRotation")
def _is_rotation(station: CompleteStation, key: VariableKey, value: str) -> str | None:
    """9.1.7: such as ``0.RST, 1.RST, 2.RTS``, each connector once."""
    found = [_ROTATION.fullmatch(each.strip()) for each in value.split(",")]
    numbers = [int(each[1]) for each in found if each is not None]
    known = len(places(station.config))
    if None in found or len(set(numbers)) < len(numbers) or any(number > known for number in numbers):
        return "a rotation is written as 0.RST, 1.RST, 2.RTS"
    return None
