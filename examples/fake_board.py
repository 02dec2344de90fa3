"""A controller board for `serial_hardware.py` that is not there, and a station that runs over it.

python examples/fake_board.py ws://127.0.0.1:9000/ocpp
"""

import asyncio
import queue
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from ocppflow import CompleteStation, EvseConfig, StationConfig
from serial_hardware import SerialHardware


class FakeBoard:
    """Stands where a serial port stands: it is read and written, and a test or a person does things at it."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.energy, self.amps, self.closed, self.pilot = 5000.0, 0.0, False, "A"
        self.say()

    def readline(self) -> bytes:
        return self.lines.get()

    def write(self, data: bytes) -> None:
        word, _, value = data.decode().strip().partition(" ")
        if word == "A":
            self.amps = float(value)
        else:
            self.closed = word == "ON"
        self.say()

    @property
    def power(self) -> float:
        return 3 * 230 * self.amps if self.closed and self.pilot == "C" else 0.0

    def say(self, *more: str) -> None:
        for line in (f"E {self.energy:.1f}", f"P {self.power:.0f}", *more, f"S {self.pilot}"):
            self.lines.put(line.encode() + b"\n")

    def pass_time(self, seconds: float) -> None:
        self.energy += self.power * seconds / 3600
        self.say()

    def plug(self, state: str = "C") -> None:
        self.pilot = state
        self.say()

    def unplug(self) -> None:
        self.plug("A")

    def swipe(self, token: str) -> None:
        self.say(f"T {token}")


def station_over(board: FakeBoard, url: str, identity: str = "CS1", **settings: Any) -> CompleteStation:
    config = StationConfig(model="Serial box", evses=(EvseConfig(max_amps=16.0),))
    return CompleteStation(identity, url, config=config, hardware=SerialHardware(board), **settings)


async def main(url: str) -> None:
    board = FakeBoard()
    async with station_over(board, url) as station:
        await station.registered()
        board.plug()
        board.swipe("04A1B2C3")
        for _ in range(10):
            await asyncio.sleep(1)
            board.pass_time(60)  # it is a fast board
            print(f"{board.power:.0f} W, {board.energy:.1f} Wh, {station.snapshot().evses[0].connectors[0].status}")
        board.unplug()
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
