"""How many descriptors there are, how near the end they are, and who may ask for more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ocppflow.transport.descriptors import Descriptors, soft_limit
from ocppflow.transport.half_close import end_of_stream

posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")


@pytest.mark.parametrize(
    ("limit", "most"), [(1024, 960), (256, 240), (20, 4), (65536, 65280), (1_048_576, 1_048_320), (None, None)]
)
def test_a_part_is_kept_for_files_and_refusals(limit: int | None, most: int | None) -> None:
    descriptors = Descriptors(lambda: limit)
    assert (descriptors.limit, descriptors.most) == (limit, most)
    assert descriptors.excess(3) == 0
    if most is None:
        assert descriptors.excess(10**9) == 0
    else:
        assert [descriptors.excess(number) for number in (most - 1, most, most + 4)] == [0, 1, 5]


@posix
@pytest.mark.parametrize(
    ("soft", "hard", "wanted"), [(64, 200, 200), (100, 100, 100)], ids=["it is raised", "there is no more"]
)
def test_a_program_takes_what_it_is_allowed_to_take(soft: int, hard: int, wanted: int) -> None:
    code = (
        "import resource; from ocppflow.transport.descriptors import raise_limit, soft_limit;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); raise_limit(); print(soft_limit())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert int(done.stdout) == wanted


@posix
def test_a_library_leaves_the_limit_as_it_is() -> None:
    import resource

    code = """
import asyncio, resource
from ocppflow import CSMS
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
async def serve():
    async with CSMS().listen("ws://127.0.0.1:0"):
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
asyncio.run(serve())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert int(done.stdout) == 100
    assert soft_limit() in (None, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class _Transport:
    """A transport that writes down what it is told; ``can`` half-close, and whether the peer has ``gone``."""

    def __init__(self, *, can: bool, gone: bool) -> None:
        self.can, self.gone, self.told = can, gone, ""

    def can_write_eof(self) -> bool:
        return self.can

    def write_eof(self) -> None:
        if self.gone:
            raise OSError(107, "Transport endpoint is not connected")
        self.told = "eof"

    def close(self) -> None:
        self.told = "close"

    def abort(self) -> None:
        self.told = "abort"


@pytest.mark.parametrize(
    ("can", "gone", "told"), [(True, False, "eof"), (False, False, "close"), (True, True, "abort")]
)
def test_a_stream_is_half_closed_where_that_can_be_and_dropped_where_nobody_is_left(can, gone, told) -> None:
    transport = _Transport(can=can, gone=gone)
    end_of_stream(transport)  # type: ignore[arg-type]
    assert transport.told == told
