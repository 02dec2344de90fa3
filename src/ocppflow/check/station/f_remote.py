"""F01 to F05: remote start, remote stop, unlocking."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.reusable_states import (
    authorized_remote,
    energy_transfer_started,
    ev_connected_pre_session,
    stop_authorized,
)
from ocppflow.check.start_stop_points import authorization_needed, starts_at
from ocppflow.check.station.e_start import connection_timed_out
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.messages import v21


@station_case("F01.FR.03", "F01.FR.04", "F01.FR.05", "F01.FR.13", "F01.FR.17", "F01.FR.19", "F02.FR.01")
async def TC_F_01_CS(trial: Trial) -> None:
    """Remote start, cable first."""
    await authorization_needed(trial)
    await ev_connected_pre_session(trial)
    await authorized_remote(trial)
    await energy_transfer_started(trial)


@station_case("F02.FR.01", "F01.FR.01")
async def TC_F_02_CS(trial: Trial) -> None:
    """Remote start before the cable; the station asks for the token."""
    await authorization_needed(trial)
    await configure_if_there(trial, "AuthCtrlr", "AuthorizeRemoteStart", "true")
    await configure_if_there(trial, "AuthCacheCtrlr", "Enabled", "false")
    await authorized_remote(trial, asks=True)
    await energy_transfer_started(trial)


@station_case("F02.FR.01", "F01.FR.02")
async def TC_F_03_CS(trial: Trial) -> None:
    """Remote start before the cable; the station does not ask for the token."""
    await authorization_needed(trial)
    await configure_if_there(trial, "AuthCtrlr", "AuthorizeRemoteStart", "false")
    begin = trial.mark()
    await authorized_remote(trial, asks=False)
    await energy_transfer_started(trial)
    for heard in trial.since(begin):
        if heard.action == "Authorize":
            raise heard.wrong("AuthorizeRemoteStart is false, so the CSMS is not asked", by="F01.FR.02")


@station_case("F02.FR.01", "E03.FR.01", "E03.FR.05")
async def TC_F_04_CS(trial: Trial) -> None:
    """Remote start, and no EV comes in time."""
    await configure(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await authorization_needed(trial)
    await starts_at(trial, "Authorized")
    await configure_if_there(trial, "TxCtrlr", "TxStopPoint", "Authorized")
    await authorized_remote(trial)
    await connection_timed_out(trial)
    await authorized_remote(trial)


async def _unlock(trial: Trial, connector: int, status: str, *, by: str) -> None:
    answer = await trial.call(v21.UnlockConnectorRequest(evse_id=trial.evse, connector_id=connector))
    answer.must("status", status, by=by)


@station_case("F05.FR.01", "F05.FR.02")
async def TC_F_05_CS(trial: Trial) -> None:
    """Unlocking is refused while there is a transaction."""
    await energy_transfer_started(trial)
    await _unlock(trial, trial.connector, "OngoingAuthorizedTransaction", by="F05.FR.02")


@station_case("F05.FR.01", "F05.FR.04")
async def TC_F_06_CS(trial: Trial) -> None:
    """Unlocking a connector with a cable in it."""
    await trial.operator.plug(trial.evse, trial.connector)
    await _unlock(trial, trial.connector, "Unlocked", by="F05.FR.04")


@station_case("F05.FR.01", "F05.FR.06")
async def TC_F_07_CS(trial: Trial) -> None:
    """Unlocking a connector without a cable."""
    await _unlock(trial, trial.connector, "Unlocked", by="F05.FR.06")


@station_case("F05.FR.03")
async def TC_F_10_CS(trial: Trial) -> None:
    """Unlocking a connector that does not exist."""
    await _unlock(trial, 999, "UnknownConnector", by="F05.FR.03")


@station_case("F03.FR.02", "F03.FR.03", "F03.FR.07", "F03.FR.09")
async def TC_F_08_CS(trial: Trial) -> None:
    """Remote stop."""
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=True)


@station_case("F03.FR.08")
async def TC_F_09_CS(trial: Trial) -> None:
    """Remote stop of a transaction that is not known."""
    await energy_transfer_started(trial)
    unknown = "00000000-0000-4000-8000-000000000000"
    answer = await trial.call(v21.RequestStopTransactionRequest(transaction_id=unknown))
    answer.must("status", "Rejected", by="F03.FR.08")
