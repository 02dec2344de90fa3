"""D01, D02: the local authorization list, and its version."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.memory_states import id_token_in_local_list
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.messages import v21

_VERSION = 5
"""The list's version to begin with: above 1, so that there is a lower one."""


async def _enabled(trial: Trial) -> None:
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")


async def _with_list(trial: Trial) -> None:
    """The list has the valid token."""
    await _enabled(trial)
    await id_token_in_local_list(trial, version=_VERSION)


def _entry(text: str, trial: Trial, *, known: bool = True) -> v21.AuthorizationData:
    """An Accepted token or, without ``known``, one to be removed."""
    token = trial.settings.id_token(text)
    if not known:
        return v21.AuthorizationData(id_token=token)
    return v21.AuthorizationData(id_token=token, id_token_info=v21.IdTokenInfoType(status="Accepted"))


async def _send(
    trial: Trial,
    kind: v21.UpdateEnumType,
    version: int,
    *entries: v21.AuthorizationData,
    answered: str = "Accepted",
    by: str,
) -> None:
    request = v21.SendLocalListRequest(version_number=version, update_type=kind)
    if entries:
        request.local_authorization_list = list(entries)
    answer = await trial.call(request)
    answer.must("status", answered, by=by)


async def _version_is(trial: Trial, version: int, *, by: str = "D02.FR.01") -> None:
    answer = await trial.call(v21.GetLocalListVersionRequest())
    answer.must("versionNumber", version, by=by)


@station_case("D01.FR.02", "D01.FR.15")
async def TC_D_01_CS(trial: Trial) -> None:
    """A whole list."""
    await _enabled(trial)
    await _send(trial, "Full", _VERSION, _entry(trial.settings.token, trial), by="D01.FR.02 D01.FR.15")
    await _version_is(trial, _VERSION)


@station_case("D01.FR.02", "D01.FR.16")
async def TC_D_02_CS(trial: Trial) -> None:
    """A change that adds a token."""
    await _with_list(trial)
    added = _entry(trial.settings.second_token, trial)
    await _send(trial, "Differential", _VERSION + 1, added, by="D01.FR.02 D01.FR.16")
    await _version_is(trial, _VERSION + 1)


@station_case("D01.FR.02", "D01.FR.17")
async def TC_D_03_CS(trial: Trial) -> None:
    """A change that removes a token."""
    await _with_list(trial)
    removed = _entry(trial.settings.token, trial, known=False)
    await _send(trial, "Differential", _VERSION + 1, removed, by="D01.FR.02 D01.FR.17")
    await _version_is(trial, _VERSION + 1)


@station_case("D01.FR.02", "D01.FR.04")
async def TC_D_04_CS(trial: Trial) -> None:
    """A whole list that is empty."""
    await _with_list(trial)
    await _send(trial, "Full", _VERSION, by="D01.FR.02 D01.FR.04")
    await _version_is(trial, _VERSION)


@station_case("D01.FR.02", "D01.FR.05")
async def TC_D_05_CS(trial: Trial) -> None:
    """A change that is empty."""
    await _with_list(trial)
    await _send(trial, "Differential", _VERSION + 1, by="D01.FR.02 D01.FR.05")
    await _version_is(trial, _VERSION + 1, by="D01.FR.05")


@station_case("D01.FR.19")
async def TC_D_06_CS(trial: Trial) -> None:
    """A change with a version that is too low."""
    await _with_list(trial)
    added = _entry(trial.settings.second_token, trial)
    await _send(trial, "Differential", _VERSION - 1, added, answered="VersionMismatch", by="D01.FR.19")
    await _version_is(trial, _VERSION, by="D01.FR.19")


@station_case("D01.FR.10")
async def TC_D_07_CS(trial: Trial) -> None:
    """The list outlives a reboot."""
    await _with_list(trial)
    await booted(trial)
    await _version_is(trial, _VERSION, by="D01.FR.10")


@station_case("D02.FR.01")
async def TC_D_08_CS(trial: Trial) -> None:
    """The version of the list."""
    await _with_list(trial)
    await _version_is(trial, _VERSION)


@station_case("D02.FR.03")
async def TC_D_10_CS(trial: Trial) -> None:
    """The version of a list that is switched off."""
    if not await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "false"):
        await configure(trial, "LocalAuthListCtrlr", "Available", "false")
    await _version_is(trial, 0, by="D02.FR.03")
