"""What is wrong with a TOML file that was read into Structs, for people: the key, and what is wanted there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Final

_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_MISFIT: Final = re.compile(r"Expected `([^`]{1,80})`, got `([^`]{1,40})`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.{0,80})`")
_MISSING: Final = re.compile(r"Object missing required field `(.{1,80})`")


def near_miss(name: str, known: Sequence[str], otherwise: str) -> str:
    """The end of a sentence about a name that there is not."""
    near = difflib.get_close_matches(name[:80], known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"{otherwise} {', '.join(known)}"


def worded_fault(
    text: str, fields_at: Callable[[str], Sequence[str]], choices_at: Callable[[str], Sequence[str]]
) -> str:
    """What msgspec says about a file, for people. ``fields_at``: the keys that there are at a path; ``choices_at``: the
    values."""
    what, _, where = text.partition(" - at `$")
    path = where.removesuffix("`").removeprefix(".")
    if match := _UNKNOWN.match(what):
        return f"{joined(path, match[1])}: there is no such key; " + near_miss(
            match[1], fields_at(path), "the keys here are"
        )
    if match := _MISSING.match(what):
        return f"{joined(path, match[1])}: it is missing"
    if match := _MISFIT.match(what):
        wanted = [_KINDS.get(kind, kind) for kind in match[1].split(" | ") if kind != "null"]
        return f"{path or 'the file'}: {' or '.join(wanted)} is wanted, not {_KINDS.get(match[2], match[2])}"
    if what.startswith("Invalid enum value"):
        value = what.removeprefix("Invalid enum value ").strip("'")
        return f"{path}: {', '.join(choices_at(path))} are possible, not {value!r}"
    return f"{path}: {what}" if path else what


def joined(path: str, key: str) -> str:
    """A key below a path."""
    return f"{path}.{key}" if path else key
