"""The states of a node, and which state may follow which."""

from __future__ import annotations

from enum import Enum
from typing import Final


class NodeState(Enum):
    """What a node is doing. Whether a station is connected is not part of it: see ``CSNode.station.state``."""

    NEW = "new"
    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    """Something it needs, such as its port, is taken; it tries again by itself."""
    UNFIT = "unfit"
    """Its configuration, or its environment, keeps it from working until somebody changes that."""
    CLOSED = "closed"


FOLLOWS: Final = {
    NodeState.NEW: {NodeState.STARTING, NodeState.CLOSED},
    NodeState.STARTING: {NodeState.WORKING, NodeState.WAITING, NodeState.UNFIT, NodeState.CLOSED},
    NodeState.WORKING: {NodeState.STARTING, NodeState.UNFIT, NodeState.CLOSED},
    NodeState.WAITING: {NodeState.STARTING, NodeState.CLOSED},
    NodeState.UNFIT: {NodeState.STARTING, NodeState.CLOSED},
    NodeState.CLOSED: set[NodeState](),
}
"""The states that may follow each."""
