"""Visit: an EV at an EVSE as the scenario has it: what it has done, and what the station has told of the
transaction."""

from __future__ import annotations

from typing import Any

from ocppflow.check.heard import ABSENT, CheckFailed, Finding, Heard, Where
from ocppflow.check.trial import Trial
from ocppflow.check.variables import members
from ocppflow.messages import v21

METERING = ("MeterValuePeriodic", "MeterValueClock")
"""The reasons of TransactionEvents that only bring meter values."""

_ENDING = ("Authorized", "EnergyTransfer", "PowerPathClosed", "DataSigned")


class Visit:
    """One EV at one EVSE. ``transaction`` is the id once the station has told it; ``ended`` when it has told the end;
    ``state`` the newest chargingState."""

    __slots__ = (
        "authorized",
        "ended",
        "evse",
        "last_seq_no",
        "parked",
        "plugged",
        "remote",
        "remote_start_id",
        "state",
        "token",
        "transaction",
    )

    def __init__(self, evse: int) -> None:
        self.evse = evse
        self.parked = False
        self.plugged = False
        self.authorized = False
        self.remote = False
        self.remote_start_id: int | None = None
        self.token: v21.IdTokenType | None = None
        self.transaction: str | None = None
        self.ended = False
        self.state: str | None = None
        self.last_seq_no: int | None = None

    @property
    def started(self) -> bool:
        """Whether there is a transaction that has not ended."""
        return self.transaction is not None and not self.ended

    def saw(self, event: Heard[Any]) -> None:
        """The station has told of the transaction. Its first message must be a Started (E02.FR.05)."""
        if self.transaction is None:
            event.must("eventType", "Started", by="E01.FR.07")
            self.transaction = event.must("transactionInfo.transactionId", _TEXT)
        state = event.at("transactionInfo.chargingState")
        self.state = self.state if state is ABSENT else state
        self.ended = self.ended or event.at("eventType") == "Ended"
        seq_no = event.at("seqNo")
        if isinstance(seq_no, int) and self.last_seq_no is not None and seq_no <= self.last_seq_no:
            raise event.wrong(f"seqNo {seq_no} comes after {self.last_seq_no}", by="E01.FR.07")
        self.last_seq_no = seq_no if isinstance(seq_no, int) else self.last_seq_no


class _AnyText:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "a text"


_TEXT = _AnyText()


def visit_of(trial: Trial, evse: int | None = None) -> Visit:
    """The visit at an EVSE (the usual one), begun if there is none; a new one once its transaction is over and the EV
    is gone."""
    number = trial.evse if evse is None else evse
    visits: dict[int, Visit] = trial.notes.setdefault("visits", {})
    visit = visits.get(number)
    if visit is None or (visit.ended and not visit.plugged):
        visit = visits[number] = Visit(number)
    return visit


async def start_points(trial: Trial) -> set[str]:
    """The members of TxStartPoint."""
    return await members(trial, "TxCtrlr", "TxStartPoint")


async def stop_points(trial: Trial) -> set[str]:
    """The members of TxStopPoint."""
    return await members(trial, "TxCtrlr", "TxStopPoint")


async def ends_at_stop(trial: Trial) -> bool:
    """Whether a transaction ends once it is authorized to stop, and not only when the EV leaves."""
    return bool(await stop_points(trial) & set(_ENDING))


async def transaction_event(
    trial: Trial, visit: Visit, where: Where = None, *, within: float | None = None, by: str = ""
) -> Heard[v21.TransactionEventRequest]:
    """The next TransactionEvent of the visit's transaction, or that begins it. Those of meter values do not count."""
    event = await maybe_event(trial, visit, where, within=trial.settings.patience if within is None else within)
    if event is None:
        seconds = trial.settings.patience if within is None else within
        wanted = f" with {', '.join(f'{k} {v}' for k, v in where.items())}" if isinstance(where, dict) else ""
        came = [repr(heard) for heard in trial.since() if heard.action == "TransactionEvent"]
        instead = f"; there came {', '.join(came)}" if came else ""
        text = f"no TransactionEvent{wanted} within {seconds:g} s{instead}"
        raise CheckFailed(Finding(text=text, requirements=tuple(by.split()), action="TransactionEvent"))
    return event


async def maybe_event(
    trial: Trial, visit: Visit, where: Where = None, *, within: float = 0.0
) -> Heard[v21.TransactionEventRequest] | None:
    """As :func:`transaction_event`, for one that may come."""

    def fits(heard: Heard[Any]) -> bool:
        if heard.at("triggerReason") in METERING:
            return False
        told = heard.at("transactionInfo.transactionId")
        mine = told == visit.transaction if visit.transaction is not None else _evse_fits(heard, visit)
        return mine and heard.fits(where)

    event = await trial.maybe(v21.TransactionEventRequest, fits, within=within)
    if event is not None:
        visit.saw(event)
    return event


def _evse_fits(heard: Heard[Any], visit: Visit) -> bool:
    return heard.at("evse.id") in (visit.evse, ABSENT)
