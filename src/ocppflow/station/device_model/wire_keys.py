"""Variables as messages name them, and as the device model does."""

from __future__ import annotations

from msgspec import UNSET

from ocppflow.messages import v21
from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.device_model.device_model import DeviceModel, mutability


def key_of(component: v21.ComponentType, variable: v21.VariableType) -> VariableKey:
    """Which variable a message means. An empty instance is none (B06.FR.15)."""
    evse = component.evse or None
    return VariableKey(
        component.name,
        variable.name,
        component.instance or "",
        variable.instance or "",
        evse.id if evse else 0,
        (evse.connector_id or 0) if evse else 0,
    )


def component_of(key: VariableKey) -> v21.ComponentType:
    """The component in a message."""
    evse = v21.EVSEType(id=key.evse, connector_id=key.connector or UNSET) if key.evse else UNSET
    return v21.ComponentType(name=key.component, instance=key.component_instance or UNSET, evse=evse)


def variable_of(key: VariableKey) -> v21.VariableType:
    """The variable in a message."""
    return v21.VariableType(name=key.variable, instance=key.variable_instance or UNSET)


def report_item(model: DeviceModel, declaration: Declaration) -> v21.ReportDataType:
    """A variable in a report: with all attributes that it has, set or not (B07.FR.11), and without the value if it must
    not be seen (B07.FR.15 of 2.1)."""
    attributes: list[v21.AttributeEnumType] = ["Actual"]
    if declaration.targets:
        attributes += ["Target", "MinSet", "MaxSet"]
    return v21.ReportDataType(
        component=component_of(declaration.key),
        variable=variable_of(declaration.key),
        variable_attribute=[_attribute(model, declaration, attribute) for attribute in attributes],
        variable_characteristics=_characteristics(declaration),
    )


def _attribute(
    model: DeviceModel, declaration: Declaration, attribute: v21.AttributeEnumType
) -> v21.VariableAttributeType:
    value = model.shown(declaration, attribute)
    return v21.VariableAttributeType(
        type=attribute,
        value=UNSET if value is None else value,
        mutability=mutability(declaration, attribute),
        persistent=declaration.persistent,
        constant=declaration.constant,
    )


def _characteristics(declaration: Declaration) -> v21.VariableCharacteristicsType:
    least, most = declaration.min_limit, declaration.max_limit
    lists = declaration.data_type in ("OptionList", "SequenceList", "MemberList")
    return v21.VariableCharacteristicsType(
        data_type=declaration.data_type,
        supports_monitoring=declaration.supports_monitoring,
        unit=declaration.unit or UNSET,
        min_limit=UNSET if least is None else _number(least),
        max_limit=UNSET if most is None else _number(most),
        values_list=",".join(declaration.values_list) if lists else UNSET,
    )


def _number(number: float) -> int | float:
    return int(number) if number == int(number) else number
