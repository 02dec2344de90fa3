"""The states of a firmware update, and which may follow which (Part 2, L01, figure "Firmware status transitions")."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ocppflow.messages.v21 import FirmwareStatusEnumType

_BEGIN: Final = frozenset[FirmwareStatusEnumType]({"DownloadScheduled", "Downloading"})

NEXT_FIRMWARE_STATUS: Final[Mapping[FirmwareStatusEnumType, frozenset[FirmwareStatusEnumType]]] = MappingProxyType(
    {
        "Idle": _BEGIN,
        "DownloadScheduled": frozenset({"Downloading"}),
        "Downloading": frozenset({"DownloadPaused", "Downloaded", "DownloadFailed"}),
        "DownloadPaused": frozenset({"Downloading"}),
        "Downloaded": frozenset({"SignatureVerified", "InvalidSignature", "InstallScheduled", "Installing"}),
        "SignatureVerified": frozenset({"InstallScheduled", "Installing"}),
        "InstallScheduled": frozenset({"Installing"}),
        "Installing": frozenset({"InstallRebooting", "InstallationFailed", "InstallVerificationFailed"}),
        "InstallRebooting": frozenset({"Installed"}),
        # The ends, after which only a new update begins.
        "Installed": _BEGIN,
        "DownloadFailed": _BEGIN,
        "InvalidSignature": _BEGIN,
        "InstallationFailed": _BEGIN,
        "InstallVerificationFailed": _BEGIN,
    }
)
"""Downloaded goes straight to the installation where no signature is asked for (L02). What a power cut has interrupted
begins again in the state in which it was; an image that is lost by then is downloaded again (:data:`LOST_IMAGE`). A new
request begins anew from any state but InstallRebooting (L01.FR.24)."""

ENDS: Final[frozenset[FirmwareStatusEnumType]] = frozenset(
    {"Idle", "Installed", "DownloadFailed", "InvalidSignature", "InstallationFailed", "InstallVerificationFailed"}
)

LOST_IMAGE: Final[frozenset[FirmwareStatusEnumType]] = frozenset(
    {"Downloaded", "SignatureVerified", "InstallScheduled", "Installing"}
)
"""Where there must be an image; if it is gone after a power cut, the update goes back to Downloading."""

NOT_CANCELLED: Final[FirmwareStatusEnumType] = "InstallRebooting"
"""Where a new request is rejected (L01.FR.27): the new firmware is about to boot."""
