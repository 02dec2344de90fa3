"""Which test cases there are for stations, by version, and for whom: package data ``station_cases.csv`` (the official
ones of OCPP 2.0.1 Edition 3 and 2.1 Edition 2, Part 6), ``station_cases_16.csv`` (our own for 1.6, from its text, with
the numbers that such cases are known by where there are any) and ``features.csv`` (the features of Part 5)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ocppflow.check.condition import Condition
from ocppflow.messages import Version


class Listing(NamedTuple):
    """A case in one certification profile."""

    profile: str
    mandatory: bool
    condition: Condition
    """Of a case that is not mandatory. It holds for all if nothing is known of one."""


class Feature(NamedTuple):
    """What a manufacturer declares of a station."""

    id: str
    variable: str
    """The variable that the feature is about, if there is one."""
    summary: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("ocppflow.check") / "data" / name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


@cache
def listings(version: Version) -> dict[str, list[Listing]]:
    """The cases of a version by id, such as ``TC_B_01_CS``, in the order of the profiles' lists."""
    found: dict[str, list[Listing]] = {}
    for row in _rows("station_cases_16.csv" if version is Version.V16 else "station_cases.csv"):
        if row["version"] == version.value:
            listing = Listing(row["profile"], row["needed"] == "M", Condition(row["condition"]))
            found.setdefault(row["case"], []).append(listing)
    return found


@cache
def features() -> dict[str, Feature]:
    """The features by id, in the order of Part 5."""
    return {row["id"]: Feature(row["id"], row["variable"], row["summary"]) for row in _rows("features.csv")}


@cache
def profiles() -> list[str]:
    """The names of all certification profiles."""
    names = (each.profile for version in Version for group in listings(version).values() for each in group)
    return list(dict.fromkeys(names))
