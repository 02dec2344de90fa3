"""Every public object says what it is and how it stands, and no secret."""

from __future__ import annotations

from pathlib import Path

import ocppflow
from ocppflow import (
    Backoff,
    FetchedPasswords,
    Handshake,
    HashedPasswords,
    KeyPair,
    PlainPasswords,
    StationFile,
    TraceFile,
    hash_password,
)

SECRET = "marker-of-a-secret-1"


def test_no_public_class_has_the_repr_of_any_object() -> None:
    public = (getattr(ocppflow, name) for name in ocppflow.__all__)
    classes = [each for each in public if isinstance(each, type) and not getattr(each, "_is_protocol", False)]
    assert len(classes) > 30
    assert [each.__name__ for each in classes if each.__repr__ is object.__repr__] == []


async def _fetch(identity: str) -> str | None:
    return SECRET


def test_what_holds_secrets_shows_none(tmp_path: Path) -> None:
    stored = hash_password(SECRET)
    shown = [
        repr(PlainPasswords({"CS1": SECRET})),
        repr(HashedPasswords({"CS1": stored})),
        repr(FetchedPasswords(_fetch)),
        repr(KeyPair("server.pem", "server.key", password=SECRET)),
        repr(Handshake("CS1", password=SECRET.encode(), headers={"authorization": SECRET})),
    ]
    assert shown[:3] == ["<PlainPasswords of 1>", "<HashedPasswords of 1>", "<FetchedPasswords by _fetch>"]
    assert not any(SECRET in each or stored in each for each in shown)


def test_the_others_show_their_state(tmp_path: Path) -> None:
    backoff = Backoff(1, 0, 2)
    backoff.next()
    assert repr(backoff) == "<Backoff(1, 0, 2), 1 attempt>"
    assert repr(StationFile(tmp_path / "s")) == f"<StationFile {tmp_path / 's'}>"
    with TraceFile(tmp_path / "t") as trace:
        assert repr(trace) == f"<TraceFile {tmp_path / 't'}>"
    assert repr(trace) == f"<TraceFile {tmp_path / 't'} closed>"
