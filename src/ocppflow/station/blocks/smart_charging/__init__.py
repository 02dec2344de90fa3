"""K, Smart charging: charging profiles, the limits that follow from them, and what becomes of them at the EVSEs.

Not supported: schedules that an EV negotiates over ISO 15118 (K15 to K20), and feeding back (Q).
"""

from ocppflow.station.blocks.smart_charging.charging_block import SmartCharging
from ocppflow.station.blocks.smart_charging.charging_handlers import smart_charging

__all__ = ["SmartCharging", "smart_charging"]
