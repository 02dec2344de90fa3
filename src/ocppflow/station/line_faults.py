"""Faults on purpose: what a bad network and a bad station do to what is said, by chance; one seed is one run."""

from __future__ import annotations

import random
import tomllib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ocppflow.endpoint import Clock, Link
from ocppflow.errors import ConfigurationError
from ocppflow.station.toml_faults import near_miss, worded_fault

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_CHANCES: Final = ("drop", "cut", "duplicate", "malformed", "schema")
_LONGEST: Final = 3600.0
_MOST_REMEMBERED: Final = 1000


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong. A chance is from 0 to 1, for each message that the station sends."""

    drop: float = 0.0
    """The chance that the connection is torn in place of the message."""
    cut: float = 0.0
    """That it is torn in the middle of the message's frame."""
    duplicate: float = 0.0
    """That the message is sent twice."""
    malformed: float = 0.0
    """That it is not JSON."""
    schema: float = 0.0
    """That a call's payload breaks the schema."""
    delay: float = 0.0
    """Seconds that each message waits at most, in its order."""
    slow_answers: float = 0.0
    """Seconds that an answer to the CSMS waits at most, and what comes after it."""
    clock: float = 0.0
    """Seconds by which the station's clock is wrong."""
    actions: tuple[str, ...] = ()
    """Only calls of these actions; empty: all that is sent."""
    seed: int = 0
    """All chance comes from here and from the station's identity."""

    def __post_init__(self) -> None:
        for name in _CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} is a chance from 0 to 1, not {getattr(self, name)!r}")
        for name in ("delay", "slow_answers"):
            if not 0 <= getattr(self, name) <= _LONGEST:
                raise ConfigurationError(f"{name} is 0 to {_LONGEST:g} seconds, not {getattr(self, name)!r}")
        if not abs(self.clock) <= 1e9:
            raise ConfigurationError(f"clock is a number of seconds, not {self.clock!r}")


def read_faults(text: str) -> FaultPlan:
    """``drop=0.01,delay=2``, or the name of a TOML file with the same. Raises ConfigurationError."""
    if text.endswith(".toml"):
        try:
            return fault_plan(tomllib.loads(Path(text).read_text(encoding="utf-8")))
        except OSError as exc:
            raise ConfigurationError(f"{text}: {exc.strerror or exc}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise ConfigurationError(f"{text}: not TOML: {exc}") from None
        except ConfigurationError as exc:
            raise ConfigurationError(f"{text}: {exc}") from None
    table: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if name not in FaultPlan.__struct_fields__ or not equals:
            hint = near_miss(name, FaultPlan.__struct_fields__, "there are")
            raise ConfigurationError(f"faults: {part!r}: something like drop=0.01 is wanted; {hint}")
        try:
            table[name] = value.split("+") if name == "actions" else int(value) if name == "seed" else float(value)
        except ValueError:
            raise ConfigurationError(f"faults: {name}: a number is wanted, not {value!r}") from None
    return fault_plan(table)


def fault_plan(table: dict[str, Any]) -> FaultPlan:
    """The plan in a table of TOML. Raises ConfigurationError: the key, what is wanted."""
    try:
        return msgspec.convert(table, FaultPlan)
    except msgspec.ValidationError as exc:
        said = worded_fault(str(exc), lambda _: FaultPlan.__struct_fields__, lambda _: ())
        raise ConfigurationError(f"faults: {said}") from None


class FaultInjector:
    """The faults of one station. ``counts``: by kind how many there were; ``spoilt``: ids of the last messages that the
    CSMS cannot have heard as they were said."""

    __slots__ = ("_chance", "_clock", "counts", "plan", "spoilt")

    def __init__(self, plan: FaultPlan, identity: str, clock: Callable[[], Clock]) -> None:
        self.plan = plan
        self.counts: dict[str, int] = {}
        self.spoilt: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        self._clock = clock
        self._chance = random.Random(f"{plan.seed}:{identity}")  # noqa: S311 - for a simulation

    def strikes(self, frame: list[Any] | None) -> str:
        """What happens to the next message; empty: nothing. As many numbers are drawn for each message, so that one
        kind of fault does not change when others happen."""
        drawn = {name: self._chance.random() for name in _CHANCES}
        action = frame[2] if frame is not None and frame[0] == 2 else ""
        if self.plan.actions and action not in self.plan.actions:
            return ""
        struck = next((name for name in _CHANCES if drawn[name] < getattr(self.plan, name)), "")
        if struck == "schema" and not action:
            return ""
        if struck:
            self.counts[struck] = self.counts.get(struck, 0) + 1
            if frame is not None and struck != "duplicate":
                self.spoilt.append(str(frame[1]))
        return struck

    def wait(self, frame: list[Any] | None) -> float:
        """Seconds that a message waits."""
        share = self._chance.random()
        is_answer = frame is not None and frame[0] in (3, 4)
        return share * (self.plan.delay + (self.plan.slow_answers if is_answer else 0.0))

    def against_schema(self, frame: list[Any]) -> bytes:
        """The call, with one value that its field cannot have, or one field that there is not."""
        payload = dict(frame[3])
        names = sorted(payload)
        name = self._chance.choice(names) if names else "unexpected"
        payload[name] = {"broken": 1} if not isinstance(payload.get(name), dict) else "broken"
        return msgspec.json.encode([*frame[:3], payload])

    def link(self, link: Link) -> FaultyLink:
        """``link``, with the faults."""
        return FaultyLink(link, self, self._clock())


class FaultyLink:
    """A Link whose other end hears less, more, later or worse than is said."""

    __slots__ = ("_clock", "_due", "_faults", "_link")

    def __init__(self, link: Link, faults: FaultInjector, clock: Clock) -> None:
        self._link = link
        self._faults = faults
        self._clock = clock
        self._due = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def send(self, data: bytes) -> None:
        """Say it, or what becomes of it."""
        frame = _frame(data)
        self._due = max(self._due, self._clock.now() + self._faults.wait(frame))
        struck = self._faults.strikes(frame)
        if self._due <= self._clock.now():
            self._send(data, frame, struck)
        else:
            self._clock.call_at(self._due, lambda: self._send(data, frame, struck))

    def _send(self, data: bytes, frame: list[Any] | None, struck: str) -> None:
        match struck:
            case "drop":
                self._link.abort("torn on purpose")
                return
            case "cut":
                tear = getattr(self._link, "send_torn", None)
                if tear is not None:
                    tear(data)
                self._link.abort("torn on purpose in the middle of a frame")
                return
            case "malformed":
                data = data[: max(1, len(data) * 2 // 3)]
            case "schema" if frame is not None:
                data = self._faults.against_schema(frame)
            case "duplicate":
                self._link.send(data)
        self._link.send(data)


def _frame(data: bytes) -> list[Any] | None:
    try:
        frame = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return frame if isinstance(frame, list) and len(frame) > 2 else None


def inject(station: CompleteStation, plan: FaultPlan) -> FaultInjector:
    """Let ``station`` have these faults, on connections that it makes from now on."""
    faults = FaultInjector(plan, station.identity, lambda: station.clock)
    station.time.error = plan.clock
    station.wrap_links(faults.link)
    return faults
