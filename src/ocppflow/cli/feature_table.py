"""What ``ocppflow station --features`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocppflow.station import StationConfig


def feature_lines(config: StationConfig) -> Iterator[str]:
    """By functional block: each action that a CSMS may send, in which versions, and what becomes of it."""
    from ocppflow.station.complete_station import BEHAVIOUR
    from ocppflow.station.features import feature_list

    found = feature_list(config, BEHAVIOUR)
    yield f"{config.vendor} {config.model}, OCPP {', '.join(config.versions)}"
    block = ""
    for line in found:
        if line.block != block:
            block = line.block
            yield ""
            yield block
        yield f"  {line.action:<28} {', '.join(line.versions):<12} {line.why_not or 'answered'}"
    yield ""
    answered = sum(line.answered for line in found)
    yield f"{answered} of {len(found)} actions are answered; one that no version has gets NotImplemented"
