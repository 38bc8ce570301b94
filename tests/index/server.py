"""A loopback file server that knows Range requests, and can be told to know them badly."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True, kw_only=True)
class FileServer:
    """What is served, how, and what was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    suffix_ranges: bool = True
    etag: str | None = '"one"'
    etags: dict[str, str] = field(default_factory=dict)
    """Of some paths, in the place of `etag`."""
    modified: str | None = None
    """Last-Modified of every answer."""
    conditions: bool = True
    """Whether If-None-Match and If-Modified-Since are known."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header."""
    conditional: list[str] = field(default_factory=list)
    """Paths that were asked for on condition that they have changed."""
    unchanged: int = 0
    """Answers that were a 304."""
    wire: int = 0
    """Bytes of requests and answers, heads and bodies."""
    sent: int = 0
    """Bytes of bodies that left; what a client that closes early leaves behind counts in part."""


@contextmanager
def serve_files(server: FileServer) -> Iterator[FileServer]:
    """Serve ``server.files`` on a free port until the block ends."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes, and the client would answer each

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            with lock:
                server.requests.append((self.path, wanted))
                server.wire += len(self.requestline) + 2 + len(bytes(self.headers))
                if {"If-None-Match", "If-Modified-Since"} & set(self.headers):
                    server.conditional.append(self.path)
            data = server.files.get(self.path)
            if data is None:
                self.answer(404, {}, b"")
                return
            if self.is_unchanged():
                with lock:
                    server.unchanged += 1
                self.answer(304, {}, b"")
                return
            span = self.find_span(wanted, len(data))
            if span is None:
                self.answer(200, {}, data)
                return
            start, end = span
            if start >= len(data):
                self.answer(416, {"Content-Range": f"bytes */{len(data)}"}, b"")
                return
            self.answer(206, {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, data[start:end])

        @property
        def etag(self) -> str | None:
            return server.etags.get(self.path, server.etag)

        def is_unchanged(self) -> bool:
            etag, since = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
            if not server.conditions:
                return False
            return etag == self.etag if etag is not None else since is not None and since == server.modified

        def find_span(self, wanted: str | None, size: int) -> tuple[int, int] | None:
            condition = self.headers.get("If-Range")
            if not server.ranges or wanted is None or (condition is not None and condition != self.etag):
                return None
            match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
            assert match is not None, "one range a request"
            if not match[1]:
                return (max(0, size - int(match[2])), size) if server.suffix_ranges else None
            return int(match[1]), min(int(match[2]) + 1, size)

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            fields = {**server.headers, **headers, "ETag": self.etag, "Last-Modified": server.modified}
            if status != 304:
                fields["Content-Length"] = str(len(body))
            self.send_response(status)
            with lock:
                server.wire += 100  # status line, Server, Date
            for name, value in fields.items():
                if value is not None:
                    self.send_header(name, value)
                    with lock:
                        server.wire += len(f"{name}: {value}\r\n")
            self.end_headers()
            try:
                for at in range(0, len(body), 16384):
                    self.wfile.write(body[at : at + 16384])
                    with lock:
                        server.sent += len(body[at : at + 16384])
                        server.wire += len(body[at : at + 16384])
            except OSError:
                self.close_connection = True  # the client has closed: what it is meant to do with a 200

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
            pass

    class Listening(ThreadingHTTPServer):
        request_queue_size = 128  # of 5, a client with 16 connections loses some, and tries again after a second
        daemon_threads = True

    with Listening(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
