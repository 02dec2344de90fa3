"""What was typed after a command, read and checked before anything is connected."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ocppflow.cli.failure import Failure
from ocppflow.errors import UnknownAction
from ocppflow.messages import Role, Version, action_info, actions


@dataclass(frozen=True, slots=True)
class TypedMessage:
    """A message to send: an action and its payload's JSON, as it was given."""

    action: str
    data: bytes = field(repr=False)

    def unconfirmed(self, version: Version) -> bool:
        """Whether it is sent without an answer (2.1 NotifyPeriodicEventStream)."""
        info = actions(version).get(self.action)
        return info is not None and not info.confirmed


def read_versions(texts: Iterable[str]) -> tuple[Version, ...]:
    """Versions from options that may be repeated and may each hold several, parted by commas."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(dict.fromkeys(Version.parse(name) for name in names if name))


def read_headers(texts: Iterable[str]) -> dict[str, str]:
    """``NAME:VALUE`` each."""
    headers = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name.strip() or not text.isprintable():
            raise Failure(f"--header {text!r}: a header is NAME:VALUE")
        headers[name.strip()] = value.strip()
    return headers


def read_messages(words: Sequence[str], versions: Sequence[Version], *, validate: bool) -> list[TypedMessage]:
    """``ACTION [JSON|@FILE|-]``, as often as wanted. An action that none of ``versions`` has, or that is not a
    station's, is found here unless ``validate`` is False."""
    messages: list[TypedMessage] = []
    position = 0
    while position < len(words):
        action = words[position]
        if action[:1] in ("{", "[", "@", '"', "-"):
            raise Failure(f"{_cut(action)}: an action, such as Heartbeat, must stand before it")
        position += 1
        data = b"{}"
        if position < len(words) and (words[position][:1] in ("{", "[", "@", '"') or words[position] == "-"):
            data = _json(action, words[position], validate)
            position += 1
        if validate:
            _check_action(action, versions)
        messages.append(TypedMessage(action, data))
    return messages


def _check_action(action: str, versions: Sequence[Version]) -> None:
    reason = ""
    for version in versions:
        try:
            info = action_info(version, action)
        except UnknownAction as error:
            reason = reason or str(error)
            continue
        if info.sent_by(Role.CS):
            return
        reason = reason or f"{action} is for the CSMS to send (OCPP {version}); this is the station's side"
    raise Failure(f"{reason} (--no-validate sends it anyway)")


def _json(action: str, word: str, validate: bool) -> bytes:
    source, raw = "", word.encode("utf-8", "surrogateescape")
    if word == "-":
        source, raw = "stdin: ", sys.stdin.buffer.read()
    elif word.startswith("@"):
        source, raw = f"{word[1:]}: ", Path(word[1:]).read_bytes()
    try:
        value: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(f"{action}: {source}not JSON: {error}") from None
    if validate and not isinstance(value, dict):
        kind = "an array" if isinstance(value, list) else "a single value"
        raise Failure(f"{action}: {source}the payload must be a JSON object, not {kind}")
    return raw


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
