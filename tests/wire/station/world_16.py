"""A station on a 1.6 connection."""

from __future__ import annotations

from typing import Any

from charging_world import ChargingWorld

from ocppflow.messages import Version
from ocppflow.station import ConnectorConfig, EvseConfig

TWO = (EvseConfig(), EvseConfig(connectors=(ConnectorConfig("sType2"),)))


class World16(ChargingWorld):
    """A 1.6 connection, of a station with two connectors, the second of them a socket."""

    def __init__(self, *variables: str, **settings: Any) -> None:
        settings.setdefault("evses", TWO)
        super().__init__(*variables, version=Version.V16, versions=(Version.V16,), **settings)
        self.answers["Authorize"] = lambda call: {"idTagInfo": self.tag_info(call.data["idTag"])}

    def tag_info(self, tag: str) -> dict[str, Any]:
        """What the CSMS says of a token."""
        return {"status": "Blocked" if tag in self.refused else "Accepted"}

    def statuses(self, connector: int) -> list[str]:
        """What was told of a connector."""
        return [each["status"] for each in self.sent("StatusNotification") if each["connectorId"] == connector]

    async def charge(self, evse: int = 1, tag: str = "TAG1") -> None:
        """Begin a session."""
        self.hardware.plug(evse)
        await self.settle(1)
        self.hardware.swipe(tag, evse)
        await self.settle(1)

    async def key(self, name: str) -> dict[str, Any]:
        """A configuration key."""
        answer = await self.call("GetConfiguration", {"key": [name]})
        found: dict[str, Any] = answer["configurationKey"][0]
        return found

    async def change(self, name: str, value: str) -> str:
        """The status of ChangeConfiguration."""
        answer = await self.call("ChangeConfiguration", {"key": name, "value": value})
        status: str = answer["status"]
        return status
