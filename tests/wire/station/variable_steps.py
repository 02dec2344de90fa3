"""Reading, setting and reporting variables over the wire, for tests."""

from __future__ import annotations

from typing import Any

from station_world import StationWorld


def place(component: str, variable: str = "", evse: int = 0, connector: int = 0) -> dict[str, Any]:
    """A component and a variable, as messages have them; ``Name[Instance]`` for an instance."""
    where: dict[str, Any] = {"component": _named(component)}
    if evse:
        where["component"]["evse"] = {"id": evse} | ({"connectorId": connector} if connector else {})
    if variable:
        where["variable"] = _named(variable)
    return where


def _named(text: str) -> dict[str, Any]:
    name, _, instance = text.partition("[")
    return {"name": name} | ({"instance": instance.rstrip("]")} if instance else {})


async def read(world: StationWorld, component: str, variable: str, **where: Any) -> dict[str, Any]:
    """The result of a GetVariables for one variable."""
    attribute = where.pop("attribute", None)
    data = place(component, variable, **where) | ({"attributeType": attribute} if attribute else {})
    answer = await world.call("GetVariables", {"getVariableData": [data]})
    result: dict[str, Any] = answer["getVariableResult"][0]
    return result


async def write(world: StationWorld, component: str, variable: str, value: str, **where: Any) -> dict[str, Any]:
    """The result of a SetVariables for one variable."""
    attribute = where.pop("attribute", None)
    data = place(component, variable, **where) | ({"attributeType": attribute} if attribute else {})
    answer = await world.call("SetVariables", {"setVariableData": [data | {"attributeValue": value}]})
    result: dict[str, Any] = answer["setVariableResult"][0]
    return result


async def status(world: StationWorld, component: str, variable: str, value: str, **where: Any) -> tuple[str, str]:
    """Status and reason code of a SetVariables for one variable."""
    result = await write(world, component, variable, value, **where)
    return result["attributeStatus"], result.get("attributeStatusInfo", {}).get("reasonCode", "")


async def report(world: StationWorld, action: str, **payload: Any) -> tuple[str, list[dict[str, Any]]]:
    """The status of a request for a report, and the pages that came."""
    before = len(world.sent("NotifyReport"))
    answer = await world.call(action, {"requestId": 42} | payload)
    await world.clock.advance(0)
    return answer["status"], world.sent("NotifyReport")[before:]


def shown(item: dict[str, Any]) -> str:
    """An item of a report in short: EVSE@1.Power."""
    component, variable = item["component"], item["variable"]
    evse = component.get("evse")
    at = f"@{evse['id']}" + (f".{evse['connectorId']}" if "connectorId" in evse else "") if evse else ""
    return f"{_short(component)}{at}.{_short(variable)}"


def _short(named: dict[str, Any]) -> str:
    return named["name"] + (f"[{named['instance']}]" if "instance" in named else "")
