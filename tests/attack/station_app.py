"""``python -m tests.attack.station_app EVIL_URL GOOD_URL``: two stations in one program, as a user writes it. One has a
hostile CSMS; the other, whose CSMS is good, must not notice. Prints the seconds until each attempt to come back."""

from __future__ import annotations

import asyncio
import logging
import sys

from ocppflow import Backoff, ChargingStation
from tests.fuzz.targets import station_to_attack


async def main(evil_url: str, good_url: str) -> None:
    evil = station_to_attack("EVIL", evil_url, versions=["2.0.1"], backoff=Backoff(0.05, 0.0, 0), grace=1.0)
    good = station_to_attack("GOOD", good_url, versions=["2.0.1"], backoff=Backoff(0.05, 0.0, 0), grace=1.0)

    @evil.on_retry
    def tell(station: ChargingStation, attempt: int, delay: float, reason: str) -> None:
        print(f"{delay:g} {reason}", flush=True)

    async with good:
        await evil.serve_forever()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(main(*sys.argv[1:]))
