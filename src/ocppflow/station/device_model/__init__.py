"""The device model: components, variables, their values."""

from ocppflow.station.device_model import told_values
from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.device_model.declared_variables import DeclaredVariables
from ocppflow.station.device_model.device_model import DeviceModel, Outcome
from ocppflow.station.device_model.standard_variables import declarations
from ocppflow.station.device_model.value_rules import Refusal
from ocppflow.station.device_model.variable_hooks import checked, on_change, told

__all__ = [
    "Declaration",
    "DeclaredVariables",
    "DeviceModel",
    "Outcome",
    "Refusal",
    "VariableKey",
    "checked",
    "declarations",
    "on_change",
    "told",
    "told_values",
]
