"""What a station with the personality ``awkward`` does to what it says: faults that stations in the field have, so that
a CSMS can be tried against them. Each breaks the schema, or only just keeps it.

Which faults a message gets depends on its content, the station's seed and its identity alone: half of those that there
are for its action. So a message that is sent again is the same again.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from ocppflow.messages import Message, Version
from ocppflow.messages.codec import encode

Payload = dict[str, Any]


class Habit(NamedTuple):
    """One thing that stations in the field do."""

    actions: tuple[str, ...]
    """Empty: any."""
    versions: tuple[Version, ...]
    says: str
    """For people: docs/station.md has these lines."""
    spoil: Callable[[Payload], object]


_OLD = (Version.V16,)
_NEW = (Version.V201, Version.V21)
_ALL = (*_OLD, *_NEW)
_METERS = ("MeterValues", "StopTransaction", "TransactionEvent")


def _values(payload: Payload) -> Iterator[Payload]:
    """All sampled values in a message."""
    for meter in [*payload.get("meterValue", ()), *payload.get("transactionData", ())]:
        if isinstance(meter, dict):
            yield from meter.get("sampledValue", ())


def _long_serial(payload: Payload) -> None:
    station = payload.get("chargingStation")
    (station if station is not None else payload)[
        "serialNumber" if station is not None else "chargeBoxSerialNumber"
    ] = "XYZ1A22P2KI3N12345678901234567"


def _empty_fields(payload: Payload) -> None:
    if "chargingStation" in payload:
        payload["chargingStation"]["modem"] = {"iccid": "", "imsi": ""}
    else:
        payload |= {"iccid": "", "imsi": "", "meterSerialNumber": ""}


def _renamed_error(payload: Payload) -> None:
    if payload.get("errorCode", "NoError") != "NoError":
        payload["errorCode"] = "Error"


def _sub_microseconds(payload: Payload) -> None:
    if "timestamp" in payload:
        payload["timestamp"] = payload["timestamp"].removesuffix("Z").partition(".")[0] + ".1240977Z"


def _no_zone(payload: Payload) -> None:
    if "timestamp" in payload:
        payload["timestamp"] = payload["timestamp"].removesuffix("Z").partition(".")[0]


def _year_one(payload: Payload) -> None:
    payload["timestamp"] = "0001-01-01T00:00:00Z"


def _numbers_for_texts(payload: Payload) -> None:
    for value in _values(payload):
        value["value"] = float(value["value"])


def _texts_for_numbers(payload: Payload) -> None:
    for value in _values(payload):
        value["value"] = f" {value['value']}"


def _own_units(payload: Payload) -> None:
    units = {"Hertz": "Hz", "Celsius": "Celcius", "Percent": "%"}
    for value in _values(payload):
        if "unit" in value:
            value["unit"] = units.get(value["unit"], value["unit"])
        unit = value.get("unitOfMeasure")
        if unit is not None and "unit" in unit:
            unit["unit"] = units.get(unit["unit"], unit["unit"])
        if value.get("measurand") == "Current.Import":
            value["measurand"] = "Current.import"


def _one_for_list(payload: Payload) -> None:
    meters = payload.get("meterValue")
    if isinstance(meters, list) and len(meters) == 1:
        payload["meterValue"] = meters[0]


def _no_samples(payload: Payload) -> None:
    payload["transactionData"] = [{"timestamp": payload["timestamp"], "sampledValue": []}]


def _largest_transaction(payload: Payload) -> None:
    payload.setdefault("transactionId", 2**63 - 1)


def _long_token(payload: Payload) -> None:
    if "idTag" in payload:
        payload["idTag"] = payload["idTag"].ljust(21, "-")


def _no_trigger(payload: Payload) -> None:
    if payload.get("eventType") == "Ended":
        del payload["triggerReason"]


HABITS: Final = (
    Habit(("BootNotification",), _ALL, "a serial number of 30 characters", _long_serial),
    Habit(("BootNotification",), _ALL, "empty texts for a modem that it does not have", _empty_fields),
    Habit(
        ("StatusNotification",), _OLD, "null for a field that it has nothing for", lambda each: each.update(info=None)
    ),
    Habit(("StatusNotification",), _OLD, "an errorCode of its own", _renamed_error),
    Habit(("StatusNotification",), _OLD, "no connectorId", lambda each: each.pop("connectorId")),
    Habit(
        ("StatusNotification",),
        _OLD,
        "connectorId as text",
        lambda each: each.update(connectorId=str(each.get("connectorId", 0))),
    ),
    Habit(("StatusNotification",), _ALL, "a time of the year 1", _year_one),
    Habit(("StatusNotification", "TransactionEvent"), _ALL, "seven decimals of a second", _sub_microseconds),
    Habit(("StartTransaction", "StopTransaction"), _OLD, "a time without a zone", _no_zone),
    Habit(("MeterValues", "StopTransaction"), _OLD, "numbers where text belongs", _numbers_for_texts),
    Habit(("MeterValues", "TransactionEvent"), _NEW, "text where numbers belong", _texts_for_numbers),
    Habit(_METERS, _ALL, "units and measurands as it spells them: Hz, Celcius, Current.import", _own_units),
    Habit(("MeterValues",), _ALL, "an object where a list of one belongs", _one_for_list),
    Habit(
        ("MeterValues",), _OLD, "the largest transactionId that fits 64 bits, where there is none", _largest_transaction
    ),
    Habit(("StopTransaction",), _OLD, "transactionData without a single value", _no_samples),
    Habit(("StopTransaction",), _OLD, "an idTag of 21 characters", _long_token),
    Habit(("Authorize",), _ALL, "a connectorId, which does not belong there", lambda each: each.update(connectorId=1)),
    Habit(("TransactionEvent",), _NEW, "an Ended event without triggerReason", _no_trigger),
    Habit(("DataTransfer",), _OLD, "an object as data", lambda each: each.update(data={"StationMode": "paymentMode"})),
)
"""In the order in which they are applied."""


def awkward(message: Message, character: str) -> bytes | None:
    """The payload of ``message`` as this station says it; None if there is nothing awkward to say of it. ``character``:
    its seed and identity."""
    action, version = message.__action__, message.__version__
    habits = [each for each in HABITS if action in each.actions and version in each.versions]
    if not habits:
        return None
    proper = encode(message, validate=False)
    chance = random.Random(f"{character}:{action}:{zlib.crc32(proper)}")  # noqa: S311 - for a simulation
    payload: Payload = msgspec.json.decode(proper)
    for habit in habits:
        if chance.random() < 0.5:
            habit.spoil(payload)
    return msgspec.json.encode(payload)
