"""Every limit is a number that makes sense, and 0 switches it off or is refused with the reason.

The fields are found by themselves: a new one is held to all of this, and needs its test in ``BOUNDS``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_benches import PING, TEXT, Bench
from test_transport_derivations import Hands, _ask
from test_transport_throttle import _flood
from test_transport_tls_room import Guest
from tests.self_signed import self_signed
from websockets.protocol import Side

from ocppflow.endpoint.overdue import Overdue
from ocppflow.errors import ConfigurationError
from ocppflow.rpc.limits import Limits
from ocppflow.transport.admission import Admission
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.derivations import Derivations, Overloaded
from ocppflow.transport.descriptors import Descriptors
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.refusals import Refusals
from ocppflow.transport.server_context import ServerContext
from ocppflow.transport.server_opening import ServerOpening
from ocppflow.transport.settings import LinkLimits, ServerLimits
from ocppflow.transport.shared_room import unfinished_room, unsent_room
from ocppflow.transport.throttle import AT_ONCE, Throttle
from ocppflow.transport.tls import KeyPair, ServerTLS

KINDS: dict[tuple[Any, str], str] = {
    **{(kind, each.name): str(each.type) for kind in (LinkLimits, ServerLimits) for each in dataclasses.fields(kind)},
    **{(Limits, name): kind for name, kind in Limits.__annotations__.items()},
}
"""All limits, with the kind of value that each has."""
NUMBERS = {key: kind for key, kind in KINDS.items() if kind in ("int", "float")}

Bound = Callable[[Any], Awaitable[bool]]
BOUNDS: dict[str, tuple[float, Bound]] = {}
"""For each limit that can be 0: a low value, and what tells whether somebody who exceeds it is bounded."""


def bound(low: float) -> Callable[[Bound], Bound]:
    def register(test: Bound) -> Bound:
        BOUNDS[test.__name__] = low, test
        return test

    return register


# --- of a connection -----------------------------------------------------------------------------------------------


def _unbounded(limits: LinkLimits, **others: float) -> LinkLimits:
    """``limits``, with others that would interfere out of the way."""
    return dataclasses.replace(limits, **others)  # type: ignore[arg-type]


@bound(1000)
async def max_write_buffer(limits: LinkLimits) -> bool:
    bench = Bench(clock=ManualClock(), limits=limits)
    bench.wire.unread = 10**12
    bench.link.pause_writing()
    return bench.wire.ended == "aborted"


@bound(10)
async def messages_per_second(limits: LinkLimits) -> bool:
    return Throttle(_unbounded(limits, share=0)).charge(0.0, 1_000_000, 1000.0, 0.0) > 0.0


@bound(0.1)
async def share(limits: LinkLimits) -> bool:
    return Throttle(_unbounded(limits, messages_per_second=0)).charge(0.0, 1_000_000, 1000.0, 0.0) > 0.0


@bound(5)
async def flood_timeout(limits: LinkLimits) -> bool:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=_unbounded(limits, messages_per_second=10, share=0, ping_interval=0))
    await settle()
    await _flood(bench, clock, 300, AT_ONCE + 1)
    return not bench.link.is_open


@bound(60)
async def ping_interval(limits: LinkLimits) -> bool:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=limits)
    await clock.advance(3600)
    return 0x80 | PING in [first for first, _ in bench.said()]


@bound(20)
async def pong_timeout(limits: LinkLimits) -> bool:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=limits)
    await clock.advance(3600)
    return bench.wire.ended == "aborted"


# --- of a server ---------------------------------------------------------------------------------------------------


def _context(limits: ServerLimits, tls: ServerTLS | None = None) -> tuple[ServerContext, ManualClock]:
    clock = ManualClock()
    return ServerContext(limits, tls, clock, None, Descriptors()), clock


async def _is_dropped(limits: ServerLimits, tls: ServerTLS | None = None) -> bool:
    """Whether somebody who connects and says nothing is sent away within a day."""
    context, clock = _context(limits, tls)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        opening = ServerOpening(context, ours, ("192.0.2.1", 5))
        opening.arrive()
        await clock.advance(86_400)
        dropped = len(context.openings) == 0
        opening.close("the test is over")
        await settle()
    return dropped


@bound(15)
async def handshake_timeout(limits: ServerLimits) -> bool:
    return await _is_dropped(limits)


@bound(8)
async def tls_timeout(limits: ServerLimits) -> bool:
    pair = KeyPair(self_signed(Path(_FOLDER[0])))
    return await _is_dropped(dataclasses.replace(limits, handshake_timeout=0), ServerTLS(pair))


@bound(10)
async def max_tls_handshakes(limits: ServerLimits) -> bool:
    context, _ = _context(limits)
    begun: list[str] = []
    for _ in range(1000):
        context.tls_room.enter(Guest("192.0.2.1", context.tls_room, begun))
    await settle(1000)
    return len(begun) < 1000


@bound(1)
async def handshakes_per_second(limits: ServerLimits) -> bool:
    admission = Admission(dataclasses.replace(limits, handshake_burst=1), 0.0)
    return any(admission.check("192.0.2.1", 0.0) is not None for _ in range(5000))


class _Visitor:
    network = "192.0.2.1"

    def __init__(self, gone: list[str]) -> None:
        self._gone = gone

    def close(self, reason: str) -> None:
        self._gone.append(reason)

    give_way = turn_away = close


@bound(5)
async def max_handshakes(limits: ServerLimits) -> bool:
    context, _ = _context(limits)
    gone: list[str] = []
    for _ in range(1000):
        context.openings.arrived(_Visitor(gone))
    silent = bool(gone)
    gone.clear()
    for _ in range(1000):
        context.openings.asks(_Visitor(gone))
    assert bool(gone) is silent
    return silent


@bound(5)
async def max_refusals(limits: ServerLimits) -> bool:
    context, _ = _context(limits)
    gone: list[str] = []
    for _ in range(1000):
        context.openings.refused(_Visitor(gone))
    return bool(gone)


@bound(0.01)
async def password_wait(limits: ServerLimits) -> bool:
    hands = Hands()
    derivations = Derivations(hands.matches, 1, pool=hands, now=lambda: hands.now)
    asked = [
        _ask(derivations, "192.0.2.1", str(number), b"wrong", patience=limits.password_wait) for number in range(1000)
    ]
    await hands.run()
    return any(isinstance(each.exception(), Overloaded) for each in asked)


@bound(2)
async def max_connections(limits: ServerLimits) -> bool:
    return _is_full(limits)


@bound(2)
async def connections_per_address(limits: ServerLimits) -> bool:
    return _is_full(limits)


def _is_full(limits: ServerLimits) -> bool:
    admission = Admission(dataclasses.replace(limits, handshakes_per_second=0), 0.0)
    for _ in range(1000):
        admission.entered("192.0.2.1")
    return admission.check("192.0.2.1", 0.0) is not None


@bound(5)
async def retry_after(limits: ServerLimits) -> bool:
    return "Retry-After" in Admission(limits, 0.0).refuse(503, "full").headers


async def _are_counted(limits: ServerLimits) -> bool:
    clock = ManualClock()
    told: list[RefusedInfo] = []
    refusals = Refusals(limits, clock, told.append)
    for _ in range(1000):
        refusals.add("192.0.2.1", "/ocpp", RefusedInfo("CS1", "192.0.2.1:5", "/ocpp", 401, "wrong password"))
    refused = len(told) < 1000
    refusals.tell_all()
    return refused


@bound(3)
async def refusals_per_address(limits: ServerLimits) -> bool:
    return await _are_counted(dataclasses.replace(limits, refusals_per_second=0))


@bound(1)
async def refusals_per_second(limits: ServerLimits) -> bool:
    return await _are_counted(dataclasses.replace(limits, refusals_per_address=0))


def _port(limits: ServerLimits) -> LinkContext:
    unfinished, unsent = unfinished_room(limits), unsent_room(limits)
    return LinkContext(Side.SERVER, limits, ManualClock(), unfinished=unfinished, unsent=unsent)


@bound(10_000)
async def max_unfinished(limits: ServerLimits) -> bool:
    context = _port(limits)
    benches = [Bench(clock=context.clock, context=context) for _ in range(100)]
    await settle()
    for bench in benches:
        bench.arrives(bench.frame(TEXT, b"x" * 5000, fin=False))
    return not all(bench.link.is_open for bench in benches)


@bound(100_000)
async def max_unsent(limits: ServerLimits) -> bool:
    context = _port(limits)
    benches = [Bench(clock=context.clock, context=context) for _ in range(100)]
    for bench in benches:
        bench.wire.unread = 100_000
        bench.link.pause_writing()
    return any(bench.wire.ended == "aborted" for bench in benches)


# --- of calls ------------------------------------------------------------------------------------------------------


@bound(5)
async def handler_timeout(limits: Limits) -> bool:
    overdue = Overdue("CS1", limits.handler_timeout)
    task = asyncio.ensure_future(asyncio.Event().wait())
    overdue.add(task, "Heartbeat", 0.0, given_up=True)
    overdue.cancel(1e9)
    await settle()
    ended = task.cancelled()
    assert (overdue.next is not None) is ended
    task.cancel()
    await settle()
    return ended


# --- the tests -----------------------------------------------------------------------------------------------------

_FOLDER: list[str] = []


@pytest.mark.parametrize(("kind", "name"), NUMBERS, ids=lambda each: getattr(each, "__name__", each))
async def test_0_is_refused_with_the_reason_or_switches_the_bound_off(kind: Any, name: str, tmp_path: Path) -> None:
    _FOLDER[:] = [str(tmp_path)]
    try:
        off = kind(**{name: 0})
    except ConfigurationError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert re.fullmatch(rf"{name} is 0; .*must be (above 0|at least 1)\b.{{20,}}", said), said
        assert name not in BOUNDS
        return
    assert name in BOUNDS, f"{kind.__name__}.{name}=0 is taken: what does it switch off? Add a test to BOUNDS"
    low, is_bounded = BOUNDS[name]
    assert not await is_bounded(off), f"{name}=0 does not switch it off"
    assert await is_bounded(kind(**{name: low})), "the test cannot fail"


def test_every_test_is_of_a_limit() -> None:
    assert BOUNDS.keys() <= {name for _, name in NUMBERS}


BAD = st.one_of(
    st.floats(max_value=-1e-300, allow_nan=False),
    st.integers(max_value=-1),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), None, [], b"1"]),
    st.booleans(),
    st.text("0123456789.abc", max_size=5),
)


@given(st.sampled_from(sorted(NUMBERS, key=lambda key: (key[0].__name__, key[1]))), BAD)
def test_what_is_not_a_number_of_0_or_more_is_refused_by_name(key: tuple[Any, str], value: object) -> None:
    kind, name = key
    with pytest.raises(ConfigurationError) as caught:
        kind(**{name: value})
    said = str(caught.value)
    assert said.startswith(f"{name} is ")
    assert said.endswith("; it must be a number of 0 or more")


@pytest.mark.parametrize(("kind", "name"), [key for key, kind in KINDS.items() if kind == "int"])
def test_a_number_of_things_is_whole(kind: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is 1.5; it must be a whole number"):
        kind(**{name: 1.5})


@pytest.mark.parametrize(("kind", "name"), [key for key, kind in KINDS.items() if kind == "bool"])
@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_switch_is_true_or_false(kind: Any, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is {value!r}; it must be True or False"):
        kind(**{name: value})


@pytest.mark.parametrize("value", [0, None, b"x"])
def test_a_text_is_one(value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"silence is {value!r}; it must be text"):
        Limits(silence=value)  # type: ignore[arg-type]


def test_limits_that_are_replaced_are_checked_too() -> None:
    with pytest.raises(ConfigurationError, match="queue is 0"):
        msgspec.structs.replace(Limits(), queue=0)
    with pytest.raises(ConfigurationError, match="backlog is 0"):
        dataclasses.replace(ServerLimits(), backlog=0)
