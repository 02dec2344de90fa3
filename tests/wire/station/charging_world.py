"""A station with fake hardware, whose TransactionEvents a test reads."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fake_hardware import FakeHardware
from station_world import StationWorld

from ocppflow.endpoint import IncomingCall
from ocppflow.errors import ConnectionRefused
from ocppflow.messages import Version
from ocppflow.station import StationConfig
from ocppflow.station.device_model import VariableKey


def variable_key(name: str) -> VariableKey:
    """``Component.Variable`` or ``Component.Variable[Instance]``."""
    component, _, variable = name.partition(".")
    variable, _, instance = variable.partition("[")
    return VariableKey(component, variable, "", instance.removesuffix("]"))


class ChargingWorld(StationWorld):
    """``hardware`` is the station's; the CSMS refuses tokens in ``refused`` and tells the
    ``groups`` of others; ``variables`` are values that a CSMS has set,
    such as ``TxCtrlr.TxStartPoint=EVConnected``; ``settings`` those of the StationConfig."""

    def __init__(self, *variables: str, version: Version = Version.V21, **settings: Any) -> None:
        config = StationConfig(**settings)
        self.hardware = FakeHardware.of(config)
        super().__init__(version, config, hardware=self.hardware)
        self.groups: dict[str, str] = {}
        self.refused: set[str] = set()
        self.answers["Authorize"] = lambda call: {"idTokenInfo": self.info(call.data["idToken"]["idToken"])}
        self.answers["TransactionEvent"] = self._about_token
        for each in variables:
            name, _, value = each.partition("=")
            self.store.put("variables", "\x1f".join(map(str, variable_key(name))), value)
        self.store.commit()

    def info(self, token: str) -> dict[str, Any]:
        """What the CSMS says of a token."""
        info: dict[str, Any] = {"status": "Blocked" if token in self.refused else "Accepted"}
        if token in self.groups:
            info["groupIdToken"] = {"idToken": self.groups[token], "type": "Central"}
        return info

    def _about_token(self, call: IncomingCall) -> dict[str, Any]:
        token = call.data.get("idToken")
        return {"idTokenInfo": self.info(token["idToken"])} if token else {}

    async def online(self) -> None:
        """Connect and be registered."""
        await self.station.connect()
        await self.clock.advance(0)

    async def offline(self, attempts: int = 100) -> None:
        """Lose the connection, and be refused at so many attempts."""
        self.network.refusals += [ConnectionRefused("no network")] * attempts
        self.network.links[-1].break_()
        await self.clock.advance(0)

    async def back(self) -> None:
        """Let the next attempt to connect succeed, and wait for it."""
        self.network.refusals.clear()
        while not self.station.is_connected:
            await self.clock.advance(10)

    async def settle(self, seconds: float = 0) -> None:
        """Let time pass."""
        await self.clock.advance(seconds)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All TransactionEvents that the CSMS has heard, repetitions included."""
        return self.sent("TransactionEvent")

    def told(self) -> list[tuple[Any, ...]]:
        """Of each event: eventType, triggerReason, chargingState."""
        return [
            (each["eventType"], each["triggerReason"], each["transactionInfo"].get("chargingState"))
            for each in self.events
        ]

    def check_books(self) -> None:
        """What holds of every complete book: one Started with 0, one Ended at most, no gap, no two contents, a
        register that never goes back."""
        books: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        for each in self.events:
            book = books[each["transactionInfo"]["transactionId"]]
            assert book.setdefault(each["seqNo"], each) == each, "one seqNo with two contents"
        for book in books.values():
            assert sorted(book) == list(range(len(book))), "a seqNo is missing"
            kinds = [book[number]["eventType"] for number in sorted(book)]
            assert kinds[0] == "Started"
            assert "Started" not in kinds[1:]
            assert "Ended" not in kinds[:-1]
            registers = sorted(
                (meter["timestamp"], value["value"])
                for event in book.values()
                for meter in event.get("meterValue", ())
                for value in meter["sampledValue"]
                if value["measurand"] == "Energy.Active.Import.Register"
            )
            values = [value for _, value in registers]
            assert values == sorted(values), "the register has gone back"
