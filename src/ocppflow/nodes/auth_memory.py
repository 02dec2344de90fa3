"""The auth lists that flows have changed, kept beyond a re-deploy and, in files, beyond a restart."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from ocppflow.log_budget import budgeted
from ocppflow.secrecy.discreet_repr import discreet_repr

log = budgeted("ocppflow.nodes")

_FOLDER: Final = "auth-lists"
_OWNER_ONLY: Final = 0o600  # they hold passwords


class ChangedList(msgspec.Struct):
    """A list that a flow has changed. ``configured`` identifies the list in the node's credentials that it replaces."""

    SECRET_FIELDS: ClassVar = frozenset({"configured", "list"})
    __repr__ = discreet_repr

    node: str
    configured: str
    list: dict[str, str]


class AuthMemory:
    """The changed list of each node that has one. It counts until the user edits the list in the node's credentials;
    from then on that one counts.

    ``directory`` is where it is kept, one small file for each node; None keeps it in memory. Nodes share nothing.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._folder = None if directory is None else directory / _FOLDER
        self._lists: dict[str, ChangedList | None] = {}
        self._unwritten: dict[str, ChangedList | None] = {}
        self._writer: asyncio.Task[None] | None = None

    def in_force(self, node: str, configured: dict[str, str]) -> dict[str, str]:
        """The list that the node starts with."""
        known = self._known(node)
        if known is None:
            return configured
        if known.configured != _digest(configured):
            self.forget(node)  # so that it does not count again if the user restores the old list
            return configured
        return known.list

    def changed(self, node: str, configured: dict[str, str], now: dict[str, str]) -> None:
        """A flow has changed the list."""
        self._keep(node, ChangedList(node, _digest(configured), now))

    def forget(self, node: str) -> None:
        """The node has been removed, or its list edited."""
        if self._known(node) is not None:
            self._keep(node, None)

    def _keep(self, node: str, entry: ChangedList | None) -> None:
        self._lists[node] = entry
        if self._folder is not None:
            self._unwritten[node] = entry
            if self._writer is None or self._writer.done():
                self._writer = asyncio.get_running_loop().create_task(self._write_all(self._folder))

    async def _write_all(self, folder: Path) -> None:
        """Write in a thread, because a disk may be slow; what changes meanwhile is written once, afterwards."""
        while self._unwritten:
            node = next(iter(self._unwritten))
            entry = self._unwritten.pop(node)
            try:
                await asyncio.to_thread(_write, self._file(folder, node), entry)
            except OSError as exc:
                log.error("node %s: the changed auth list cannot be kept beyond a restart: %s", node, exc)

    async def written(self) -> None:
        """Wait until all changes are in their files."""
        if self._writer is not None:
            await self._writer

    def _known(self, node: str) -> ChangedList | None:
        if node not in self._lists:
            self._lists[node] = None if self._folder is None else _read(self._file(self._folder, node), node)
        return self._lists[node]

    @staticmethod
    def _file(folder: Path, node: str) -> Path:
        return folder / f"{file_name(node)}.json"


def file_name(node: str) -> str:
    """What files about a node are called: its id may contain any character, so the name is a hash of it."""
    return hashlib.sha256(node.encode()).hexdigest()[:32]


def _digest(passwords: dict[str, str]) -> str:
    return hashlib.sha256(msgspec.json.encode(passwords, order="sorted")).hexdigest()


def _read(file: Path, node: str) -> ChangedList | None:
    try:
        entry = msgspec.json.decode(file.read_bytes(), type=ChangedList)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        log.error("the changed auth list of node %s cannot be read from %s: %s", node, file, exc)
        return None
    return entry if entry.node == node else None


def _write(file: Path, entry: ChangedList | None) -> None:
    """Replace the file atomically: a reader finds either the old content or the new."""
    if entry is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with open(descriptor, "wb") as out:
            out.write(msgspec.json.encode(entry))
            out.flush()
            os.fsync(descriptor)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
