"""``ocppflow version``"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from ocppflow.messages import Version


def version() -> None:
    """Show what is installed, and the versions of OCPP."""
    python = f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()})"
    lines = {
        "ocppflow": installed("ocppflow"),
        "Python": python,
        "msgspec": installed("msgspec"),
        "websockets": installed("websockets"),
        "uvloop": _optional("uvloop"),
        "OCPP": ", ".join("1.6-J" if each is Version.V16 else each.value for each in Version),
    }
    for name, value in lines.items():
        print(f"{name:<11}{value}")


def _optional(package: str) -> str:
    try:
        return installed(package)
    except PackageNotFoundError:
        return "not installed; pip install 'ocppflow[fast]' makes a CSMS faster"
