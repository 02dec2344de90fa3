"""All readings of an EVSE in one hour as a few hundred bytes: by column, delta-coded, compressed. Lossless.

Bytes: the version of the form, then zlib of: the number of readings; their times as deltas of milliseconds; contexts
and transactions; and for each measurand its name, the length of its column, and the column, so that one can be read
without the others.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from ocppflow.secrecy.discreet_repr import discreet_repr

_FORM: Final = 1
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of an hour, unpacked: a station that tells a hundred values ten times a second."""

_RAW: Final = 15
"""In place of a power of ten: the numbers are floats of 8 bytes."""

_EXACT: Final = 2.0**50
_POWERS: Final = tuple(10.0**power for power in range(7))


class StoredReading(Struct):
    """A reading as the archive has it. ``at``: milliseconds since 1970; ``transaction``: the books' number."""

    __repr__ = discreet_repr

    at: int
    context: str
    transaction: int | None
    values: dict[str, float]


def pack_readings(readings: Sequence[StoredReading]) -> bytes:
    """The readings, in the order given; by time they take the least room."""
    out = bytearray()
    _put(out, len(readings))
    _put_deltas(out, [each.at for each in readings])
    contexts = list(dict.fromkeys(each.context for each in readings))
    _put(out, len(contexts))
    for context in contexts:
        _put_text(out, context)
    for each in readings:
        _put(out, contexts.index(each.context))
    _put_deltas(out, [0 if each.transaction is None else each.transaction + 1 for each in readings])
    for name in dict.fromkeys(name for each in readings for name in each.values):
        column = _column([each.values.get(name) for each in readings])
        _put_text(out, name)
        _put(out, len(column))
        out += column
    return bytes([_FORM]) + zlib.compress(bytes(out), 9)


def unpack_readings(packed: bytes, only: Iterable[str] | None = None) -> list[StoredReading]:
    """What was packed; ``only`` these measurands if given. Raises ValueError for what is not of this form."""
    if not packed or packed[0] != _FORM:
        raise ValueError(f"packed readings of form {packed[0] if packed else 'none'}; this version reads form {_FORM}")
    source = _Source(zlib.decompressobj().decompress(packed[1:], _LARGEST))
    count = source.number()
    times = source.deltas(count)
    contexts = [source.text() for _ in range(source.number())]
    context_of = [contexts[source.number()] for _ in range(count)]
    transactions = source.deltas(count)
    readings = [
        StoredReading(at, context, number - 1 if number else None, {})
        for at, context, number in zip(times, context_of, transactions, strict=True)
    ]
    wanted = None if only is None else set(only)
    while not source.is_over:
        name, length = source.text(), source.number()
        if wanted is not None and name not in wanted:
            source.place += length
            continue
        for reading, value in zip(readings, source.column(count), strict=True):
            if value is not None:
                reading.values[name] = value
    return readings


# --- writing -----------------------------------------------------------------------------------------------------


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _put_text(out: bytearray, text: str) -> None:
    said = text.encode(errors="surrogatepass")
    _put(out, len(said))
    out += said


def _put_deltas(out: bytearray, numbers: Sequence[int]) -> None:
    last = 0
    for number in numbers:
        delta = number - last
        _put(out, delta * 2 if delta >= 0 else -delta * 2 - 1)
        last = number


def _column(values: Sequence[float | None]) -> bytes:
    """Which readings have a value (if not all), the power of ten that makes them whole, and their deltas."""
    out = bytearray()
    present = [value for value in values if value is not None]
    power = next((power for power in range(len(_POWERS)) if _is_whole(present, _POWERS[power])), _RAW)
    out.append(power | (0 if len(present) == len(values) else 128))
    if len(present) != len(values):
        bits = sum(1 << index for index, value in enumerate(values) if value is not None)
        out += bits.to_bytes((len(values) + 7) // 8, "little")
    if power == _RAW:
        out += struct.pack(f"<{len(present)}d", *present)
    else:
        _put_deltas(out, [round(value * _POWERS[power]) for value in present])
    return bytes(out)


def _is_whole(values: Iterable[float], factor: float) -> bool:
    """Whether each value comes back from a whole number of this power of ten; -0.0 does not."""
    for value in values:
        scaled = value * factor
        if not -_EXACT < scaled < _EXACT or round(scaled) / factor != value or (value == 0 and str(value)[0] == "-"):
            return False
    return True


# --- reading -----------------------------------------------------------------------------------------------------


class _Source:
    __slots__ = ("_bytes", "place")

    def __init__(self, data: bytes) -> None:
        self._bytes = data
        self.place = 0

    @property
    def is_over(self) -> bool:
        return self.place >= len(self._bytes)

    def number(self) -> int:
        data, place = self._bytes, self.place
        found = shift = 0
        while True:
            byte = data[place]
            place += 1
            found |= (byte & 127) << shift
            if byte < 128:
                self.place = place
                return found
            shift += 7

    def text(self) -> str:
        return self._take(self.number()).decode(errors="surrogatepass")

    def deltas(self, count: int) -> list[int]:
        found, last = [], 0
        for _ in range(count):
            coded = self.number()
            last += -(coded + 1) // 2 if coded & 1 else coded // 2
            found.append(last)
        return found

    def column(self, count: int) -> list[float | None]:
        head = self._take(1)[0]
        bits = int.from_bytes(self._take((count + 7) // 8), "little") if head & 128 else -1
        places = [index for index in range(count) if bits >> index & 1]
        power = head & 127
        values: Sequence[float]
        if power == _RAW:
            values = struct.unpack(f"<{len(places)}d", self._take(8 * len(places)))
        else:
            values = [number / _POWERS[power] for number in self.deltas(len(places))]
        found: list[float | None] = [None] * count
        for index, value in zip(places, values, strict=True):
            found[index] = value
        return found

    def _take(self, length: int) -> bytes:
        taken = self._bytes[self.place : self.place + length]
        self.place += length
        return taken
