"""What a variable of the device model is: its key, and what is declared of it once for all stations of a make."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from ocppflow.messages import Version

DataType = Literal["string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"]
Mutability = Literal["ReadOnly", "WriteOnly", "ReadWrite"]


class VariableKey(NamedTuple):
    """Which variable: names are compared without regard to case (Part 2, ``component.name`` and ``variable.name``),
    so they are kept here as declared and looked up through :meth:`DeviceModel.find`."""

    component: str
    variable: str
    component_instance: str = ""
    variable_instance: str = ""
    evse: int = 0
    connector: int = 0

    def __str__(self) -> str:
        component = self.component + (f"[{self.component_instance}]" if self.component_instance else "")
        place = f"@{self.evse}" + (f".{self.connector}" if self.connector else "") if self.evse else ""
        variable = self.variable + (f"[{self.variable_instance}]" if self.variable_instance else "")
        return f"{component}{place}.{variable}"

    @property
    def folded(self) -> VariableKey:
        """The same in one case, to look it up by."""
        component, variable, component_instance, variable_instance, evse, connector = self
        return VariableKey(
            component.casefold(),
            variable.casefold(),
            component_instance.casefold(),
            variable_instance.casefold(),
            evse,
            connector,
        )


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What is declared of a variable. Values are texts, as they go over the wire."""

    key: VariableKey
    data_type: DataType
    value: str | None = None
    """The Actual value of a new station; None: it has none until it is set."""
    mutability: Mutability = "ReadOnly"
    unit: str = ""
    min_limit: float | None = None
    max_limit: float | None = None
    """The largest number, or the longest text."""
    values_list: tuple[str, ...] = ()
    persistent: bool = True
    """A value that was set is there after a boot; else the declared one is."""
    constant: bool = False
    required: bool = False
    """A station without a value for it does not start."""
    reboot_required: bool = False
    """A new value counts after the next boot."""
    supports_monitoring: bool = False
    targets: bool = False
    """It has MinSet, MaxSet and Target beside Actual."""
    since: Version = Version.V201
    """The first version of OCPP that knows it; over an older one it is not shown."""
