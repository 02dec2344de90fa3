"""What is read after our close frame: nothing but the peer's (RFC 6455 1.4, "discards any further data received")."""

from __future__ import annotations

from typing import Final

from ocppflow.transport.framing import FIN_CLOSE, frame_at

_OPCODES: Final = frozenset({0, 1, 2, 8, 9, 10})  # RFC 6455 5.2
_LONGEST: Final = 125  # bytes of a close frame's payload (RFC 6455 5.5)


class AfterClose:
    """Finds the peer's close frame, going from one frame's head to the next. Payloads are neither kept nor looked at,
    and after a head that makes no sense there is nothing to be found."""

    __slots__ = ("_masked", "_skip", "found")

    def __init__(self, *, masked: bool) -> None:
        self._masked = masked
        self._skip: int | None = 0  # bytes of a payload that are still to come; None for all that is still to come
        self.found: bytes | None = None
        """The peer's close frame, as it came."""

    def read(self, data: bytes, position: int, most: int) -> tuple[int, int]:
        """Look at ``most`` frames from ``position`` on, or fewer if there are no more.

        Returns where it has come to, and at how many frames it has looked. What is left has to be offered again: if it
        looked at fewer than ``most``, together with what comes next.
        """
        size, frames = len(data), 0
        while position < size and frames < most:
            if self._skip is None or self.found is not None:
                return size, frames
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
                continue
            frame = frame_at(data, position, masked=self._masked)
            if frame is None:
                break
            body, end = frame
            if data[position] & 0x0F not in _OPCODES or (data[position + 1] > 0x7F) is not self._masked:
                self._skip = None
            elif data[position] == FIN_CLOSE and end - body <= _LONGEST:
                if end > size:
                    break
                self.found = data[position:end]
            self._skip = self._skip if self._skip is None else end - position
            frames += 1
        return position, frames
