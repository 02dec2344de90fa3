"""Every wall of the house is a contract of import-linter: an import through it breaks one, wherever it is made."""

from __future__ import annotations

import copy
from typing import Any

import grimp
import pytest
from importlinter import Contract
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from tests.unit.house.sources import ROOT

_KINDS: dict[str, type[Contract]] = {"forbidden": ForbiddenContract, "layers": LayersContract}

#: Importer and imported. A room stands for every module in it.
WALLS = [
    # messages and rpc: no I/O, no clock
    ("messages", "asyncio"),
    ("messages", "websockets"),
    ("rpc", "asyncio"),
    ("rpc", "websockets"),
    ("rpc", "transport"),
    ("messages", "rpc"),
    # transport does not know what is said
    ("transport", "rpc"),
    ("transport", "messages.v201"),
    ("transport", "endpoint"),
    ("endpoint", "csms"),
    ("endpoint", "station"),
    # roles know the wire only through what endpoint hands on, and not each other
    ("csms", "rpc"),
    ("csms", "transport"),
    ("csms", "station"),
    ("csms", "nodes"),
    ("station", "rpc"),
    ("station", "transport"),
    ("station", "csms"),
    ("station", "cli"),
    # nodes and the command line use the roles
    ("nodes", "rpc"),
    ("nodes", "cli"),
    ("cli", "rpc"),
    # the conformance kit stands beside the nodes, and its scenarios judge a station by the wire alone
    ("check", "rpc"),
    ("check", "nodes"),
    ("check", "cli"),
    ("check", "testing"),
    ("nodes", "check"),
    ("station", "check"),
    ("check.station", "station"),
    ("check.station", "csms"),
    # testing stands on the roles, and nothing on testing
    ("testing", "rpc"),
    ("testing", "transport"),
    ("testing", "nodes"),
    ("testing", "cli"),
    ("testing", "check"),
    ("cli", "testing"),
    ("nodes", "testing"),
    ("csms", "testing"),
    ("endpoint", "testing"),
    # the package's face is for its users: who is inside and imports it loads what it does not need
    ("nodes", ""),
    ("cli", ""),
    ("check", ""),
    ("csms", ""),
    ("station", ""),
    ("endpoint", ""),
    ("transport", ""),
]


def _full(name: str) -> str:
    return name if name in ("asyncio", "websockets") else f"ocppflow.{name}".rstrip(".")


@pytest.fixture(scope="module")
def contracts() -> list[Contract]:
    read = read_configuration(str(ROOT / "pyproject.toml"))
    options: list[dict[str, Any]] = read["contracts_options"]
    return [
        _KINDS[each["type"]](each["name"], read["session_options"], {k: v for k, v in each.items() if k != "type"})
        for each in options
    ]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("ocppflow", include_external_packages=True, cache_dir=None)


def _broken(contracts: list[Contract], graph: grimp.ImportGraph) -> list[str]:
    return [each.name for each in contracts if not each.check(graph=copy.deepcopy(graph), verbose=False).kept]


def test_the_house_keeps_its_walls(contracts: list[Contract], graph: grimp.ImportGraph) -> None:
    assert _broken(contracts, graph) == []


@pytest.mark.parametrize(("room", "wall"), WALLS, ids=[f"{room} to {wall or 'the face'}" for room, wall in WALLS])
def test_an_import_through_a_wall_breaks_a_contract(
    room: str, wall: str, contracts: list[Contract], graph: grimp.ImportGraph
) -> None:
    importer = max(graph.find_children(_full(room)), default=_full(room))  # any module of the room
    through = copy.deepcopy(graph)
    through.add_import(importer=importer, imported=_full(wall))
    assert _broken(contracts, through), f"{importer} may import {_full(wall)}"
