"""What an attack is: what it does, against which targets, and which sentence of our promise it tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack.ground import Ground
from tests.attack.targets import Setting

if TYPE_CHECKING:
    from tests.attack.scenes import Scene
    from tests.attack.trial import Result

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may become of the others at most. Times in seconds, as the target lived them (``kernel.FairClock``)."""

    wait: float = 1.0
    """Of the well-behaved, for any answer."""

    memory: int = 64 * MIB
    """More than at the start, after the warm-up: at any time, and at the end."""

    newcomer_median: float = 1.0
    newcomer_worst: float = 3.0
    """From the TCP connection to the answer to a first Heartbeat, TLS and password included."""

    log: float = 512 * 1024
    """Bytes of log a second. By default 1,000 frames a second are shown, and some 100 with a fault for each station
    (docs/cli.md), of about 200 bytes each."""

    cpu: float | None = None
    """Of one core, where the attack is nothing but to be there."""

    tracebacks: int = 0
    """In the log, where the app's own handlers fail."""

    stop: float = 1.0
    """From SIGTERM to the end, beyond the time that the target has for closing in order (``Target.grace``)."""


#: Strangers, who are not let in, may write less into the log.
STRANGERS = Bounds(log=64 * 1024)


class Attack:
    """One attack. ``settings``: the targets; each is a trial. ``short``: also part of ``make test``."""

    name: ClassVar[str]
    promise: ClassVar[str]
    kind: ClassVar[str] = "csms"  # or "station", "engine", "node-red"
    settings: ClassVar[tuple[Setting, ...]] = (Setting(),)
    bounds: ClassVar[Bounds] = Bounds()
    strangers: ClassVar[bool] = True  # they come from another address than the others
    short: ClassVar[bool] = False
    time: ClassVar[float] = 0.3  # of ATTACK_SECONDS

    def prepare(self) -> None:
        """Make what takes long to make; before the clock starts."""

    async def run(self, ground: Ground) -> None:
        """Attack, until cancelled. Runs in the attacker's process."""
        raise NotImplementedError

    def begins(self, scene: Scene) -> None:
        """What happens to the target when the attack begins."""

    def half_time(self, scene: Scene) -> None:
        """What happens to the target when half of the time is over."""

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        """What else must not be, when the target has ended."""
        return iter(())


def counted(result: Any, what: str) -> int:
    """How many of ``what`` the attacker counted."""
    return int(result.thrown.get(what, 0))
