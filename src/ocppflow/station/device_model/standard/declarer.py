"""Declarer: writes down the variables of one component, a line for each."""

from __future__ import annotations

from typing import Literal, TypedDict, Unpack

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import DataType, Declaration, Mutability, VariableKey

Use = Literal["fixed", "live", "kept", "RW", "WO"]
"""What becomes of a value: ``fixed`` never changes while the station runs; ``live`` is given by the station and begins
anew at each boot; ``kept`` is given by the station and outlives a boot; ``RW`` and ``WO`` may be set by the CSMS, and
outlive a boot."""

_MUTABILITY: dict[Use, Mutability] = {
    "fixed": "ReadOnly",
    "live": "ReadOnly",
    "kept": "ReadOnly",
    "RW": "ReadWrite",
    "WO": "WriteOnly",
}


class VariableFacts(TypedDict, total=False):
    """What may be said of a variable beside its name, value and use."""

    instance: str
    """Of the variable."""
    unit: str
    least: float | None
    most: float | None
    """For texts the longest."""
    reboot: bool
    """A new value counts after the next boot."""
    required: bool
    """By the standard, wherever the component is."""
    targets: bool
    since: Version | None


class Declarer:
    """Declares variables of ``component`` into ``made``. The methods take the name, the value of a new station (None:
    none), the use, and VariableFacts."""

    __slots__ = ("component", "connector", "evse", "instance", "made", "since")

    def __init__(
        self,
        made: list[Declaration],
        component: str,
        *,
        instance: str = "",
        evse: int = 0,
        connector: int = 0,
        since: Version = Version.V201,
    ) -> None:
        self.made = made
        self.component = component
        self.instance = instance
        self.evse = evse
        self.connector = connector
        self.since = since

    def variable(
        self,
        data_type: DataType,
        name: str,
        value: str | None,
        use: Use = "fixed",
        *,
        instance: str = "",
        unit: str = "",
        least: float | None = None,
        most: float | None = None,
        values: tuple[str, ...] = (),
        reboot: bool = False,
        required: bool = False,
        targets: bool = False,
        since: Version | None = None,
    ) -> None:
        """Declare a variable of any type."""
        key = VariableKey(self.component, name, self.instance, instance, self.evse, self.connector)
        self.made.append(
            Declaration(
                key=key,
                data_type=data_type,
                value=value,
                mutability=_MUTABILITY[use],
                unit=unit,
                min_limit=least,
                max_limit=most,
                values_list=values,
                persistent=use != "live",
                constant=use == "fixed",
                required=required,
                reboot_required=reboot,
                supports_monitoring=use != "fixed",
                targets=targets,
                since=since or self.since,
            )
        )

    def flag(self, name: str, value: bool | None, use: Use = "fixed", **facts: Unpack[VariableFacts]) -> None:
        """A boolean."""
        text = None if value is None else "true" if value else "false"
        self.variable("boolean", name, text, use, **facts)

    def integer(self, name: str, value: int | None, use: Use = "fixed", **facts: Unpack[VariableFacts]) -> None:
        """An integer."""
        self.variable("integer", name, None if value is None else str(value), use, **facts)

    def decimal(self, name: str, value: float | None, use: Use = "fixed", **facts: Unpack[VariableFacts]) -> None:
        """A number."""
        self.variable("decimal", name, None if value is None else str(value), use, **facts)

    def text(self, name: str, value: str | None, use: Use = "fixed", **facts: Unpack[VariableFacts]) -> None:
        """A text."""
        self.variable("string", name, value, use, **facts)

    def moment(self, name: str, value: str | None, use: Use = "live", **facts: Unpack[VariableFacts]) -> None:
        """A dateTime."""
        self.variable("dateTime", name, value, use, **facts)

    def option(
        self,
        name: str,
        value: str | None,
        values: tuple[str, ...],
        use: Use = "fixed",
        **facts: Unpack[VariableFacts],
    ) -> None:
        """One of ``values``."""
        self.variable("OptionList", name, value, use, values=values, **facts)

    def members(
        self,
        name: str,
        value: str | None,
        values: tuple[str, ...],
        use: Use = "fixed",
        **facts: Unpack[VariableFacts],
    ) -> None:
        """Any of ``values``, in any order, with commas between them."""
        self.variable("MemberList", name, value, use, values=values, **facts)

    def sequence(
        self,
        name: str,
        value: str | None,
        values: tuple[str, ...],
        use: Use = "fixed",
        **facts: Unpack[VariableFacts],
    ) -> None:
        """Some of ``values`` in an order that counts, with commas between them."""
        self.variable("SequenceList", name, value, use, values=values, **facts)
