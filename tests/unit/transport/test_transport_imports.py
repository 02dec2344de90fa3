"""The files of the room know each other in one direction only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp

ROOM = "ocppflow.transport"


def test_no_two_files_import_each_other_not_even_for_types() -> None:
    graph = grimp.build_graph("ocppflow", exclude_type_checking_imports=False)
    imports = {
        module: {other for other in graph.find_modules_directly_imported_by(module) if other.startswith(ROOM + ".")}
        for module in graph.find_children(ROOM)
    }
    assert f"{ROOM}.link_context" in imports[f"{ROOM}.socket_link"]
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
