"""Files over HTTP and FTP, against real servers."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from file_servers import HTTPFiles, ftp_files
from hypothesis import given
from hypothesis import strategies as st
from tests.self_signed import self_signed

from ocppflow.station.transfers import NetworkTransfer, Progress, TransferFailed, TransferFault, checked_url

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def http() -> Iterator[HTTPFiles]:
    with HTTPFiles() as server:
        yield server


async def _fetch(url: str, folder: Path, **settings: int) -> bytes:
    transfer = NetworkTransfer(**settings)
    file, progress = folder / "image", Progress()
    try:
        fetched = await transfer.download(url, file, progress)
    except TransferFailed:
        assert not file.exists()
        raise
    content = file.read_bytes()
    assert fetched == (len(content), hashlib.sha256(content).digest()) == await transfer.digest(file)
    assert progress.done == len(content)
    return content


async def test_L01FR01_a_file_comes_over_http(http: HTTPFiles, tmp_path: Path) -> None:
    http.files["/fw/image.bin"] = CONTENT
    assert await _fetch(http.url("/fw/image.bin"), tmp_path) == CONTENT
    assert http.requests[0][2].get("Authorization") is None


async def test_credentials_of_the_url_are_shown_to_its_host_alone(http: HTTPFiles, tmp_path: Path) -> None:
    with HTTPFiles() as other:
        other.files["/b"] = b"elsewhere"

        def away(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", other.url("/b"))
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        http.answers["GET /a"] = away
        assert await _fetch(http.url("/a", user="user:s%C3%A4cret"), tmp_path) == b"elsewhere"
        assert http.requests[0][2]["Authorization"] == "Basic dXNlcjpzw6RjcmV0"
        assert "Authorization" not in other.requests[0][2]


async def test_a_redirection_does_not_lead_to_the_disk(http: HTTPFiles, tmp_path: Path) -> None:
    def away(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(301)
        handler.send_header("Location", "file:///etc/passwd")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    http.answers["GET /a"] = away
    with pytest.raises(TransferFailed, match="not one of"):
        await _fetch(http.url("/a"), tmp_path)


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_N01FR30_an_upload_follows_no_redirection(http: HTTPFiles, status: int) -> None:
    def away(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", http.url("/elsewhere"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    http.answers["PUT /a"] = away
    with pytest.raises(TransferFailed, match=f"HTTP {status}") as failure:
        await NetworkTransfer().upload(http.url("/a"), "a.log", b"x")
    assert failure.value.fault is TransferFault.FAILED
    assert http.files == {}


async def test_what_is_larger_than_allowed_is_not_taken(http: HTTPFiles, tmp_path: Path) -> None:
    http.files["/a"] = CONTENT
    with pytest.raises(TransferFailed, match="more than 100,000 bytes"):
        await _fetch(http.url("/a"), tmp_path, max_size=100_000)


async def test_what_is_cut_off_is_not_taken_for_the_whole(http: HTTPFiles, tmp_path: Path) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 500)
        handler.close_connection = True

    http.answers["GET /a"] = half
    with pytest.raises(TransferFailed):
        await _fetch(http.url("/a"), tmp_path)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(404, "UploadFailure"), (403, "PermissionDenied"), (401, "PermissionDenied"), (400, "BadMessage")],
)
async def test_N01FR10_a_refusal_is_told_by_its_kind(http: HTTPFiles, status: int, fault: str) -> None:
    http.answers["PUT /logs/a.log"] = status
    with pytest.raises(TransferFailed, match=f"HTTP {status}") as failure:
        await NetworkTransfer().upload(http.url("/logs/"), "a.log", b"x")
    assert failure.value.fault.value == fault


async def test_N01FR21_the_name_goes_behind_a_slash(http: HTTPFiles) -> None:
    await NetworkTransfer().upload(http.url("/logs/"), "a.log", CONTENT)
    await NetworkTransfer().upload(http.url("/logs/upload?id=7"), "a.log", b"2")
    assert http.files == {"/logs/a.log": CONTENT, "/logs/upload?id=7": b"2"}


async def test_N01FR18_N01FR19_who_takes_no_PUT_is_asked_by_POST(http: HTTPFiles) -> None:
    http.answers["PUT /upload"] = 405
    await NetworkTransfer().upload(http.url("/upload"), "a.log", b"x")
    method, path, headers = http.requests[-1]
    assert (method, path) == ("POST", "/upload")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'form-data; name="uploadfile"; filename="a.log"'
    assert http.files == {"/upload": b"x"}


async def test_N01FR10_who_takes_neither_does_not_support_it(http: HTTPFiles) -> None:
    http.answers |= {"PUT /upload": 405, "POST /upload": 501}
    with pytest.raises(TransferFailed) as failure:
        await NetworkTransfer().upload(http.url("/upload"), "a.log", b"x")
    assert failure.value.fault is TransferFault.NOT_SUPPORTED


async def test_nobody_listens(tmp_path: Path) -> None:
    with HTTPFiles() as server:
        url = server.url("/a")
    with pytest.raises(TransferFailed, match="refused"):
        await _fetch(url, tmp_path)


async def test_N01FR15_https_trusts_the_roots_that_it_is_told(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    root = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    with HTTPFiles(certificate) as server:
        await NetworkTransfer().upload(server.url("/a"), "a.log", b"x", roots=root)
        assert server.files == {"/a": b"x"}
        with pytest.raises(TransferFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await NetworkTransfer().upload(server.url("/b"), "b.log", b"x")


async def test_a_transfer_that_is_called_off_ends_in_its_thread(http: HTTPFiles, tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x")
        begun.set()
        handler.rfile.read(1)  # until the station hangs up
        ended.set()

    http.answers["GET /a"] = slow
    file = tmp_path / "image"
    task = asyncio.ensure_future(NetworkTransfer().download(http.url("/a"), file, Progress()))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)


async def test_L01FR01_a_file_comes_over_ftp(tmp_path: Path) -> None:
    (tmp_path / "fw image.bin").write_bytes(CONTENT)
    (tmp_path / "out").mkdir()
    with ftp_files(tmp_path) as url:
        assert await _fetch(url + "fw%20image.bin", tmp_path / "out") == CONTENT
        with pytest.raises(TransferFailed, match="550"):
            await _fetch(url + "none.bin", tmp_path / "out")


async def test_N01FR02_a_file_goes_over_ftp_into_a_folder_or_under_a_name(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with ftp_files(tmp_path) as url:
        await NetworkTransfer().upload(url, "a.log", CONTENT)
        await NetworkTransfer().upload(url + "logs", "b.log", b"b")
        await NetworkTransfer().upload(url + "logs/c.txt", "c.log", b"c")
    assert (tmp_path / "a.log").read_bytes() == CONTENT
    assert (tmp_path / "logs" / "b.log").read_bytes() == b"b"
    assert (tmp_path / "logs" / "c.txt").read_bytes() == b"c"


async def test_N01FR10_an_ftp_server_that_denies_is_told_so(tmp_path: Path) -> None:
    with ftp_files(tmp_path) as url:
        guest = url.replace("cs:pass%20word@", "")
        with pytest.raises(TransferFailed) as denied:
            await NetworkTransfer().upload(guest, "a.log", b"x")
        assert denied.value.fault is TransferFault.DENIED
        with pytest.raises(TransferFailed) as wrong:
            await NetworkTransfer().upload(url.replace("pass", "push"), "a.log", b"x")
        assert wrong.value.fault is TransferFault.DENIED
        assert "push" not in str(wrong.value)


async def test_L01FR08_ftps_is_secured_and_checks_the_certificate(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    root = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    with ftp_files(tmp_path, certificate) as url:
        await NetworkTransfer().upload(url, "a.log", b"x", roots=root)
        assert (tmp_path / "a.log").read_bytes() == b"x"
        with pytest.raises(TransferFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await NetworkTransfer().upload(url, "b.log", b"x")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("file:///etc/passwd", TransferFault.NOT_SUPPORTED),
        ("sftp://host/file", TransferFault.NOT_SUPPORTED),
        ("gopher://host/file", TransferFault.NOT_SUPPORTED),
        ("/etc/passwd", TransferFault.NOT_SUPPORTED),
        ("http:///file", TransferFault.BAD_MESSAGE),
        ("http://[::1/file", TransferFault.BAD_MESSAGE),
        ("http://host:99999/file", TransferFault.BAD_MESSAGE),
        ("http://host/a b", TransferFault.BAD_MESSAGE),
        ("ftp://host/a%0d%0aDELE%20b", TransferFault.BAD_MESSAGE),
    ],
)
async def test_a_url_that_may_not_be_used_is_refused_before_anything_is_opened(url: str, fault: TransferFault) -> None:
    with pytest.raises(TransferFailed) as failure:
        await NetworkTransfer().upload(url, "a.log", b"x")
    assert failure.value.fault is fault


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: "ftp://" + text))
def test_no_text_makes_the_check_of_a_url_fail_in_another_way(url: str) -> None:
    try:
        parts = checked_url(url)
    except TransferFailed:
        return
    assert parts.scheme.lower() in {"http", "https", "ftp", "ftps"}
    assert parts.hostname
