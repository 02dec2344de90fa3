"""What the tool answers where a case says nothing: it fits the schema, whatever a station may ask in any version."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocppflow.check.heard import Heard
from ocppflow.check.usual_answers import usual_answer
from ocppflow.messages import Role, Version, actions
from ocppflow.messages.codec import validate

_ASKED = [
    (version, name)
    for version in Version
    for name, info in actions(version).items()
    if info.sent_by(Role.CS) and info.response is not None
]

_HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
_PAYLOAD = {
    "idToken": {},
    "vatNumber": "NL1",
    "certificateStatusRequests": [{"certificateHashData": _HASHES, "source": "OCSP", "urls": ["http://x"]}],
}
"""What some answers take up."""


@pytest.mark.parametrize(("version", "action"), _ASKED)
def test_the_usual_answer_fits_the_schema(version: Version, action: str) -> None:
    heard = cast(Heard[Any], SimpleNamespace(action=action, payload=_PAYLOAD))
    answer = usual_answer(heard, version, datetime(2026, 1, 1, tzinfo=UTC), 300)
    validate(version, action, "response", answer)
