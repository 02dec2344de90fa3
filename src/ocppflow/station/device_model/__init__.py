"""The device model: components, variables, their values."""

from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.device_model.device_model import DeviceModel, on_change
from ocppflow.station.device_model.standard_variables import declarations

__all__ = ["Declaration", "DeviceModel", "VariableKey", "declarations", "on_change"]
