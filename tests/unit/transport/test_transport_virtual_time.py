"""Virtual time: hours in milliseconds, in the order of the times, and real time where something real is at work."""

from __future__ import annotations

import asyncio
import time

import pytest

from ocppflow.endpoint import LoopClock, StandsStill, run_in_virtual_time, sleep


def test_an_hour_takes_no_time() -> None:
    async def main() -> float:
        clock = LoopClock()
        before = clock.now()
        await asyncio.gather(sleep(clock, 3600), asyncio.sleep(1800))
        return clock.now() - before

    began = time.monotonic()
    assert run_in_virtual_time(main()) == pytest.approx(3600)
    assert time.monotonic() - began < 5


def test_what_is_due_comes_in_the_order_of_the_times() -> None:
    async def main() -> list[str]:
        loop, said = asyncio.get_running_loop(), []
        for seconds in (300, 100, 200):
            loop.call_later(seconds, said.append, f"{seconds}")
        await asyncio.sleep(1000)
        return said

    assert run_in_virtual_time(main()) == ["100", "200", "300"]


def test_a_thread_at_work_stops_the_clock() -> None:
    async def main() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with asyncio.timeout(1):
            done = await loop.run_in_executor(None, lambda: time.sleep(0.05) or "done")
        return done, loop.time() - before

    assert run_in_virtual_time(main()) == ("done", 0.0)


def test_a_peer_that_answers_is_waited_for_and_one_that_does_not_is_not() -> None:
    async def main() -> tuple[bytes, float]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.readline() == b"speak\n":
                writer.write(b"yes\n")
                await reader.read()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        loop = asyncio.get_running_loop()
        before = loop.time()
        writer.write(b"speak\n")
        async with asyncio.timeout(30):
            said = await reader.readline()
        answered = loop.time() - before
        assert answered < 30
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await reader.readline()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return said, loop.time() - before - answered

    said, waited = run_in_virtual_time(main())
    assert said == b"yes\n"
    assert waited == pytest.approx(30)


def test_where_nothing_can_ever_happen_it_says_so() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StandsStill, match="everything waits"):
        run_in_virtual_time(main())
