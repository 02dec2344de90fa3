"""What the station has told of its connectors, by StatusNotification or by NotifyEvent (G01, N07): both count alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ocppflow.check.heard import CheckFailed, Finding, Heard
from ocppflow.check.trial import Trial


class ConnectorReport(NamedTuple):
    """A state that was told, and by which message."""

    evse: int
    connector: int
    status: str
    heard: Heard[Any]


def connector_reports(messages: Iterable[Heard[Any]]) -> list[ConnectorReport]:
    """What these messages tell of connectors, in order."""
    found: list[ConnectorReport] = []
    for heard in messages:
        if heard.action == "StatusNotification":
            evse, connector = heard.at("evseId"), heard.at("connectorId")
            found.append(ConnectorReport(evse, connector, str(heard.at("connectorStatus")), heard))
        elif heard.action == "NotifyEvent":
            for event in heard.payload.get("eventData", []):
                component = event.get("component", {})
                if (
                    component.get("name") == "Connector"
                    and event.get("variable", {}).get("name") == "AvailabilityState"
                ):
                    evse = component.get("evse", {})
                    place = evse.get("id", 0), evse.get("connectorId", 0)
                    found.append(ConnectorReport(*place, str(event.get("actualValue", "")), heard))
    return found


def last_states(messages: Iterable[Heard[Any]]) -> dict[tuple[int, int], str]:
    """The newest state of each connector that was told of."""
    return {(report.evse, report.connector): report.status for report in connector_reports(messages)}


async def connector_is(
    trial: Trial,
    status: str | tuple[str, ...],
    evse: int | None = None,
    connector: int | None = None,
    *,
    within: float | None = None,
    since: int = 0,
    by: str = "G01.FR.01",
) -> None:
    """The newest that the station tells of a connector is this state: now, or ``within`` so many seconds. ``since``: a
    mark from which on it has to be told (anew, after a boot); without one it may have been told at any time."""
    place = (trial.evse if evse is None else evse, trial.connector if connector is None else connector)
    await connectors_are(trial, {place: status}, within=within, since=since, by=by)


async def connectors_are(
    trial: Trial,
    wanted: Mapping[tuple[int, int], str | tuple[str, ...]],
    *,
    within: float | None = None,
    since: int = 0,
    by: str = "G01.FR.01",
) -> None:
    """As :func:`connector_is`, for several: state by EVSE and connector."""
    seconds = trial.settings.patience if within is None else within

    def look() -> bool | None:
        states = last_states(trial.bench.inbox[since:])
        return True if all(_is(states.get(place), status) for place, status in wanted.items()) else None

    if await trial.bench.until(look, seconds) is None:
        reports = connector_reports(trial.bench.inbox[since:])
        states = last_states(trial.bench.inbox[since:])
        wrong = [
            f"connector {connector} of EVSE {evse} should be {_worded(status)} and "
            f"{f'was told to be {told}' if (told := states.get((evse, connector))) else 'nothing was told of it'}"
            for (evse, connector), status in wanted.items()
            if not _is(states.get((evse, connector)), status)
        ]
        last = reports[-1].heard if reports else None
        finding = Finding(
            text="; ".join(wrong),
            requirements=tuple(by.split()),
            action=last.action if last is not None else "StatusNotification",
            message_id=last.message_id if last is not None else "",
        )
        raise CheckFailed(finding)


def every_connector(
    trial: Trial, status: str, others: Mapping[tuple[int, int], str | tuple[str, ...]] | None = None
) -> dict[tuple[int, int], str | tuple[str, ...]]:
    """All connectors of the station in one state, but for ``others``."""
    states: dict[tuple[int, int], str | tuple[str, ...]] = dict.fromkeys(trial.settings.all_connectors, status)
    return {**states, **(others or {})}


def of_evse(trial: Trial, evse: int, status: str) -> dict[tuple[int, int], str | tuple[str, ...]]:
    """The connectors of one EVSE in one state."""
    return {place: status for place in trial.settings.all_connectors if place[0] == evse}


def _is(told: str | None, status: str | tuple[str, ...]) -> bool:
    return told in (status if isinstance(status, tuple) else (status,))


def _worded(status: str | tuple[str, ...]) -> str:
    return status if isinstance(status, str) else " or ".join(status)
