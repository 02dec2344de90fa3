"""The errors of ocppflow.

::

    OCPPError
    ├── CallError                     what went, or goes, over the wire as a CALLERROR (a handler raises it to refuse)
    │   ├── FormatViolation               payload syntactically incorrect  (1.6 spells it FormationViolation)
    │   ├── GenericError                  none of the others
    │   ├── InternalError                 the receiver failed
    │   ├── MessageTypeNotSupported       unknown message type number      (not in 1.6)
    │   ├── NotImplemented_               the action is unknown            (wire: NotImplemented)
    │   ├── NotSupported                  the action is known, but not supported here
    │   ├── OccurrenceConstraintViolation a field is missing, or occurs too often
    │   ├── PropertyConstraintViolation   a field holds a forbidden value
    │   ├── ProtocolError                 the payload is not what the action asks for
    │   ├── RpcFrameworkError             not a readable call at all       (not in 1.6)
    │   ├── SecurityError                 refused for security reasons
    │   └── TypeConstraintViolation       a field has the wrong data type
    ├── LocalError                    a mistake on this side; nothing was sent
    │   ├── InvalidMessage                the schema forbids this message  (also a ValueError)
    │   ├── UnknownAction                 no such action in this version, or not this side's to send (also a ValueError)
    │   ├── InvalidMessageId              too long, empty, or in progress  (also a ValueError)
    │   ├── NotConnected                  no such station, or no connection now
    │   ├── QueueFull                     too many calls wait already
    │   ├── Expired                       an answer that comes too late, or a second time
    │   └── ConfigurationError            a setting makes no sense         (also a ValueError)
    └── RemoteError                   what the peer, or the way to it, did to a call of ours
        ├── CallTimeout                   no answer in time                (also a TimeoutError)
        ├── ConnectionLost                the connection ended before the answer (also a ConnectionError)
        ├── ConnectionRefused             the peer did not let us in       (also a ConnectionError)
        ├── InvalidResponse               the answer breaks the schema
        └── RemoteCallError               the answer is a CALLERROR

A :class:`RemoteCallError` is not a :class:`CallError`: a handler that lets the error of its own call escape must not
have it passed on to a third party as if it were its own answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ocppflow.plain_text import SHOWN_TEXT, one_line
from ocppflow.secrecy.blotting import text_without_secrets
from ocppflow.secrecy.secret_texts import STARS

if TYPE_CHECKING:
    from ocppflow.messages.violation import Violation


class OCPPError(Exception):
    """Root of everything ocppflow raises on purpose.

    ``str()`` of each is one line that is fit for any terminal or log, whatever a peer has put into it: what cannot be
    printed is escaped, and secrets are hidden. Attributes keep what came as it came.
    """

    def __str__(self) -> str:
        return one_line(text_without_secrets(super().__str__()))


class CallError(OCPPError):
    """A CALLERROR: what went, or goes, over the wire instead of a response.

    ``code`` is spelled as in OCPP 2.x whatever the version of the connection (``rpc.codes`` spells it for the wire);
    a code that is not the standard's is kept as it is. ``description`` is cut to 255 characters on sending.
    A subclass of your own stays yours: what comes from a peer is always one of the standard's, or a plain CallError.
    Source: OCPP-J 2.0.1 Part 4, 4.2.3 and 4.3.
    """

    code: str = "GenericError"
    _concealed: tuple[str, ...] = ()

    def __init__(
        self, description: str = "", details: Mapping[str, Any] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(text_without_secrets(str(description)))
        if code is not None:
            self.code = code
        self.description = description
        self.details: dict[str, Any] = dict(details or {})

    def _conceal(self, secrets: tuple[str, ...]) -> None:
        """The peer was told these ``secrets``, so its text may quote them."""
        if secrets:
            self._concealed = secrets
            self.args = (_without(text_without_secrets(str(self.description)), secrets),)

    def __str__(self) -> str:
        """Without the secrets that a peer may have quoted; ``description`` and ``details`` have them as they came."""
        said = _without(text_without_secrets(str(self.description)), self._concealed) if self.description else ""
        return one_line(f"{self.code}: {said}" if said else self.code, SHOWN_TEXT)

    @staticmethod
    def of(code: str, description: str = "", details: Mapping[str, Any] | None = None) -> CallError:
        """The error for a wire ``code``: the subclass where the standard knows the code, else a plain CallError."""
        cls = _BY_CODE.get(code)
        return cls(description, details) if cls else CallError(description, details, code=code)


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, STARS)
    return text


class FormatViolation(CallError):
    """Payload for the action is syntactically incorrect."""

    code = "FormatViolation"


class GenericError(CallError):
    """Any error that no other code covers."""

    code = "GenericError"


class InternalError(CallError):
    """The receiver failed while it processed the call."""

    code = "InternalError"


class MessageTypeNotSupported(CallError):
    """The message type number is unknown to the receiver."""

    code = "MessageTypeNotSupported"


class NotImplemented_(CallError):  # noqa: N801 - the standard's name is the builtin's
    """The action is not known."""

    code = "NotImplemented"


class NotSupported(CallError):
    """The action is known, but not supported here."""

    code = "NotSupported"


class OccurrenceConstraintViolation(CallError):
    """A field is missing that must be there, or occurs too often or too seldom."""

    code = "OccurrenceConstraintViolation"


class PropertyConstraintViolation(CallError):
    """A field holds a value that is not allowed."""

    code = "PropertyConstraintViolation"


class ProtocolError(CallError):
    """The payload does not have the structure that the action asks for."""

    code = "ProtocolError"


class RpcFrameworkError(CallError):
    """Not a valid RPC request, for instance because its message id cannot be read."""

    code = "RpcFrameworkError"


class SecurityError(CallError):
    """Refused for a security reason."""

    code = "SecurityError"


class TypeConstraintViolation(CallError):
    """A field has the wrong data type."""

    code = "TypeConstraintViolation"


_BY_CODE: Final[dict[str, type[CallError]]] = {
    kind.code: kind
    for kind in (
        FormatViolation,
        GenericError,
        InternalError,
        MessageTypeNotSupported,
        NotImplemented_,
        NotSupported,
        OccurrenceConstraintViolation,
        PropertyConstraintViolation,
        ProtocolError,
        RpcFrameworkError,
        SecurityError,
        TypeConstraintViolation,
    )
}
"""The codes of OCPP 2.x, and what they are here."""


class LocalError(OCPPError):
    """A mistake on this side. Nothing was sent."""


class InvalidMessage(LocalError, ValueError):
    """A message that the schema forbids, found before it was sent.

    ``code`` is the error code that a receiver would answer with, ``path`` the field in JSON-path form
    (``$.idToken.type``); both are those of the first fault. ``violations`` lists everything that is wrong, where the
    message could be read at all.
    """

    def __init__(
        self, text: str, *, code: str = "FormatViolation", path: str = "$", violations: tuple[Violation, ...] = ()
    ) -> None:
        super().__init__(text)
        self.code = code
        self.path = path
        self.violations = violations


class UnknownAction(LocalError, ValueError):
    """No such action in this version, or not one that this side may send."""


class InvalidMessageId(LocalError, ValueError):
    """A message id that is empty, longer than 36 characters, or in progress."""


class NotConnected(LocalError):
    """There is no connection to send on."""


class QueueFull(LocalError):
    """Too many calls wait for their turn on this connection."""


class Expired(LocalError):
    """An answer given too late, or a second time."""


class ConfigurationError(LocalError, ValueError):
    """A setting that makes no sense; the text names it and says what would."""


class RemoteError(OCPPError):
    """What the peer, or the way to it, did to a call of ours."""


class CallTimeout(RemoteError, TimeoutError):
    """No answer came in time."""


class ConnectionLost(RemoteError, ConnectionError):
    """The connection ended before the answer came."""


class ConnectionRefused(RemoteError, ConnectionError):
    """The peer did not let us in, or could not be reached.

    ``reason`` says what to check, in the words of ``str()``; ``status`` is the HTTP status if one came. ``retry_after``
    is how many seconds the peer asked us to wait, None if it did not. ``tls`` tells that TLS failed, ``tls_fault`` what
    was wrong with the peer's: its ``"certificate"``, ``"version"`` or ``"ciphers"``, so that a station reports the
    security event for it (2.0.1 Part 2, A00.FR.310, .316, .323); empty for anything else.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        tls: bool = False,
        tls_fault: str = "",
    ) -> None:
        self.reason = one_line(text_without_secrets(reason))
        super().__init__(self.reason)
        self.status = status
        self.retry_after = retry_after
        self.tls = tls
        self.tls_fault = tls_fault


class InvalidResponse(RemoteError):
    """The peer answered with something that cannot be used. ``path`` names the field, ``violations`` has all that the
    schema forbids, ``raw`` is what came: the payload, or the whole frame if there is none to be found in it."""

    def __init__(
        self,
        text: str,
        *,
        code: str = "FormatViolation",
        path: str = "$",
        raw: bytes = b"",
        violations: tuple[Violation, ...] = (),
    ) -> None:
        super().__init__(text)
        self.code = code
        self.path = path
        self.raw = raw
        self.violations = violations


class RemoteCallError(RemoteError):
    """The peer answered a call of ours with a CALLERROR. ``wire_code`` is the code as it came, spelling and all."""

    def __init__(self, action: str, error: CallError, *, wire_code: str = "") -> None:
        super().__init__(f"{action}: {error}")
        self.action = action
        self.error = error
        self.wire_code = wire_code or error.code

    @property
    def code(self) -> str:
        """The error code in 2.x spelling."""
        return self.error.code

    @property
    def description(self) -> str:
        """What the peer says went wrong; may be empty."""
        return self.error.description

    @property
    def details(self) -> dict[str, Any]:
        """The peer's errorDetails object."""
        return self.error.details
