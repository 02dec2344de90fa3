"""A rate that many share: beyond it, who has used the least of it goes first."""

from __future__ import annotations

import math

REMEMBERED = 4096
"""Networks whose use is remembered, about 150 bytes each. One that is forgotten counts as new; to be among those, a
network must have used nothing while all the others did."""

_FADING = 30.0  # s in which past use loses two thirds of its weight: longer than a burst, shorter than patience
_LARGEST_WEIGHT = 1e100  # far from the largest float, even when multiplied by all handshakes of a century


class FairRate:
    """A token bucket, ``burst`` deep and filled at ``per_second``, with a reserve below it of a quarter as much.

    The more of the recent tokens a network has taken, compared to the network that took the most, the less it may
    take from the reserve: the one that has taken nothing all of it, the one that has taken the most nothing. So
    nobody is refused while there are tokens, whole sites and proxies included; and where one network takes all tokens
    there are, the others find some. In the long run not more than ``per_second`` are given in all, since the reserve
    is filled first.

    Time is an argument. What is remembered of networks is bounded, and fades.
    """

    __slots__ = ("_burst", "_filled_at", "_largest", "_per_second", "_reserve", "_since", "_tokens", "_used")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._reserve = max(1.0, burst / 4)
        self._tokens = self._burst
        self._filled_at = now
        # What a network has used weighs e^(age/_FADING) times less than what it uses now. Kept the other way round,
        # the present growing, so that time alone changes nothing here, and the largest one stays the largest.
        self._since = now
        self._used: dict[str, float] = {}  # the latest last
        self._largest = 0.0

    def __len__(self) -> int:
        """How many networks are remembered."""
        return len(self._used)

    def take(self, network: str, now: float) -> bool:
        """Whether ``network`` may have a token, which it then has taken."""
        self._tokens = min(self._tokens + (now - self._filled_at) * self._per_second, self._burst)
        self._filled_at = now
        used = self._used.get(network, 0.0)
        depth = self._reserve * (1 - used / self._largest) if self._largest else 0.0
        if self._tokens < 1 - depth:
            return False
        self._tokens -= 1
        weight = self._weight(now)
        used = self._used.pop(network, 0.0) + weight
        self._used[network] = used
        self._largest = max(self._largest, used)
        if len(self._used) > REMEMBERED:
            del self._used[next(iter(self._used))]
        return True

    def _weight(self, now: float) -> float:
        """What a token weighs now."""
        weight = math.exp(min((now - self._since) / _FADING, 700.0))
        if weight < _LARGEST_WEIGHT:
            return weight
        self._used = {name: used / weight for name, used in self._used.items() if used / weight > 1e-9}
        self._largest /= weight
        self._since = now
        return 1.0
