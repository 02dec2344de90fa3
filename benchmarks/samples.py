"""The messages that the benchmarks send, as CALLs without their id, and the WebSocket frames around them."""

from __future__ import annotations

import os
from dataclasses import dataclass

ID_TAIL = b"-7d1e-4c5a-9b2f-3e8a6c0d4f17"
"""Ids look like a UUID: eight hex digits that count, and this. No two calls have the same one, as a CSMS may answer a
repeated one from memory."""

MASK = bytes((0x37, 0xFA, 0x21, 0x3D))


@dataclass(frozen=True, slots=True)
class Sample:
    """A CALL in the version whose ``subprotocol`` it is."""

    name: str
    subprotocol: str
    action: str
    payload: bytes

    def call(self, number: int) -> bytes:
        """The whole CALL with the id made of ``number``."""
        return b'[2,"%08x%s","%s",%s]' % (number, ID_TAIL, self.action.encode(), self.payload)


TRANSACTION_EVENT = Sample(
    "TransactionEvent 2.0.1",
    "ocpp2.0.1",
    "TransactionEvent",
    b'{"eventType":"Updated","timestamp":"2026-03-01T10:15:00Z","triggerReason":"MeterValuePeriodic","seqNo":7,'
    b'"offline":false,"numberOfPhasesUsed":3,"transactionInfo":{"transactionId":"5a1f2f9c-6f0e-4f5f-9d8f-3f5a9d1b7c11",'
    b'"chargingState":"Charging","timeSpentCharging":900},"evse":{"id":1,"connectorId":1},'
    b'"idToken":{"idToken":"045CF8A2","type":"ISO14443"},"meterValue":[{"timestamp":"2026-03-01T10:15:00Z",'
    b'"sampledValue":[{"value":1234.5,"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register",'
    b'"unitOfMeasure":{"unit":"Wh"}},'
    b'{"value":16.1,"measurand":"Current.Import","phase":"L1","unitOfMeasure":{"unit":"A"}},'
    b'{"value":230.4,"measurand":"Voltage","phase":"L1-N","unitOfMeasure":{"unit":"V"}}]}]}',
)

HEARTBEAT = Sample("Heartbeat 2.0.1", "ocpp2.0.1", "Heartbeat", b"{}")

METER_VALUES = Sample(
    "MeterValues 1.6",
    "ocpp1.6",
    "MeterValues",
    b'{"connectorId":1,"transactionId":4711,"meterValue":[{"timestamp":"2026-03-01T10:15:00Z","sampledValue":['
    b'{"value":"1234.5","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},'
    b'{"value":"16.1","measurand":"Current.Import","phase":"L1","unit":"A"},'
    b'{"value":"230.4","measurand":"Voltage","phase":"L1-N","unit":"V"}]}]}',
)

SAMPLES = {sample.name: sample for sample in (TRANSACTION_EVENT, HEARTBEAT, METER_VALUES)}


def masked(data: bytes, key: bytes = MASK) -> bytes:
    """``data`` as a client has to send it (RFC 6455 5.3)."""
    size = len(data)
    stream = int.from_bytes((key * (size // 4 + 1))[:size])
    return (int.from_bytes(data) ^ stream).to_bytes(size)


def client_frame(data: bytes, first: int = 0x81) -> bytes:
    """``data`` as one masked frame of a client, ``first`` being its first byte (0x81: a whole text)."""
    size = len(data)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2)
    return bytes((first,)) + length + MASK + masked(data)


class Frames:
    """The masked frames of one sample, joined from three ready parts: all but the counted digits of the id is masked
    beforehand, so that making a frame costs the load generator next to nothing."""

    def __init__(self, sample: Sample) -> None:
        frame = client_frame(sample.call(0))
        # The digits begin at the fifth byte of the payload, so they meet the mask's first byte.
        at = len(frame) - len(sample.call(0)) + len(b'[2,"')
        self.head = frame[:at]
        self.tail = frame[at + 8 :]
        self._key = int.from_bytes(MASK * 2)
        self._next = int.from_bytes(os.urandom(3)) << 8

    def next(self) -> tuple[bytes, bytes]:
        """A new frame, and how the answer to it begins."""
        self._next += 1
        digits = b"%08x" % self._next
        hidden = (int.from_bytes(digits) ^ self._key).to_bytes(8)
        return self.head + hidden + self.tail, b'[3,"' + digits
