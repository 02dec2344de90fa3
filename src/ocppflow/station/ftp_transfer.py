"""Files over FTP and FTPS (explicit TLS), in passive mode; see ``transfers.py``."""

from __future__ import annotations

import ftplib
import io
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote

from ocppflow.errors import OCPPError
from ocppflow.station.transfers import CHUNK, FileTarget, Progress, TransferFailed, TransferFault, TransferJob

_DENIED: Final = frozenset({"530", "532", "550", "553"})
_NOT_SUPPORTED: Final = frozenset({"500", "501", "502", "503", "504", "534"})


def download(job: TransferJob, target: FileTarget, take: Callable[[bytes], None], progress: Progress) -> None:
    """RETR it. Raises TransferFailed."""
    with _session(job, target) as ftp:
        path = _path(target)
        ftp.voidcmd("TYPE I")
        try:
            progress.total = ftp.size(path)
        except ftplib.Error:
            progress.total = None  # not every server tells
        ftp.retrbinary(f"RETR {path}", take, CHUNK)
        if progress.total is not None and progress.done < progress.total:
            raise TransferFailed(f"{target.shown} was cut off after {progress.done:,} of {progress.total:,} bytes")


def upload(job: TransferJob, target: FileTarget, name: str, content: bytes) -> None:
    """STOR it: into the directory that the URL names, or as the file that it names. Raises TransferFailed."""
    with _session(job, target) as ftp:
        path = _path(target)
        if path.endswith("/") or not path or _is_directory(ftp, path):
            path = posixpath.join(path, name)
        ftp.storbinary(f"STOR {path}", io.BytesIO(content), CHUNK, lambda _: job.go_on())


def _is_directory(ftp: ftplib.FTP, path: str) -> bool:
    here = ftp.pwd()
    try:
        ftp.cwd(path)
    except ftplib.error_perm:
        return False
    ftp.cwd(here)
    return True


def _path(target: FileTarget) -> str:
    """Seen from the directory in which the user is after the login (RFC 1738, 3.2.2)."""
    return unquote(target.parts.path).removeprefix("/")


@contextmanager
def _session(job: TransferJob, target: FileTarget) -> Iterator[ftplib.FTP]:
    ftp = _client(target)
    try:
        ftp.connect(target.host, target.port)
        job.watch(ftp.sock)
        ftp.login(target.user or "", target.password)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        yield ftp
        ftp.quit()
    except OCPPError:
        raise
    except ftplib.error_perm as exc:
        raise TransferFailed(f"{target.shown} was refused: {exc}", _fault(str(exc)[:3])) from exc
    except (OSError, EOFError, ftplib.Error, ValueError) as exc:
        job.go_on()  # rather the reason why the socket broke
        raise TransferFailed(f"{target.shown} failed: {exc or type(exc).__name__}") from exc
    finally:
        ftp.close()


def _client(target: FileTarget) -> ftplib.FTP:
    """FTP is what the standard has files sent over (L01, N01); whether it is secured, the CSMS decides by the URL."""
    if target.parts.scheme.lower() == "ftps":
        return ftplib.FTP_TLS(timeout=target.timeout, context=target.tls())  # noqa: S321
    return ftplib.FTP(timeout=target.timeout)  # noqa: S321


def _fault(code: str) -> TransferFault:
    if code in _DENIED:
        return TransferFault.DENIED
    return TransferFault.NOT_SUPPORTED if code in _NOT_SUPPORTED else TransferFault.FAILED
