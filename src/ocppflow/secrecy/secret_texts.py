"""Secrets in prose: in the description of an error, in a URL, in whatever text a peer writes."""

from __future__ import annotations

import re
from typing import Final

from ocppflow.secrecy.secret_names import is_secret

STARS: Final = "***"
"""What stands in a secret's place."""

_URL: Final = re.compile(r"(?<=://)[^\s\"'<>\\]++")
_PLAIN_AUTHORITY: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]*+\]|[^:@]*+)(?>(?::\d{0,5}+)?)")
_AFTER_AUTHORITY: Final = re.compile(r"[/?#]")

_QUOTED: Final = r'"(?:[^"\\]|\\.|)*+"?+|(?<!\w)\'(?:[^\'\\]|\\.|)*+\'?+'
_NAME: Final = r"(?<![\w.-])[A-Za-z][\w.-]{0,63}+"
_PAIR: Final = re.compile(
    rf"({_NAME})([\"']?+\s{{0,3}}+[=:>]\s{{0,3}}+)({_QUOTED}|[^\s,;&<>\"'()\[\]{{}}]++)", re.DOTALL | re.ASCII
)
"""``password=x``, ``"password": "x"``, ``<password>x``."""
_HEADER: Final = re.compile(r"((?i:authorization)[\"']?+\s{0,3}+[=:]\s{0,3}+[\"']?+)([^\r\n\"']++)")
_IN_QUOTES: Final = re.compile(_QUOTED, re.DOTALL | re.ASCII)
_A_WORD: Final = re.compile(r"[A-Za-z][\w.-]*+", re.ASCII)

_VALUES: Final = frozenset({"value", "attributevalue", "actualvalue", "newvalue", "got", "instance"})
"""Names that stand before a secret where the secret's own name stands elsewhere in the text."""
_PROSE: Final = frozenset(
    {
        "a",
        "an",
        "at",
        "cannot",
        "contains",
        "does",
        "expected",
        "has",
        "invalid",
        "is",
        "it",
        "may",
        "must",
        "no",
        "not",
        "of",
        "only",
        "out",
        "required",
        "should",
        "the",
        "there",
        "this",
        "too",
        "was",
        "with",
        "wrong",
    }
)
"""Words that go on with a sentence: after ``apnPassword: `` follows what is wrong, not the password."""


def speaks_of_a_secret(text: str) -> bool:
    """Whether the name of a secret stands in it."""
    return any(is_secret(word) for word in _A_WORD.findall(text))


def prose_without_secrets(text: str, about_a_secret: bool) -> str:
    """``text`` without private keys and the credentials of URLs and of HTTP. One that is ``about_a_secret`` loses what
    a secret's name introduces, too, and what stands in quotation marks."""
    text = _without_pem(text)
    if "://" in text:
        text = _URL.sub(lambda url: _without_credentials(url[0]), text)
    text = _HEADER.sub(rf"\1{STARS}", text)
    return _IN_QUOTES.sub(_quoted, _PAIR.sub(_pair, text)) if about_a_secret else text


def passwords_of_urls(text: str) -> list[str]:
    """The passwords in URLs; of one without a user, all that stands before the host."""
    before = [url.rpartition("@")[0] for url in _URL.findall(text)]
    return [each.partition(":")[2] or each for each in before if each]


def _without_pem(text: str) -> str:
    """A private key goes, whether or not its end is there."""
    before, *pieces = text.split("PRIVATE KEY-----")
    whole = [before]
    for piece in pieces:
        begins = "-----BEGIN" in before[-30:]
        rest = piece[end:] if begins and (end := piece.find("-----END")) >= 0 else "" if begins else piece
        whole.append(f"PRIVATE KEY-----{STARS if begins else ''}{rest}")
        before = piece
    return "".join(whole)


def _without_credentials(url: str) -> str:
    """A URL, from its authority on, without what stands before the host. A password that holds an unescaped ``/`` is
    not part of the authority, but must not be seen either; nor one of a URL that was cut before its ``@``."""
    authority = _AFTER_AUTHORITY.split(url, maxsplit=1)[0]
    if "@" in authority:
        return f"{STARS}@{url.rpartition('@')[2]}"
    if _PLAIN_AUTHORITY.fullmatch(authority):
        return url
    return f"{STARS}@{url.rpartition('@')[2]}" if "@" in url else STARS


def _pair(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    if not is_secret(name) and name.replace("_", "").lower() not in _VALUES:
        return found[0]
    if ":" in between and value.lower().rstrip(".") in _PROSE:
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{name}{between}{quote}{STARS}{quote}"


def _quoted(found: re.Match[str]) -> str:
    quote, inner = found[0][0], found[0][1:].rstrip(found[0][0])
    return found[0] if not inner or is_secret(inner) else f"{quote}{STARS}{quote}"
