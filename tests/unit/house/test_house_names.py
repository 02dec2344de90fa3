"""A word means one thing in the whole house: no class name twice, no two files of one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tests.unit.house.sources import ROOT, SRC, classes, modules, shown

#: Folders that mirror one another: what is in them has the same names on purpose, seen from either side.
MIRRORED = ("csms", "station")

#: JavaScript that is loaded into one runtime or one page, where a file is known by its name alone.
JAVASCRIPT = ("node-red/nodes", "node-red/resources")


def _twice(names: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    for name, path in names:
        found[name].add(shown(path))
        count[name] += 1
    return {name: sorted(paths) for name, paths in found.items() if count[name] > 1}


def test_no_class_name_occurs_twice() -> None:
    assert not _twice((name, path) for path in modules() for name in classes(path))


def test_no_class_of_ours_has_the_name_of_a_message_type() -> None:
    messages = {name for path in modules(generated=True) for name in classes(path)}
    assert messages
    assert not {name: shown(path) for path in modules() for name in classes(path) if name in messages}


def test_no_message_type_occurs_twice_in_one_version() -> None:
    for path in modules(generated=True):
        assert not _twice((name, path) for name in classes(path))


def _as_mirrored(path: Path) -> Path:
    """Where a file stands, the same for the counterparts of both roles."""
    parts = path.relative_to(SRC).parts
    return SRC.joinpath(*("ROLE" if part in MIRRORED else part for part in parts[:-1]), parts[-1])


def test_no_two_python_files_have_one_name() -> None:
    places: dict[str, set[Path]] = defaultdict(set)
    for path in sorted(SRC.rglob("*.py")):
        if not path.name.startswith("__"):  # Python itself names these
            places[path.name].add(_as_mirrored(path))
    assert not {name: sorted(map(shown, paths)) for name, paths in places.items() if len(paths) > 1}


def _near(name: str) -> str:
    """A file's name without its ending, case, hyphens and a plural's s."""
    return PurePosixPath(name).stem.lower().replace("-", "").replace("_", "").removesuffix("s")


def test_no_two_javascript_files_have_nearly_one_name() -> None:
    files = [path for folder in JAVASCRIPT for path in sorted((ROOT / folder).rglob("*.js"))]
    assert files
    assert not _twice((_near(path.name), path) for path in files)
