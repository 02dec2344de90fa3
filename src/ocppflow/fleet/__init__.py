"""Many complete stations in one process, which measure the CSMS they talk to."""

from ocppflow.fleet.arrivals import Arrivals, read_arrivals, read_seconds
from ocppflow.fleet.figures import Figures
from ocppflow.fleet.fleet import Fleet, FleetPlan
from ocppflow.fleet.fleet_report import report_data, report_page
from ocppflow.fleet.fleet_station import FleetStation

__all__ = [
    "Arrivals",
    "Figures",
    "Fleet",
    "FleetPlan",
    "FleetStation",
    "read_arrivals",
    "read_seconds",
    "report_data",
    "report_page",
]
