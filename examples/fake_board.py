"""A controller board for `serial_hardware.py` that is not there, and a station that runs over it.

python examples/fake_board.py ws://127.0.0.1:9000/ocpp
"""

import asyncio
import queue
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ocppflow.station import CompleteStation, EvseConfig, StationConfig
from serial_hardware import SerialHardware


class FakeBoard:
    """Stands where a serial port stands: it is read and written, and a test or a person does things at it."""

    def __init__(self):
        self.lines = queue.SimpleQueue()
        self.energy, self.amps, self.closed, self.pilot = 5000.0, 0.0, False, "A"
        self.say()

    def readline(self):
        return self.lines.get()

    def write(self, data):
        word, _, value = data.decode().strip().partition(" ")
        if word == "A":
            self.amps = float(value)
        else:
            self.closed = word == "ON"
        self.say()

    @property
    def power(self):
        return 3 * 230 * self.amps if self.closed and self.pilot == "C" else 0.0

    def say(self, *more):
        for line in (f"E {self.energy:.1f}", f"P {self.power:.0f}", *more, f"S {self.pilot}"):
            self.lines.put(line.encode() + b"\n")

    def pass_time(self, seconds):
        self.energy += self.power * seconds / 3600
        self.say()

    def plug(self, state="C"):
        self.pilot = state
        self.say()

    def unplug(self):
        self.plug("A")

    def swipe(self, token):
        self.say(f"T {token}")


def station_over(board, url, identity="CS1", **settings):
    config = StationConfig(model="Serial box", evses=(EvseConfig(max_amps=16.0),))
    return CompleteStation(identity, url, config=config, hardware=SerialHardware(board), **settings)


async def main(url):
    board = FakeBoard()
    async with station_over(board, url) as station:
        while station.snapshot().registration != "Accepted":  # noqa: ASYNC110 - a program of yours has more to do
            await asyncio.sleep(0.1)
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
