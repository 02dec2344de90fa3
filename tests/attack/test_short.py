"""The short form of ``make attack``: the cheap attacks, a second each, against one target each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.attack.__main__ import chosen
from tests.attack.attack import Attack
from tests.attack.table import ATTACKS
from tests.attack.trial import Trial

SECONDS = 1.0
WARM_UP = 0.4
GRACE = 0.2
_SHORT = [attack for attack in ATTACKS if attack.short]


@pytest.mark.slow
@pytest.mark.parametrize("attack", _SHORT, ids=[attack.name for attack in _SHORT])
async def test_attack(attack: Attack, tmp_path: Path) -> None:
    setting = replace(attack.settings[0], grace=GRACE)
    trial = Trial(attack, setting, SECONDS, tmp_path, warm_up=WARM_UP)
    result = await trial.carry_out()
    assert result.findings == [], result


def test_each_attack_has_a_name_of_its_own_and_says_what_it_tests() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.promise and attack.settings for attack in ATTACKS)
    assert {attack.kind for attack in ATTACKS} == {
        "csms",
        "station",
        "CS nodes",
        "engine",
        "engine, not read",
        "node-red",
    }


def test_attacks_are_chosen_by_names_or_their_beginnings() -> None:
    assert [attack.name for attack in chosen("calls, pings")] == ["calls", "calls4", "pings"]
    assert chosen("") == ATTACKS
    with pytest.raises(SystemExit, match="there is no attack 'pinks'; pings"):
        chosen("pinks")
