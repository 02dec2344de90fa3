"""A00, A01: the station's password, and a new one."""

from __future__ import annotations

import secrets
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.heard import Answer
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.messages import Version, v21

_BASIC: Final = (1, 2)
_SHORTEST: Final = 16
_LONGEST: Final = {Version.V201: 40, Version.V21: 64}


def _has_shown(trial: Trial, password: str) -> None:
    """The newest attempt to connect had these credentials (A00.FR.203 to .205)."""
    shake, _ = trial.bench.asked[-1]
    trial.check(not shake.credentials_problem, shake.credentials_problem, by="A00.FR.203")
    user = f"the user name is {shake.username!r}, and the URL ends with {shake.identity!r}"
    trial.check(shake.username == shake.identity, user, by="A00.FR.204")
    shown = (shake.password or b"").decode("utf-8", "replace")
    trial.check(shown == password, "the password is not the one that is set", by="A00.FR.205 A01.FR.01")
    most = _LONGEST.get(trial.version, 40)
    fits = _SHORTEST <= len(shown) <= most and shown.isprintable()
    trial.check(fits, f"a password has {_SHORTEST} to {most} characters that can be printed", by="A00.FR.205")


def known_password(trial: Trial) -> str:
    """What the station is let in with."""
    if trial.bench.password is None:
        raise NotPossible("the check was not told the station's password")
    return trial.bench.password


async def _set_password(trial: Trial, password: str) -> Answer[Any]:
    data = v21.SetVariableDataType(
        component=v21.ComponentType(name="SecurityCtrlr"),
        variable=v21.VariableType(name="BasicAuthPassword"),
        attribute_value=password,
    )
    return await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))


@station_case(
    "A00.FR.202",
    "A00.FR.203",
    "A00.FR.204",
    "A00.FR.205",
    "A00.FR.301",
    "A00.FR.302",
    "A00.FR.304",
    "B01.FR.01",
    "B01.FR.05",
    "B01.FR.09",
    security_profiles=_BASIC,
)
async def TC_A_01_CS(trial: Trial) -> None:
    """The station connects with its password."""
    password = known_password(trial)
    await booted(trial)
    _has_shown(trial, password)


async def changed_password(trial: Trial, password: str) -> str:
    """The station has taken a new password, and comes with it; how it was answered."""
    bench = trial.bench
    before, arrivals = bench.password, len(bench.arrivals)
    bench.password = password  # it may come again before the answer has been looked at
    answer = await _set_password(trial, password)
    status = str(answer.at("setVariableResult[0].attributeStatus"))
    if status not in ("Accepted", "RebootRequired"):
        bench.password = before
    answer.must("setVariableResult[0].attributeStatus", "Accepted", "RebootRequired", by="A01.FR.01")
    if status == "RebootRequired":
        await booted(trial)
    patience = trial.settings.reboot_patience
    came = await bench.until(lambda: True if len(bench.arrivals) > arrivals and bench.station else None, patience)
    trial.check(came, f"the station does not connect with its new password within {patience:g} s", by="A01.FR.01")
    return status


@station_case("A01.FR.01", "A01.FR.11", "A01.FR.12", "B01.FR.01", security_profiles=_BASIC)
async def TC_A_09_CS(trial: Trial) -> None:
    """A new password is taken, and used at once."""
    old, new = known_password(trial), f"check-{secrets.token_hex(12)}"
    await changed_password(trial, new)

    async def back() -> None:
        await changed_password(trial, old)

    trial.afterwards.append(back)
    _has_shown(trial, new)


@station_case("A01.FR.01", "A01.FR.11", "A01.FR.12", security_profiles=_BASIC)
async def TC_A_10_CS(trial: Trial) -> None:
    """A password that is too short is refused, and the old one stays."""
    old = known_password(trial)
    answer = await _set_password(trial, "short-password"[: _SHORTEST - 1])
    answer.must("setVariableResult[0].attributeStatus", "Rejected", by="A01.FR.01 A00.FR.205")
    await booted(trial)
    _has_shown(trial, old)
