"""A way to PostgreSQL that breaks where a test wants it to."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"


class BreakingProxy:
    """Passes on what a client and the server say. ``cut``: ``before`` or ``after`` breaks the connection when the
    client says COMMIT, before the server hears of it or after it has answered; only that once. With ``goes_down`` it
    refuses everybody from then on, until ``is_down`` is False again."""

    def __init__(self, server: Path) -> None:
        self.cut: str | None = None
        self.goes_down = False
        self.is_down = False
        self.cuts = 0
        self._held = False
        self._answered = threading.Event()
        self._server = str(server / _SOCKET)
        self.folder = Path(tempfile.mkdtemp(prefix="ocppflow-px-", dir="/tmp"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / _SOCKET))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._pass_on, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            if self.is_down:
                return
            server.connect(self._server)
            back = threading.Thread(target=self._answers, args=(server, client), daemon=True)
            cut = None
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self.cut and b"COMMIT" in data:
                        cut, self.cut = self.cut, None
                        self.cuts += 1
                        self.is_down = self.goes_down
                        if cut == "after":
                            self._held = True
                            server.sendall(data)
                            self._answered.wait(5)
                            self._held = False
                        break
                    server.sendall(data)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(5)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if self._held:
                    self._answered.set()
                    return
                client.sendall(data)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        shutil.rmtree(self.folder)
