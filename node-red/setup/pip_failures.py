"""What pip says when it fails, as one sentence for people."""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from pathlib import Path


class Problem(Exception):
    """What keeps the engine from being set up: ``status`` for the status of a node, the text for the log. ``reason``
    is the part of the text that says why."""

    def __init__(self, status: str, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason or text


KINDS = (
    # the first that fits counts: a proxy that refuses is told as a lost connection, too
    ("disk full", r"No space left on device|ENOSPC", "the disk is full"),
    (
        "wrong file",
        r"THESE PACKAGES DO NOT MATCH THE HASHES",
        "the package index serves another file than the one that this package was made with",
    ),
    (
        "index refused",
        r"\b(40[137]) (?:Client Error|Proxy Authentication|Unauthorized|Forbidden)|Tunnel connection failed: (40\d)",
        "the package index, or a proxy before it, refuses access",
    ),
    (
        "certificate refused",
        r"CERTIFICATE_VERIFY_FAILED|SSLError|certificate verify failed",
        "the certificate of the package index is not trusted here (PIP_CERT names one that is)",
    ),
    (
        "index error",
        r"\b5\d\d Server Error|too many 5\d\d error responses",
        "the package index answers with an error of its own; later it may not",
    ),
    (
        "no network",
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ConnectionReset|ConnectionRefused|"
        r"Max retries exceeded|Connection (?:refused|reset|timed out)|connection error|ProxyError|timed out|"
        r"Network is unreachable|Temporary failure in name resolution|Connection to .* failed",
        "no network: the package index cannot be reached",
    ),
    (
        "index refused",
        r"not a trusted or secure host",
        "pip does not use the package index, because it is not served over https (PIP_TRUSTED_HOST allows it)",
    ),
    (
        "no wheel",
        r"Failed (?:to build|building wheel)|command '.*(?:gcc|cc|clang)|Microsoft Visual C\+\+|"
        r"Python\.h: No such file",
        "there is no ready-made wheel for this platform, and it could not be compiled",
    ),
    ("no index", r"^no index$", "the use of a package index is switched off (PIP_NO_INDEX)"),
    ("no wheel", r"No matching distribution found", "the package index has no wheel for this platform"),
)


def why_pip_failed(said: str, requirements: list[str], folder: Path) -> Problem:
    """The problem that ``said``, all that pip wrote, tells of; ``folder`` is where wheels can be put by hand."""
    status, reason = "engine setup failed", _last(said)
    if os.environ.get("PIP_NO_INDEX", "") not in ("", "0", "false", "no"):
        said += "\nno index"  # pip does not say so itself
    for name, pattern, words in KINDS:
        if re.search(pattern, said, re.MULTILINE):
            status, reason = name, words
            break
    text = f"{' and '.join(requirements)} could not be installed: {reason}"
    if status in ("disk full", "engine setup failed"):
        return Problem(status, text, reason)
    return Problem(status, f"{text}. {_recipe(requirements, folder)}", reason)


def _recipe(requirements: list[str], folder: Path) -> str:
    """How to bring wheels to a machine without network."""
    version = "{}.{}".format(*sys.version_info)
    wanted = " ".join(f'"{each}"' for each in requirements)
    return (
        f"Without network here, run on a machine that has it: python3 -m pip download --only-binary :all: --no-deps "
        f"--python-version {version} --platform {platform_tag()} -d wheels {wanted} - then copy the files to {folder} "
        "and deploy again"
    )


def platform_tag() -> str:
    """This platform, as the names of wheels say it."""
    tag = re.sub(r"[.-]", "_", sysconfig.get_platform())
    if not tag.startswith("linux_"):
        return tag
    machine = tag.removeprefix("linux_")
    # Python tells no version of musl; 1.2 is what every Alpine since 3.13 has.
    family = "manylinux2014" if platform.libc_ver()[0] == "glibc" else "musllinux_1_2"
    return f"{family}_{machine}"


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("[notice]")]
    return lines[-1] if lines else "pip said nothing"
