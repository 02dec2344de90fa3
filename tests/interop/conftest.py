"""Peers that others wrote, and ours opposite them, on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.node import NodePeer, install

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)
            # PyPI's ocpp awaits asyncio.wait_for on a future of its own; nothing of ours may warn.
            item.add_marker(pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ocpp(\.|$)"))


@pytest.fixture(scope="session")
def npm() -> Path:
    """The installed npm packages; a registry that cannot be reached is a failure, not a reason to skip."""
    return install()


@pytest.fixture
async def node(npm: Path) -> AsyncIterator[NodePeer]:
    """npm's ocpp-rpc, in a process of its own."""
    peer = await NodePeer.start("ocpp_rpc_peer.js")
    yield peer
    await peer.stop()
