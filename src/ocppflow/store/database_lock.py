"""An SQLite database belongs to one CSMS at a time."""

from __future__ import annotations

from pathlib import Path

from ocppflow.errors import ConfigurationError
from ocppflow.process_lock import HeldElsewhere, ProcessLock


def lock_database(file: Path) -> ProcessLock:
    """Keep other CSMSs away; backup, export and pruning go on beside it. Raises ConfigurationError if one has it."""
    try:
        return ProcessLock(file)
    except HeldElsewhere:
        raise ConfigurationError(f"{file} is in use by another CSMS: end it, or name another directory") from None
