"""How far an update of the firmware or an upload of diagnostics is, in the words of 1.6 without the extension."""

from __future__ import annotations

from typing import Final

from ocppflow.messages import v16, v21

UNSIGNED: Final = -(2**31)
"""The requestId of an update of firmware that 1.6 itself asked for, which has none: its progress is told by
FirmwareStatusNotification instead of SignedFirmwareStatusNotification."""

DIAGNOSTICS: Final = -(2**31)
"""As UNSIGNED, of GetDiagnostics: its progress is told by DiagnosticsStatusNotification."""

FIRMWARE_STEPS: Final[dict[v21.FirmwareStatusEnumType, v16.FirmwareStatus]] = {
    "Downloaded": "Downloaded",
    "DownloadFailed": "DownloadFailed",
    "Downloading": "Downloading",
    "Idle": "Idle",
    "InstallationFailed": "InstallationFailed",
    "InstallVerificationFailed": "InstallationFailed",
    "Installing": "Installing",
    "Installed": "Installed",
}
"""The steps that 1.6 has a word for; the others are not told when they come."""

_BETWEEN: Final[dict[v21.FirmwareStatusEnumType, v16.FirmwareStatus]] = {
    "DownloadScheduled": "Idle",
    "DownloadPaused": "Downloading",
    "InvalidSignature": "InstallationFailed",
    "InstallRebooting": "Installing",
    "InstallScheduled": "Downloaded",
    "SignatureVerified": "Downloaded",
}

UPLOAD_STEPS: Final[dict[v21.UploadLogStatusEnumType, v16.DiagnosticsStatus]] = {
    "Idle": "Idle",
    "Uploading": "Uploading",
    "Uploaded": "Uploaded",
}
"""The rest of it is a failure."""


def firmware_status_16(status: v21.FirmwareStatusEnumType) -> v16.FirmwareStatus:
    """What comes nearest to a status, for a CSMS that has asked for it (5.17)."""
    return FIRMWARE_STEPS.get(status) or _BETWEEN.get(status, "InstallationFailed")
