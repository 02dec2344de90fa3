"""Configuration states: variables of the station that a scenario reads and sets."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import UNSET

from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.messages import v21


class Reported(NamedTuple):
    """One variable of a report."""

    component: str
    component_instance: str
    evse: int
    connector: int
    variable: str
    instance: str
    data: dict[str, Any]
    """The item of ``reportData`` as it came."""

    @property
    def value(self) -> str | None:
        """The Actual value, if one was told."""
        for attribute in self.data.get("variableAttribute", []):
            if attribute.get("type", "Actual") == "Actual":
                value = attribute.get("value")
                return None if value is None else str(value)
        return None

    @property
    def mutability(self) -> str:
        """Of the Actual attribute; ReadWrite where nothing is said, as the schema has it."""
        for attribute in self.data.get("variableAttribute", []):
            if attribute.get("type", "Actual") == "Actual":
                return str(attribute.get("mutability", "ReadWrite"))
        return "ReadWrite"


def component_type(component: str, *, instance: str = "", evse: int = 0) -> v21.ComponentType:
    """A component, of an EVSE if ``evse`` is not 0."""
    return v21.ComponentType(name=component, instance=instance or UNSET, evse=v21.EVSEType(id=evse) if evse else UNSET)


def variable_type(variable: str, instance: str = "") -> v21.VariableType:
    """A variable."""
    return v21.VariableType(name=variable, instance=instance or UNSET)


async def get_variable(trial: Trial, component: str, variable: str, *, instance: str = "", evse: int = 0) -> str | None:
    """The Actual value of a variable; None if the station does not have it, or does not tell it."""
    data = v21.GetVariableDataType(
        component=component_type(component, evse=evse), variable=variable_type(variable, instance)
    )
    answer = await trial.call(v21.GetVariablesRequest(get_variable_data=[data]))
    if answer.at("getVariableResult[0].attributeStatus") != "Accepted":
        return None
    value = answer.at("getVariableResult[0].attributeValue")
    return None if value is ABSENT else str(value)


async def set_variable(
    trial: Trial,
    component: str,
    variable: str,
    value: str,
    *,
    instance: str = "",
    evse: int = 0,
    remember: bool = True,
) -> str:
    """Set a variable; the status of the answer. Where a reboot is required, the station is reset. With ``remember``
    the value from before is set again when the case is over."""
    key = (component, variable, instance, evse)
    if remember and key not in trial.changed:
        trial.changed[key] = await get_variable(trial, component, variable, instance=instance, evse=evse)
    trial.notes.pop(f"{component}.{variable}", None)  # what `members` has kept
    data = v21.SetVariableDataType(
        component=component_type(component, evse=evse),
        variable=variable_type(variable, instance),
        attribute_value=value,
    )
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))
    status = str(answer.at("setVariableResult[0].attributeStatus"))
    if status == "RebootRequired":
        await trial.call(v21.ResetRequest(type="OnIdle"))
        await trial.expect(v21.BootNotificationRequest, within=trial.settings.reboot_patience)
    return status


async def configure(trial: Trial, component: str, variable: str, value: str, *, instance: str = "") -> None:
    """A configuration state that the case needs: the variable has this value. Raises NotPossible if it cannot be set
    and has another."""
    before = await get_variable(trial, component, variable, instance=instance)
    if before is not None and before.lower() == value.lower():
        return
    trial.changed.setdefault((component, variable, instance, 0), before)
    status = await set_variable(trial, component, variable, value, instance=instance, remember=False)
    if status not in ("Accepted", "RebootRequired"):
        raise NotPossible(f"{component}.{variable} is {before}, and setting it to {value} was answered {status}")


async def configure_if_there(trial: Trial, component: str, variable: str, value: str, *, instance: str = "") -> bool:
    """As :func:`configure` where the standard lets the variable be absent or read-only; whether it has the value."""
    before = await get_variable(trial, component, variable, instance=instance)
    if before is None:
        return False
    if before.lower() == value.lower():
        return True
    trial.changed.setdefault((component, variable, instance, 0), before)
    status = await set_variable(trial, component, variable, value, instance=instance, remember=False)
    return status in ("Accepted", "RebootRequired")


async def members(trial: Trial, component: str, variable: str) -> set[str]:
    """The items of a list variable; empty if there is no such variable. The answer is kept for the case."""
    key = f"{component}.{variable}"
    if key not in trial.notes:
        value = await get_variable(trial, component, variable)
        trial.notes[key] = {item.strip() for item in (value or "").split(",") if item.strip()}
    found: set[str] = trial.notes[key]
    return found


async def base_report(trial: Trial, base: v21.ReportBaseEnumType = "FullInventory") -> list[Reported]:
    """All that a base report says, with the numbering of its parts checked (B07.FR.03, B07.FR.10, B07.FR.12)."""
    request_id = trial.request_id()
    answer = await trial.call(v21.GetBaseReportRequest(request_id=request_id, report_base=base))
    answer.must("status", "Accepted")
    answer.must("statusInfo.reasonCode", "NoError", ABSENT)
    return reported(await report_parts(trial, request_id))


async def report_parts(trial: Trial, request_id: int) -> list[Heard[v21.NotifyReportRequest]]:
    """The messages of a report that has been asked for."""
    parts: list[Heard[v21.NotifyReportRequest]] = []
    while not parts or parts[-1].at("tbc") is True:
        part = await trial.expect(v21.NotifyReportRequest, {"requestId": request_id})
        part.must("seqNo", len(parts))
        parts.append(part)
    return parts


def reported(parts: list[Heard[v21.NotifyReportRequest]]) -> list[Reported]:
    """The variables in them."""
    found: list[Reported] = []
    for part in parts:
        for data in part.payload.get("reportData", []):
            component, variable = data.get("component", {}), data.get("variable", {})
            evse = component.get("evse", {})
            found.append(
                Reported(
                    str(component.get("name", "")),
                    str(component.get("instance", "")),
                    int(evse.get("id", 0)),
                    int(evse.get("connectorId", 0)),
                    str(variable.get("name", "")),
                    str(variable.get("instance", "")),
                    data,
                )
            )
    return found
