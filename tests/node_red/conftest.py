"""Real Node-REDs for the tests of the Node-RED package: one process of each version, shared by all tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from editor_drawing import browser, drawing, editor, loaded  # noqa: F401 - fixtures
from runtime_flow import Tab
from runtime_peers import FakeCSMS
from runtime_process import NodeRed


@pytest.fixture(scope="session", params=["nr4", "nr5"])
def red(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeRed]:
    """A running Node-RED; each test has a tab of its own in it."""
    one = NodeRed(request.param, tmp_path_factory.mktemp(request.param))
    yield one
    one.stop()


@pytest.fixture
async def tab(red: NodeRed) -> AsyncIterator[Tab]:
    """An empty tab, removed after the test."""
    one = Tab(red)
    yield one
    await one.close()
    assert red.is_alive, red.log[-3000:]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., NodeRed]]:
    """Starts Node-REDs of a test's own, of version 5 unless told otherwise."""
    started: list[NodeRed] = []

    def run(name: str = "nr5", **how) -> NodeRed:
        folder = tmp_path / f"red{len(started)}"
        folder.mkdir()
        started.append(NodeRed(name, folder, **how))
        return started[-1]

    yield run
    for one in started:
        one.stop()


@pytest.fixture
async def fake_csms() -> AsyncIterator[FakeCSMS]:
    """A CSMS for a CS node, not started yet."""
    one = FakeCSMS()
    yield one
    await one.close()
