"""What the simulated installer makes of an image."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ocppflow.endpoint import ManualClock
from ocppflow.station import CompleteStation
from ocppflow.station.installer import InstallFailed, SimulatedInstaller


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("station-2.5.1.bin", "2.5.1"),
        ("v1.0_to_2.0.tar.gz", "2.0"),
        ("3.0", "3.0"),
        ("firmware.bin", "firmware.bin"),
        ("x" * 99, "x" * 50),
    ],
)
async def test_an_image_without_a_head_has_the_version_of_its_name(tmp_path: Path, name: str, version: str) -> None:
    (tmp_path / "image").write_bytes(b"anything")
    assert await _install(tmp_path / "image", name) == version


async def test_a_head_says_the_version_and_what_follows_it(tmp_path: Path) -> None:
    rest = bytes(range(256)) * 4000
    head = f"ocppflow-firmware 4.2-rc1 sha256={hashlib.sha256(rest).hexdigest()}\r\n".encode()
    (tmp_path / "image").write_bytes(head + rest)
    assert await _install(tmp_path / "image", "station-1.0.bin") == "4.2-rc1"


@pytest.mark.parametrize("content", [b"", b"ocppflow-firmware 1.0 sha256=" + b"a" * 64 + b"\nrest"])
async def test_L01FR29_what_is_broken_is_not_installed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(InstallFailed) as failure:
        await _install(tmp_path / "image", "x")
    assert failure.value.status == "InstallVerificationFailed"


async def test_an_image_that_is_gone_cannot_be_installed(tmp_path: Path) -> None:
    with pytest.raises(InstallFailed, match="cannot be read") as failure:
        await _install(tmp_path / "none", "x")
    assert failure.value.status == "InstallationFailed"


async def _install(image: Path, name: str) -> str:
    station = CompleteStation("CS1", "ws://127.0.0.1:9/", clock=ManualClock())
    return await SimulatedInstaller(0.0).install(image, name, _Hurrying(station))  # type: ignore[arg-type]


class _Hurrying:
    """A station whose clock does not have to be moved."""

    def __init__(self, station: CompleteStation) -> None:
        self.clock = _Now()
        self.station = station


class _Now(ManualClock):
    def call_at(self, when: float, callback: object) -> object:  # type: ignore[override]
        callback()  # type: ignore[operator]
        return super().call_at(when, lambda: None)
