"""What the engine keeps beyond its own life, in a directory that the runtime names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ocppflow.csms import StationFile
from ocppflow.log_budget import budgeted
from ocppflow.nodes.auth_memory import AuthMemory, file_name

log = budgeted("ocppflow.engine")

_STATIONS: Final = "stations"


class StateDirectory:
    """For each CSMS node a file of its own: the auth list that a flow has changed, and who the stations say they are,
    so that rules for a vendor hold before its stations boot again. Without a ``path`` only the auth lists are kept, in
    memory."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.auths = AuthMemory(path)

    def stations(self, node: str) -> StationFile | None:
        """Where it is written down who the stations of a CSMS node are; None if it cannot be."""
        if self.path is None:
            return None
        file = self._stations_file(self.path, node)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            log.error("node %s: who its stations are is lost at a restart: %s", node, exc)
            return None
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            log.error("node %s: who its stations are is lost at a restart: no permission for %s", node, file)
            return None
        return StationFile(file)

    def forget_stations(self, node: str) -> None:
        """The user has deleted the node."""
        if self.path is not None:
            try:
                self._stations_file(self.path, node).unlink(missing_ok=True)
            except OSError as exc:
                log.error("node %s: %s", node, exc)

    @staticmethod
    def _stations_file(path: Path, node: str) -> Path:
        return path / _STATIONS / f"{file_name(node)}.jsonl"
