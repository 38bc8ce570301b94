"""scripts/attack: a loopback index whose answers are made while they are sent, and so may be larger than any memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Pieces = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An answer; where its headers have no Content-Length, only its end says how long it is."""

    pieces: Pieces
    headers: Mapping[str, str] = field(default_factory=dict)
    whole: bytes | None = None
    """What Range requests are answered from; None: they are answered with the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A server that runs."""

    url: str
    bodies: dict[str, Body]
    """By path."""
    stopped: threading.Event


def text(data: bytes, kind: str = "text/html") -> Body:
    """Return a body that is all there."""
    return Body(
        pieces=lambda: iter((data,)), headers={"Content-Type": kind, "Content-Length": str(len(data))}, whole=data
    )


@contextmanager
def serve() -> Iterator[Site]:
    """Serve on a free port until the block ends."""
    bodies: dict[str, Body] = {}
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            if body is None:
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            if wanted is not None and body.whole is not None:
                self._send_range(body.whole, wanted)
                return
            self.send_response(200)
            for name, value in body.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._send(body.pieces())

        def _send_range(self, data: bytes, wanted: str) -> None:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(int(last) + 1, len(data)) if first and last else len(data)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            self._send(iter((data[start:end],)))

        def _send(self, pieces: Iterator[bytes]) -> None:
            try:
                for piece in pieces:
                    if stopped.is_set():
                        return
                    self.wfile.write(piece)
            except OSError:
                self.close_connection = True  # who has read enough closes

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
            pass

    class Listening(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    with Listening(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Site(url=f"http://127.0.0.1:{listening.server_address[1]}", bodies=bodies, stopped=stopped)
        finally:
            stopped.set()
            listening.shutdown()
            thread.join()
