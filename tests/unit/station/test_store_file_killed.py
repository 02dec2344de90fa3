"""A process that is killed at any moment leaves every acknowledged commit, and each one whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocppflow.station import StoreFile

COMMITTING = """
import asyncio, os, sys
from ocppflow.station.store_file import StoreFile

async def station(store, begin):
    number = begin
    while True:
        number += 1
        for key in "abc":
            store.put("area", key, [number] * (number % 300))
        store.put("count", "n", number)
        store.replace("moving", {str(number): number})
        await store.commit()
        os.write(1, f"{store.identity} {number}\\n".encode())

async def main():
    file = StoreFile(sys.argv[1], inline=sys.argv[2] == "inline")
    begin = int(sys.argv[3])
    await asyncio.gather(*(station(file.store(f"CS{n}"), begin) for n in range(3)))

asyncio.run(main())
"""


def killed_after(seconds: float, path: Path, mode: str, begin: int) -> dict[str, int]:
    """Let a process commit, kill it, and return what it has acknowledged."""
    child = subprocess.Popen([sys.executable, "-c", COMMITTING, str(path), mode, str(begin)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)  # the child's time, which is real
    child.send_signal(signal.SIGKILL)
    lines = (first + child.stdout.read()).decode().split("\n")[:-1]
    child.stdout.close()
    child.wait()
    return {name: int(number) for name, number in (line.split() for line in lines)}


def check(path: Path, acknowledged: dict[str, int]) -> int:
    highest = 0
    with StoreFile(path) as file:
        for name, least in acknowledged.items():
            store = file.store(name)
            (number,) = store.load("count", int).values()
            assert least <= number <= least + 1, "an acknowledged commit is there, and at most the one at work besides"
            assert store.load("area", list) == {key: [number] * (number % 300) for key in "abc"}, "a commit is whole"
            assert store.load("moving", int) == {str(number): number}
            highest = max(highest, number)
    return highest


def kill(rounds: int, path: Path) -> None:
    chance = random.Random(8)
    begin = 0
    for number in range(rounds):
        mode = "inline" if number % 2 else "thread"
        begin = check(path, killed_after(chance.uniform(0, 0.1), path, mode, begin))
    assert begin > rounds


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    kill(4, tmp_path / "stations.db")


@pytest.mark.slow
def test_what_was_acknowledged_survives_sigkill_often(tmp_path: Path) -> None:
    kill(60, tmp_path / "stations.db")
