"""Real servers for files, in threads: one for HTTP, one for FTP."""

from __future__ import annotations

import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

with warnings.catch_warnings():  # it stands on asyncore, which Python 3.11 calls old
    warnings.simplefilter("ignore")
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer


class HTTPFiles:
    """An HTTP server. ``files`` by path are what GET gives; what PUT and POST bring goes there too. ``answers`` by
    ``"METHOD /path"`` answer in its place: a status, or a function of the handler. ``requests`` has what came, as
    (method, path, headers)."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, int | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            do_PUT = do_POST = do_GET  # noqa: N815 - the base class names them

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def url(self, path: str, *, user: str = "") -> str:
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{user + '@' if user else ''}{host}:{self.server.server_port}{path}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, handler.path, dict(handler.headers.items())))
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        answer = self.answers.get(f"{handler.command} {handler.path}")
        if callable(answer):
            answer(handler)
            return
        content = b""
        if answer is None and handler.command == "GET":
            found = self.files.get(handler.path)
            answer, content = (404, b"") if found is None else (200, found)
        elif answer is None:
            self.files[handler.path] = body
            answer = 201
        handler.send_response(answer)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def __enter__(self) -> HTTPFiles:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@contextmanager
def ftp_files(folder: Path, certificate: Path | None = None) -> Iterator[str]:
    """An FTP server over ``folder`` with the user ``cs`` (may write) and the guest, who may only read; gives the URL of
    its root. With a certificate it insists on TLS."""
    (folder / "locked").mkdir(exist_ok=True)
    authorizer = DummyAuthorizer()
    authorizer.add_user("cs", "pass word", str(folder), perm="elradfmw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        authorizer.add_anonymous(str(folder))
    base = FTPHandler if certificate is None else TLS_FTPHandler

    class Handler(base):  # type: ignore[misc, valid-type]
        pass

    Handler.authorizer = authorizer
    if certificate is not None:
        Handler.certfile = str(certificate)
        Handler.tls_control_required = Handler.tls_data_required = True
    server = FTPServer(("127.0.0.1", 0), Handler, ioloop=IOLoop())
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            server.serve_forever(timeout=0.02, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    scheme, host = ("ftp", "127.0.0.1") if certificate is None else ("ftps", "localhost")
    try:
        yield f"{scheme}://cs:pass%20word@{host}:{server.address[1]}/"
    finally:
        over.set()
        thread.join()
        server.close_all()
