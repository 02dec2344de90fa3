"""N02 to N08, monitoring: monitors of variables, and the events that they make."""

from ocppflow.station.blocks.monitoring.monitoring_block import Monitoring
from ocppflow.station.blocks.monitoring.monitoring_messages import monitoring

__all__ = ["Monitoring", "monitoring"]
