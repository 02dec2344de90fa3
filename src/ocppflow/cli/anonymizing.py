"""A trace without what says whose it is: each identity, token, serial number, address, URL and certificate gets a
stand-in, the same for the same value throughout the file, and valid where the value was."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from ocppflow.trace import TraceRecord

_TOKEN: Final = "TOKEN"  # noqa: S105 - a kind of value
_KIND_OF: Final[dict[str, str]] = {
    **dict.fromkeys(("idtag", "parentidtag", "idtoken", "customeridentifier", "evccid", "emaid", "vin"), _TOKEN),
    **dict.fromkeys(
        ("serialnumber", "chargepointserialnumber", "chargeboxserialnumber", "meterserialnumber", "meternumber"),
        "SERIAL",
    ),
    **dict.fromkeys(("iccid", "imsi"), "SIM"),
    **dict.fromkeys(
        (
            *("certificate", "certificatechain", "csr", "exirequest", "exiresponse", "ocspresult", "issuernamehash"),
            *("issuerkeyhash", "signedmeterdata", "publickey", "signingcertificate", "signature"),
            *("chargingstationcertificate", "v2gcertificatechain"),
        ),
        "CERTIFICATE",
    ),
    **dict.fromkeys(("ocppcsmsurl", "responderurl", "url", "ocspresponderurl", "webpaymenturl"), "URL"),
    **dict.fromkeys(("apn", "apnusername", "vpnserver", "vpnuser", "server", "username"), "NETWORK"),
    **dict.fromkeys(
        ("vatnumber", "email", "phone", "address1", "address2", "postalcode", "city", "pspref", "merchantid"), "PERSON"
    ),
    **dict.fromkeys(("identity", "chargepointid", "chargingstationid", "stationid", "basicauthusername"), "STATION"),
    **dict.fromkeys(("networkaddress", "ipaddress", "macaddress"), "ADDRESS"),
}
"""By the name of a field, a variable or a configuration key, in lower case without separators, what it holds."""

_HOLDERS: Final = ("attributeValue", "actualValue", "value")
"""Fields with the value of the variable or key that stands beside them."""

_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----[^-]{0,100000}-----END [A-Z0-9 ]{1,40}-----")
_URL: Final = re.compile(r"(?:wss|ws|https|http|ftps|sftp|ftp)://[^\x00-\x20\"'<>\\]{1,2000}")
_EMAIL: Final = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_MAC: Final = re.compile(r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b")
_IPV4: Final = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?![\w:])")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_SHORTEST: Final = 5
"""Characters of a value that is looked for in other texts: a shorter one is part of too much."""

_NOBODY: Final = frozenset({"", "***"})


class Anonymizer:
    """Stand-ins for one file. Every record has to be shown to :meth:`learn` before the first is rewritten, since a
    value may stand in a text before it stands in its field."""

    def __init__(self) -> None:
        self._stand_ins: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._anywhere: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, record: TraceRecord) -> None:
        """What there is."""
        self.rewritten(record)
        self._pattern = None

    def rewritten(self, record: TraceRecord) -> TraceRecord:
        """The record without."""
        return msgspec.structs.replace(
            record,
            identity=self._known("STATION", record.identity),
            address=self._text(record.address),
            note=self._text(record.note),
            data=self._data(record.data),
        )

    def _data(self, data: bytes) -> bytes:
        if not data:
            return data
        try:
            frame = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._text(data.decode("utf-8", "backslashreplace")).encode()
        if isinstance(frame, list) and len(frame) > 2:  # kind, id and action say nothing of anybody
            head = 3 if frame[0] in (2, 6) else 2
            return msgspec.json.encode([*frame[:head], *(self._value(each, "") for each in frame[head:])])
        return msgspec.json.encode(self._value(frame, ""))

    def _value(self, value: Any, kind: str) -> Any:
        if isinstance(value, dict):
            about = self._kind_beside(value) or kind
            return {
                name: self._value(each, about if name in _HOLDERS or name == "variableAttribute" else _kind_of(name))
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [self._value(each, kind) for each in value]
        if isinstance(value, str):
            return self._known(kind, value) if kind else self._text(value)
        return value

    def _kind_beside(self, value: dict[str, Any]) -> str:
        """What the variable (2.x) or the key (1.6) named in this object holds."""
        variable = value.get("variable")
        name = variable.get("name") if isinstance(variable, dict) else value.get("key")
        return _kind_of(name) if isinstance(name, str) else ""

    def _known(self, kind: str, value: str) -> str:
        if value in _NOBODY:
            return value
        if kind == "URL":
            return self._text(value) if "://" in value else self._stand_in("NETWORK", value)
        if kind == "ADDRESS":
            text = self._text(value)
            return text if text != value else self._stand_in("NETWORK", value)
        return self._stand_in(kind, value)

    def _stand_in(self, kind: str, value: str) -> str:
        found = self._stand_ins.get((kind, value))
        if found is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            found = self._stand_ins[kind, value] = _MADE[kind](number) if kind in _MADE else f"{kind}{number}"
            if len(value) >= _SHORTEST:
                self._anywhere.setdefault(value, found)
                self._pattern = None
        return found

    def _text(self, text: str) -> str:
        """A text for people, or of a vendor's own."""
        for kind, pattern in _IN_TEXTS:
            text = pattern.sub(lambda match, kind=kind: self._found(kind, match[0]), text)  # type: ignore[misc]
        if not self._anywhere:
            return text
        if self._pattern is None:
            longest_first = sorted(self._anywhere, key=len, reverse=True)
            self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        return self._pattern.sub(lambda match: self._anywhere[match[0]], text)

    def _found(self, kind: str, value: str) -> str:
        if value in self._stand_ins.values():
            return value
        if kind in ("IPV4", "IPV6"):
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                return value
            if address.is_unspecified or (kind == "IPV6" and ":" not in value[1:-1]):
                return value
        return self._stand_in(kind, value)


def _kind_of(name: str) -> str:
    return _KIND_OF.get(_SEPARATORS.sub("", name.lower()), "")


def _ipv4(number: int) -> str:
    """Of the ranges for examples (RFC 5737), and beyond them of those for tests (RFC 2544)."""
    ranges = ("192.0.2", "198.51.100", "203.0.113")
    block, last = divmod(number - 1, 254)
    return f"{ranges[block]}.{last + 1}" if block < len(ranges) else f"198.18.{block % 256}.{last + 1}"


_MADE: Final[dict[str, Callable[[int], str]]] = {
    "URL": lambda number: f"https://host{number}.example/",
    "IPV4": _ipv4,
    "IPV6": lambda number: f"2001:db8::{number:x}",
    "MAC": lambda number: ":".join(["02", *re.findall("..", f"{number:010x}")]),
    "EMAIL": lambda number: f"person{number}@example.com",
}
_IN_TEXTS: Final = (
    ("CERTIFICATE", _PEM),
    ("URL", _URL),
    ("EMAIL", _EMAIL),
    ("MAC", _MAC),
    ("IPV4", _IPV4),
    ("IPV6", _IPV6),
)


def anonymized(records: Iterable[TraceRecord]) -> Iterator[TraceRecord]:
    """All records, without what says whose they are."""
    everything = list(records)
    anonymizer = Anonymizer()
    for record in everything:
        anonymizer.learn(record)
    return map(anonymizer.rewritten, everything)
