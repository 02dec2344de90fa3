"""What a server and the openings of its connections share."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ocppflow.log_budget import budgeted
from ocppflow.plain_text import SHOWN_IDENTITY, excerpt
from ocppflow.transport.admission import Admission
from ocppflow.transport.clock import Clock
from ocppflow.transport.descriptors import Descriptors
from ocppflow.transport.door_queue import DoorQueue
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.network import network_of
from ocppflow.transport.openings import Openings
from ocppflow.transport.refusals import Refusals
from ocppflow.transport.route import Mount
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import ServerTLS
from ocppflow.transport.tls_room import TLSRoom

log = budgeted("ocppflow.transport")


_UNHURRIED = 8.0  # s for TLS, where no limit bounds it and others wait
_WARNED_EVERY = 600.0  # s: who reads the log has to act, which takes longer


class ServerContext:
    """The bounds, the paths and the counters of one port, and the connections whose handshake is not over."""

    __slots__ = (
        "_warned_at",
        "admission",
        "clock",
        "descriptors",
        "limits",
        "mounts",
        "on_refused",
        "openings",
        "queue",
        "refusals",
        "tls",
        "tls_room",
    )

    def __init__(
        self,
        limits: ServerLimits,
        tls: ServerTLS | None,
        clock: Clock,
        on_refused: Callable[[RefusedInfo], None] | None,
        descriptors: Descriptors,
    ) -> None:
        self.limits = limits
        self.tls = tls
        self.tls_room = TLSRoom(limits.max_tls_handshakes, _tls_patience(limits), clock)
        self.clock = clock
        self.on_refused = on_refused
        self.admission = Admission(limits, clock.now())
        self.mounts: dict[str, Mount] = {}
        self.openings = Openings(limits)
        self.refusals = Refusals(limits, clock, self._tell)
        self.queue = DoorQueue()
        self.descriptors = descriptors
        self._warned_at = -_WARNED_EVERY

    def report(self, network: str, info: RefusedInfo) -> None:
        """A connection from ``network`` was refused: to the log and to the hook."""
        self.refusals.add(network, info.path if info.path in self.mounts else "", info)

    def _tell(self, info: RefusedInfo) -> None:
        level = logging.INFO if info.status in (429, 503) else logging.WARNING  # a storm is not an alarm
        who = excerpt(info.identity, SHOWN_IDENTITY) if info.identity else "someone"
        text = "refused %s from %s (%s): %s"
        about = (who, info.address, info.status or "no answer", info.reason)
        if info.more:
            log.log(level, text + "; and %s more like this", *about, f"{info.more:,}")
        else:
            log.log(level, text, *about, extra={"address": network_of(info.address.rpartition(":")[0])})
        if self.on_refused is not None:
            try:
                self.on_refused(info)
            except Exception:
                log.exception("the on_refused hook failed")

    def warn_of_descriptors(self) -> None:
        """Say, once in a while, that newcomers find no descriptor, and what to do."""
        now = self.clock.now()
        if now - self._warned_at < _WARNED_EVERY:
            return
        self._warned_at = now
        limit, most = self.descriptors.limit, self.descriptors.most
        log.warning(
            "this process may have %s open files and connections (RLIMIT_NOFILE), and %s are in use: unfinished "
            "handshakes give way, and then newcomers are refused until one is free. Raise the limit (ulimit -n, or "
            "LimitNOFILE= of a systemd unit)",
            "only so many" if limit is None else limit,
            "all" if most is None else f"about {most} or more",
        )


def _tls_patience(limits: ServerLimits) -> float:
    """Seconds after which a guest of the TLS room may have to make room for anybody: half the time that it has. Where
    that is unbounded, a full room would otherwise be left at once, by guests that have only begun."""
    return (limits.tls_timeout or limits.handshake_timeout or _UNHURRIED) / 2
