"""Random payloads that a schema allows, of which many mean something to the station that gets them: its own EVSEs,
variables, tokens, transactions; and of which many are as extreme as may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import jsonschema_rs
from pki import Authority
from station_world import START
from tests.unit.messages.schema_instances import Maker, Schema, schemas

from ocppflow.messages import Role, Version, actions
from ocppflow.station import CompleteStation

schemas_of = cache(schemas)

TRANSACTION: Any = "\x00transaction"
"""Stands in a payload for the id of a transaction that runs, if one does."""

_TOKENS = ("ANN", "BOB", "EVE", "", "ann")
_URLS = ("http://files.example/f.bin", "ftp://files.example/", "file:///etc/passwd", "urn:x:y", "http://[", "wss://c/x")
_NUMBERS = (0, 1, 2, 3, 5, 10, 60, 300, 86400, -1, 2**31 - 1, 2**31, 2**63, 2**70, -(2**70), 10**400)
_DECIMALS = (0, 0.1, 1, 5.9, 6, 16.0, 32, 1e9, 1e16, -1, -0.1, 22.2, 1e20, -1e20, 1e307)
_MOMENTS = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-14:00",
    "1970-01-01T00:00:00.000001Z", "2016-12-31T23:59:60Z",
)  # fmt: skip
_VALUES = (
    "true", "false", "0", "1", "-1", "60", "2147483647", "-2147483648", "99999999999", "1.5", "", "A", "A,W", "x" * 900,
    "EVConnected", "PowerPathClosed", "Authorized", "EnergyTransfer", "Authorized,PowerPathClosed",
    "Energy.Active.Import.Register", "Power.Active.Import", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "+14:00",
    "-14:00", "Europe/Oslo", "Heartbeat", "NTP", "1,2,3", "0,1", "..", "NaN", "inf", "1e400", "\x00", "x-long-password",
)  # fmt: skip


@cache
def _certificates() -> tuple[str, ...]:
    root = Authority("Root")
    return root.pem, root.pem + root.pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x"


def requests_to_station(version: Version) -> list[str]:
    """The actions that a CSMS may send."""
    return sorted(name for name, info in actions(version).items() if info.sent_by(Role.CSMS) and info.confirmed)


def answers_to_station(version: Version) -> list[str]:
    """The actions that a station may send, and a CSMS answers."""
    return sorted(name for name, info in actions(version).items() if info.sent_by(Role.CS) and info.confirmed)


@cache
def _validator(version: Version, name: str) -> Any:
    return jsonschema_rs.validator_for(schemas_of(version.value)[name], validate_formats=True)


def payload(station: CompleteStation, version: Version, name: str, seed: int) -> dict[str, Any]:
    """One that the schema ``name`` of ``version`` allows."""
    schema = schemas_of(version.value)[name]
    maker = NearMaker(schema, Random(seed), station)
    made: dict[str, Any] = maker.valid(schema)
    return made


def is_valid(version: Version, name: str, payload: Any) -> bool:
    return bool(_validator(version, name).is_valid(payload))


class NearMaker(Maker):
    """A Maker that knows a station."""

    def __init__(self, schema: Schema, chance: Random, station: CompleteStation) -> None:
        super().__init__(schema, chance)
        self.share = chance.choice((0.0, 0.15, 0.5, 0.9))
        self.nearness = chance.choice((0.5, 0.9, 0.97))
        self.station = station
        self.near: dict[str, Callable[[], Any]] = {
            "evse": lambda: {"id": self.evse(), **({"connectorId": self.evse()} if chance.random() < 0.4 else {})},
            "evseId": self.evse,
            "connectorId": self.evse,
            "transactionId": lambda: TRANSACTION,
            "idToken": lambda: chance.choice(_TOKENS),
            "idTag": lambda: chance.choice(_TOKENS),
            "attributeValue": lambda: chance.choice(_VALUES),
            "value": lambda: chance.choice(_VALUES),
            "key": lambda: chance.choice(self.keys_16()),
            "chargingProfile": self.profile,
            "csChargingProfiles": self.profile,
            "certificate": lambda: chance.choice(_certificates()),
            "certificateChain": lambda: chance.choice(_certificates()),
            "signingCertificate": lambda: chance.choice(_certificates()),
            "location": lambda: chance.choice(_URLS),
            "remoteLocation": lambda: chance.choice(_URLS),
            "ocppCsmsUrl": lambda: chance.choice(_URLS),
            "language": lambda: chance.choice(("en", "nb", "")),
        }

    def evse(self) -> int:
        return self.chance.choice((0, 1, 1, 1, 2, 2, 3))

    def keys_16(self) -> list[str]:
        return ["NumberOfConnectors", "HeartbeatInterval", "MeterValuesSampledData", "AuthorizationKey", "nonesuch"]

    def object(self, s: Schema, depth: int) -> Any:
        properties, required = s.get("properties", {}), s.get("required", [])
        chosen = [
            name
            for name in properties
            if name in required or (name != "customData" and self.chance.random() < self.share)
        ]
        value = {name: self.named(name, properties[name], depth) for name in chosen}
        if {"component", "variable"} <= properties.keys() and self.chance.random() < self.nearness:
            value |= self.variable("variable" in value)
        return value

    def named(self, name: str, s: Schema, depth: int) -> Any:
        near = self.near.get(name)
        if near is not None and self.chance.random() < self.nearness:
            made = near()
            if self.fits(self.resolve(s), made):
                return made
        return self.valid(s, depth + 1)

    def fits(self, s: Schema, value: Any) -> bool:
        if value is TRANSACTION:
            return s.get("type") in ("string", "integer")
        if isinstance(value, str):
            return s.get("type") == "string" and "enum" not in s and len(value) <= s.get("maxLength", 10_000)
        if isinstance(value, int):
            return s.get("type") == "integer" and value >= s.get("minimum", value)
        return True

    def variable(self, with_variable: bool) -> dict[str, Any]:
        declared = list(self.station.device_model.declared.values())
        key = self.chance.choice(declared).key
        component: dict[str, Any] = {"name": key.component}
        if key.component_instance:
            component["instance"] = key.component_instance
        if key.evse:
            component["evse"] = {"id": key.evse, **({"connectorId": key.connector} if key.connector else {})}
        variable = {"name": key.variable, **({"instance": key.variable_instance} if key.variable_instance else {})}
        return {"component": component, **({"variable": variable} if with_variable else {})}

    # --- what most random values would be refused for ------------------------------------------------------------

    def profile(self) -> dict[str, Any]:
        """A charging profile, such that it may well be taken."""
        chance = self.chance
        kind = chance.choice(("Absolute", "Recurring", "Relative"))
        schedule: dict[str, Any] = {
            "chargingRateUnit": chance.choice(("A", "W")),
            "chargingSchedulePeriod": self.periods(),
        }
        if kind != "Relative":
            schedule["startSchedule"] = self.date_time()
        if chance.random() < 0.5:
            schedule["duration"] = chance.choice((0, 1, 60, 86400, 2**31 - 1, 2**63, 2**70))
        if chance.random() < 0.2:
            schedule["minChargingRate"] = chance.choice((0, 6, 1e6))
        is_16 = "chargingProfileId" in self.root.get("properties", {}).get("csChargingProfiles", {}).get(
            "properties", {}
        ) or any("chargingProfileId" in str(d) for d in (self.root.get("properties", {}).get("chargingProfile"),))
        purposes = ["TxDefaultProfile", "TxProfile"]
        purposes.append("ChargePointMaxProfile" if is_16 else "ChargingStationMaxProfile")
        made: dict[str, Any] = {
            "chargingProfileId" if is_16 else "id": chance.choice((1, 2, 3, 0, -1, 2**31)),
            "stackLevel": chance.choice((0, 1, 2, 3, 2**31)),
            "chargingProfilePurpose": chance.choice(purposes),
            "chargingProfileKind": kind,
            "chargingSchedule": schedule if is_16 else [{"id": 1, **schedule}],
        }
        if kind == "Recurring":
            made["recurrencyKind"] = chance.choice(("Daily", "Weekly"))
        if made["chargingProfilePurpose"] == "TxProfile" and chance.random() < 0.8:
            made["transactionId"] = TRANSACTION
        for bound in ("validFrom", "validTo"):
            if chance.random() < 0.3:
                made[bound] = self.date_time()
        return made

    def periods(self) -> list[dict[str, Any]]:
        starts = sorted({0, *(self.chance.choice((1, 60, 3600, 2**31 - 1, 2**63, 2**70)) for _ in range(3))})
        limits = (0, 0.1, 6, 16.0, 22000, 1e9, 1e15)
        return [{"startPeriod": start, "limit": self.chance.choice(limits)} for start in starts]

    # --- values of no particular field ---------------------------------------------------------------------------

    def date_time(self) -> str:
        if self.chance.random() < 0.4:
            return self.chance.choice(_MOMENTS)
        offset = timedelta(seconds=self.chance.choice((-86400, -60, 0, 1, 30, 600, 86400, 10**9)))
        return (START + offset).isoformat().replace("+00:00", "Z")

    def string(self, s: Schema, depth: int) -> Any:
        if s.get("format") == "date-time":
            return self.date_time()
        return super().string(s, depth)

    def integer(self, s: Schema, depth: int) -> Any:
        low, high = s.get("minimum", -(2**70)), s.get("maximum", 2**70)
        return int(self.chance.choice([n for n in (low, high, *_NUMBERS) if low <= n <= high]))

    def number(self, s: Schema, depth: int) -> Any:
        low, high = s.get("minimum", -1e300), s.get("maximum", 1e300)
        return self.chance.choice([n for n in (low, high, *_DECIMALS) if low <= n <= high])
