"""What a fleet reports at its end: JSON for programs, one page for people."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from ocppflow.fleet.figures import latencies_as_data
from ocppflow.fleet.fleet import Fleet
from ocppflow.fleet.fleet_station import FleetStation
from ocppflow.fleet.plots import Line, plot, shown_time

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --grid: #d8dee6; --one: #1769c2; --two: #b4520a;
  --three: #a31545; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --paper: #12161c; --grid: #2c3540; --one: #62a8f5;
  --two: #f0a35e; --three: #f2789f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 960px;
  margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; margin: 1rem 0; } svg text { font-size: 12px; fill: var(--ink); }
svg .title { font-weight: 600; font-size: 13px; } svg .axis { text-anchor: end; } svg .time { text-anchor: middle; }
svg .last { text-anchor: end; }
svg .grid { stroke: var(--grid); } polyline { fill: none; stroke-width: 1.8; } .one { stroke: var(--one); }
.two { stroke: var(--two); } .three { stroke: var(--three); } svg line.one, svg line.two, svg line.three {
  stroke-width: 3; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .25rem .6rem;
  border-bottom: 1px solid var(--grid); } th:first-child, td:first-child { text-align: left; }
"""


def report_data(fleet: Fleet) -> dict[str, Any]:
    """The whole report, for JSON. Times are seconds, latencies milliseconds, energy Wh."""
    plan, figures = fleet.plan, fleet.figures
    figures.span(fleet.clock.now())  # the quiet end counts as well
    return {
        "url": plan.url,
        "stations": plan.count,
        "makes": sorted({f"{config.vendor} {config.model}" for config in plan.configs}),
        "seed": plan.seed,
        "seconds": round(fleet.clock.now() - figures.began, 3),
        "connected": fleet.connected,
        "registered": fleet.registered,
        "queued": fleet.queued,
        "all": {
            **latencies_as_data(figures.latencies),
            "failed": sum(action.failed for action in figures.actions.values()),
        },
        **figures.as_data(),
        "transactions": [entry for station in fleet.stations for entry in _running(station)],
    }


def _running(station: FleetStation) -> list[dict[str, Any]]:
    if not station.is_up:
        return []
    return [
        {
            "stationId": station.identity,
            "transactionId": transaction.id,
            "evseId": transaction.evse,
            "chargingState": transaction.charging_state,
            "nextSeqNo": transaction.next_seq_no,
        }
        for transaction in station.transactions.running.values()
    ]


def report_page(data: dict[str, Any]) -> str:
    """The report as one HTML page, which needs nothing else."""
    spans, seconds = data["spans"], max(1.0, data["seconds"])
    plots = [
        plot(
            "Answers",
            "/s",
            seconds,
            [Line("answered", "one", [span["answeredPerSecond"] for span in spans])],
        ),
        plot(
            "Latency",
            "ms",
            seconds,
            [
                Line("p50", "one", [span["p50Ms"] for span in spans]),
                Line("p95", "two", [span["p95Ms"] for span in spans]),
                Line("p99", "three", [span["p99Ms"] for span in spans]),
            ],
        ),
        plot("Connected stations", "", seconds, [Line("connected", "one", _carried(spans))]),
    ]
    everything = data["all"]
    head = (
        f"{data['stations']} stations at {data['url']} for {shown_time(seconds)}: {everything['answered']} answers, "
        f"{everything['failed']} calls without one; p50 {everything['p50Ms']:g} ms, p99 {everything['p99Ms']:g} ms."
    )
    title = "A fleet's report"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(head)}</p>"
        + "".join(plots)
        + _table(data)
        + "</body></html>\n"
    )


def _carried(spans: list[dict[str, Any]]) -> list[float]:
    """How many were connected in each span: where nothing changed it is as before."""
    values: list[float] = []
    for span in spans:
        values.append(span["connected"] or (values[-1] if values else 0))
    return values


def _table(data: dict[str, Any]) -> str:
    rows = []
    for action, figures in data["actions"].items():
        failures = ", ".join(f"{escape(kind)} {count}" for kind, count in figures["failures"].items()) or "none"
        cells = [figures["answered"], *(f"{figures[key]:g}" for key in ("p50Ms", "p95Ms", "p99Ms", "maxMs")), failures]
        rows.append(f"<tr><td>{escape(action)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = ("Action", "Answers", "p50 ms", "p95 ms", "p99 ms", "Longest ms", "Failures")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
