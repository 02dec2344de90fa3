"""One station goes through many cases in any order: each is put right again after each."""

from __future__ import annotations

import random

import pytest
from our_station import PICS, POST

from ocppflow.check.in_process import station_in_process
from ocppflow.check.runner import plan, run_plan
from ocppflow.check.verdict import Verdict
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.messages import Version

_KNOWN = [
    "TC_B_06",
    "TC_B_09",
    "TC_B_13",
    "TC_B_32",
    "TC_C_02",
    "TC_C_08",
    "TC_C_09",
    "TC_C_16",
    "TC_C_21",
    "TC_C_25",
    "TC_C_27",
    "TC_C_34",
    "TC_C_38",
    "TC_C_41",
    "TC_C_49",
    "TC_D_02",
    "TC_D_10",
    "TC_H_01",
    "TC_H_02",
    "TC_H_07",
    "TC_H_09",
    "TC_H_12",
    "TC_H_14",
    "TC_H_21",
    "TC_E_01",
    "TC_E_03",
    "TC_E_05",
    "TC_E_10",
    "TC_E_16",
    "TC_E_24",
    "TC_E_29",
    "TC_E_41",
    "TC_E_44",
    "TC_F_01",
    "TC_F_03",
    "TC_F_06",
    "TC_F_09",
    "TC_G_03",
    "TC_G_05",
    "TC_G_11",
    "TC_G_14",
    "TC_J_01",
    "TC_J_06",
    "TC_J_08",
    "TC_J_10",
    "TC_K_04",
    "TC_K_09",
    "TC_K_13",
    "TC_K_22",
    "TC_K_37",
    "TC_K_41",
    "TC_L_01",
    "TC_L_10",
    "TC_M_12",
    "TC_M_23",
    "TC_N_06",
    "TC_N_16",
    "TC_N_20",
    "TC_N_26",
    "TC_N_30",
    "TC_O_06",
    "TC_O_14",
    "TC_O_24",
    "TC_P_03",
]

_ONLY_IN_21 = [
    "TC_K_107",
    "TC_K_109",
    "TC_K_119",
    "TC_K_120",
    "TC_K_121",
    "TC_K_122",
    "TC_K_124",
    "TC_K_136",
    "TC_O_100",
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_the_order_of_cases_does_not_matter(version: Version, seed: int) -> None:
    known = [*_KNOWN, *(_ONLY_IN_21 if version is Version.V21 else ())]
    random.Random(seed).shuffle(known)
    results = _played(version, known)
    assert len(results) == len(known)
    assert [each for each in results if each[1:] != (Verdict.PASS.value, "", [])] == []


def test_K10FR09_a_profile_that_is_not_cleared_does_not_outlive_its_case() -> None:
    results = _played(Version.V21, ["TC_K_107", "TC_K_122"])
    assert [verdict for _, verdict, *_ in results] == [Verdict.PASS.value] * 2


def _played(version: Version, known: list[str]) -> list[tuple[str, str, str, list[str]]]:
    """What comes of these cases, one after another at one station."""

    async def play() -> list[tuple[str, str, str, list[str]]]:
        planned = sorted(plan(version, PICS, only=known), key=lambda each: known.index(each.id.removesuffix("_CS")))
        async with station_in_process(version, PICS.settings, POST) as (bench, operator, _):
            return [
                (each.case, each.verdict.value, each.reason, each.not_cleaned)
                async for each in run_plan(bench, operator, PICS, planned)
            ]

    return run_in_virtual_time(play())
